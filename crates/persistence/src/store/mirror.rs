//! Deliveries and Clerk's own word take effect.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use domain::{
    Attribution, AuditAction, AuditRecord, AuditSubject, ClerkId, Deletion, Delivery, Effect,
    Listing, Mirror, Mirrored, Precedence, Receipt, Rejection, StoreError, Write,
};
use serde_json::json;
use uuid::Uuid;

use super::forgotten::ABOVE_ALL;
use super::guarded::Context;
use super::run::RunQueryDsl;
use super::{Conn, Store, apply, audit, ledger, limited, rows, store_error};
use crate::column::Time;
use crate::schema::{clerk_objects, organization_memberships as memberships, organizations, users};

#[async_trait]
impl Mirror for Store {
    async fn apply(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        self.batcher.apply(delivery).await
    }

    async fn reject(&self, rejection: Rejection) -> Result<(), StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let written = ledger::reject(lease.conn(), &rejection).await;
            lease.settle(written).map_err(store_error)
        })
        .await
    }

    async fn replay(
        &self,
        line: Uuid,
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> Result<Receipt, StoreError> {
        self.replay_line(line, &delivery, now, None).await
    }

    async fn adopt(&self, writes: Vec<Write>, read_at: DateTime<Utc>) -> Result<u64, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let policy = self.policy.current();
            let context = Context {
                policy: &policy,
                now: read_at,
                again: false,
            };
            let groups: Vec<&[Write]> = writes.iter().map(std::slice::from_ref).collect();
            let (context, groups) = (&context, &groups);
            let changed: QueryResult<Vec<bool>> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                apply::write_all(conn, groups, context).await
            });
            let changed = lease.settle(changed).map_err(store_error)?;
            Ok(changed.into_iter().map(u64::from).sum())
        });
        self.observed.told_after(call).await
    }

    async fn correct(
        &self,
        expected: Option<Mirrored>,
        write: Write,
        read_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let Some(listing) = listing(&write) else {
            return Err(StoreError::Refused(
                format!("a {} cannot be corrected", write.key().0).into(),
            ));
        };
        let call = limited(async {
            let mut lease = self.writer().await?;
            let policy = self.policy.current();
            let context = Context {
                policy: &policy,
                now: read_at,
                again: true,
            };
            let (context, expected, write) = (&context, &expected, &write);
            let done: QueryResult<bool> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                let id = write.key().1;
                let found = rows::with_ids(conn, listing, vec![id.as_str()])
                    .await?
                    .into_mirrored();
                let found = found.unwrap_or_default().into_iter().next();
                if matches!(found, Some(Mirrored::Forgotten(_))) {
                    return Ok(false);
                }
                if state(found.as_ref()) != state(expected.as_ref()) {
                    return Ok(false);
                }
                // A deletion wins as it is, and the row goes on knowing what it has been told.
                if found.is_some() && !matches!(write, Write::Deletion(_)) {
                    forget_place(conn, listing, id).await?;
                }
                apply::write_all(conn, &[std::slice::from_ref(write)], context).await?;
                Ok(true)
            });
            lease.settle(done).map_err(store_error)
        });
        self.observed.told_after(call).await
    }
}

