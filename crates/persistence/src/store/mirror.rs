//! Deliveries take effect: ledger line, guarded rows and change-feed row in one transaction.

use async_trait::async_trait;
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error};
use domain::{Delivery, Effect, Mirror, Outcome, Payload, Policy, Receipt, Rejection, StoreError};
use uuid::Uuid;

use super::{
    Conn, Store, changes, is_misfit, is_passing, ledger, limited, objects, sessions, store_error,
    user_rows,
};

#[async_trait]
impl Mirror for Store {
    async fn apply(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        limited(async {
            // A refusal may be a passing fault that the driver has no name for, so it has to happen twice.
            if let Ok(receipt) = self.applied(&delivery).await? {
                return Ok(receipt);
            }
            match self.applied(&delivery).await? {
                Ok(receipt) => Ok(receipt),
                Err(refusal) => {
                    let kept = quarantined_by_database(delivery, &refusal);
                    self.applied(&kept)
                        .await?
                        .map_err(|error| StoreError::Unavailable(error.into()))
                }
            }
        })
        .await
    }

    async fn reject(&self, rejection: Rejection) -> Result<(), StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let written = ledger::reject(lease.conn(), &rejection).await;
            lease.settle(written).map_err(store_error)
        })
        .await
    }
}

impl Store {
    /// One attempt. The inner error is the database's refusal of the content, after which nothing is written.
    async fn applied(&self, delivery: &Delivery) -> Result<Result<Receipt, Error>, StoreError> {
        let mut lease = self.writer().await?;
        let policy = &*self.policy;
        let result: QueryResult<Receipt> = write_tx!(lease.conn(), async |conn| {
            super::super::lock_writes(conn).await?;
            apply(conn, delivery, policy).await
        });
        match lease.settle(result) {
            Err(error) if refuses_content(&error) => Ok(Err(error)),
            other => other.map(Ok).map_err(store_error),
        }
    }
}

async fn apply(conn: &mut Conn, delivery: &Delivery, policy: &Policy) -> QueryResult<Receipt> {
    let line = Uuid::now_v7();
    if !ledger::open(conn, line, delivery).await? {
        return Ok(Receipt {
            outcome: Outcome::Duplicate,
            reason: None,
        });
    }
    let at = delivery.received_at;
    let changed = match &delivery.effect {
        Effect::Ignored { reason } => return set_aside(conn, line, Outcome::Ignored, reason).await,
        Effect::Quarantined { reason } => {
            return set_aside(conn, line, Outcome::Quarantined, reason).await;
        }
        Effect::User(write) => user_rows::upsert(conn, write, policy, at).await?,
        Effect::UserDeleted(deletion) => user_rows::delete(conn, deletion, policy, at).await?,
        Effect::Session(write) => sessions::upsert(conn, write, at).await?,
        Effect::Object(write) => objects::upsert(conn, write, at).await?,
    };
    // No change means that the rows knew better.
    let outcome = if changed.is_some() {
        Outcome::Applied
    } else {
        Outcome::Stale
    };
    if let Some(change) = changed {
        changes::append(conn, change).await?;
    }
    let reason = (!delivery.notes.is_empty()).then(|| delivery.notes.join("; "));
    closed(conn, line, Receipt { outcome, reason }).await
}

async fn set_aside(
    conn: &mut Conn,
    line: Uuid,
    outcome: Outcome,
    reason: &str,
) -> QueryResult<Receipt> {
    closed(
        conn,
        line,
        Receipt {
            outcome,
            reason: Some(reason.to_owned()),
        },
    )
    .await
}

async fn closed(conn: &mut Conn, line: Uuid, receipt: Receipt) -> QueryResult<Receipt> {
    ledger::close(conn, line, &receipt).await?;
    Ok(receipt)
}

/// Whether the database refused the delivery's content, which repetition cannot mend: an authentic delivery is then
/// kept in quarantine instead of being refused for ever.
fn refuses_content(error: &Error) -> bool {
    match error {
        Error::SerializationError(_) | Error::QueryBuilderError(_) => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            !is_passing(info.message()) && !is_misfit(info.message())
        }
        Error::DatabaseError(
            DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::UniqueViolation,
            _,
        ) => true,
        _ => false,
    }
}

fn quarantined_by_database(delivery: Delivery, refusal: &Error) -> Delivery {
    let payload = match delivery.payload {
        Payload::Json(value) => Payload::Bytes(value.to_string().into_bytes()),
        bytes @ Payload::Bytes(_) => bytes,
    };
    // The database's message may quote the content, so only its kind is kept.
    let kind = match refusal {
        Error::DatabaseError(kind, _) => format!("{kind:?}"),
        _ => "content that it cannot hold".to_owned(),
    };
    tracing::error!(message_id = %delivery.message_id, event_type = %delivery.event_type, kind, "the database refused a delivery's content");
    Delivery {
        payload,
        effect: Effect::Quarantined {
            reason: format!("the database refused it: {kind}"),
        },
        ..delivery
    }
}