impl Store {
    /// [`Mirror::replay`], with a line in the audit log where somebody has decided it.
    pub(super) async fn replay_line(
        &self,
        line: Uuid,
        delivery: &Delivery,
        now: DateTime<Utc>,
        by: Option<&Attribution>,
    ) -> Result<Receipt, StoreError> {
        let call = Box::pin(limited(async {
            let mut lease = self.writer().await?;
            let policy = self.policy.current();
            let context = &Context {
                policy: &policy,
                now,
                again: true,
            };
            let receipt: QueryResult<Receipt> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                let writes: &[Write] = match &delivery.effect {
                    Effect::Writes(writes) => writes,
                    Effect::Ignored { .. } | Effect::Quarantined { .. } => &[],
                };
                let changed = apply::write_all(conn, &[writes], context).await?;
                let is_in_force =
                    changed.contains(&true) || is_deletion_known(conn, writes).await?;
                let receipt = apply::receipt(delivery, is_in_force);
                let before = ledger::replayed(conn, line, &receipt).await?;
                if let Some(by) = by {
                    let record = AuditRecord {
                        action: AuditAction::DeliveryReplayed,
                        subject: Some(AuditSubject::delivery(line)),
                        before: Some(json!({ "outcome": before })),
                        after: Some(json!({ "outcome": receipt.outcome })),
                    };
                    audit::write(conn, record, by).await?;
                }
                Ok(receipt)
            });
            lease.settle(receipt).map_err(store_error)
        }));
        self.observed.told_after(call).await
    }
}

/// Whether a row says already that its object was deleted when one of these writes says it.
async fn is_deletion_known(conn: &mut Conn, writes: &[Write]) -> QueryResult<bool> {
    for write in writes {
        let Write::Deletion(Deletion {
            kind,
            clerk_id,
            deleted_at,
        }) = write
        else {
            continue;
        };
        let (id, at) = (clerk_id.as_str(), Time(*deleted_at));
        let known: i64 = match listing(write) {
            Some(Listing::Users) => {
                users::table
                    .filter(users::clerk_user_id.eq(id))
                    .filter(users::deleted_at.eq(at))
                    .count()
                    .get_result(conn)
                    .await?
            }
            Some(Listing::Organizations) => {
                organizations::table
                    .find(id)
                    .filter(organizations::deleted_at.eq(at))
                    .count()
                    .get_result(conn)
                    .await?
            }
            Some(Listing::Memberships) => {
                memberships::table
                    .find(id)
                    .filter(memberships::deleted_at.eq(at))
                    .count()
                    .get_result(conn)
                    .await?
            }
            None => {
                clerk_objects::table
                    .find((kind.as_str(), id))
                    .filter(clerk_objects::deleted_at.eq(at))
                    .count()
                    .get_result(conn)
                    .await?
            }
        };
        if known > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn listing(write: &Write) -> Option<Listing> {
    use domain::ObjectKind as Kind;
    match write.key().0 {
        Kind::User => Some(Listing::Users),
        Kind::Organization => Some(Listing::Organizations),
        Kind::Membership => Some(Listing::Memberships),
        _ => None,
    }
}

/// What a row must still be for a correction that was worked out from it.
fn state(row: Option<&Mirrored>) -> Option<(i64, bool)> {
    row.map(|row| (row.version(), row.is_deleted()))
}

/// Makes a row know nothing, so that any fact is newer, and live, so that it may be told of. A forgotten person's row
/// stays as it is.
pub(super) async fn forget_place(
    conn: &mut Conn,
    listing: Listing,
    id: &ClerkId,
) -> QueryResult<()> {
    let nothing = Precedence::NOTHING_KNOWN.to_bytes();
    let never = None::<Time>;
    match listing {
        Listing::Users => {
            let user = users::table.filter(users::clerk_user_id.eq(id.as_str()));
            diesel::update(user.filter(users::precedence.ne(ABOVE_ALL.to_vec())))
                .set((users::precedence.eq(nothing), users::deleted_at.eq(never)))
                .execute(conn)
                .await?
        }
        Listing::Organizations => {
            diesel::update(organizations::table.find(id.as_str()))
                .set((
                    organizations::precedence.eq(nothing),
                    organizations::deleted_at.eq(never),
                ))
                .execute(conn)
                .await?
        }
        Listing::Memberships => {
            diesel::update(memberships::table.find(id.as_str()))
                .set((
                    memberships::precedence.eq(nothing),
                    memberships::deleted_at.eq(never),
                ))
                .execute(conn)
                .await?
        }
    };
    Ok(())
}
