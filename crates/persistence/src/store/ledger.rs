//! The ledger: a line for every message.

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
};
use domain::{
    Deliveries, Delivery, DeliveryFilter, DeliveryRecord, JsonText, Outcome, Payload, Receipt,
    Rejection, StoreError, StoredDelivery,
};
use uuid::Uuid;

use super::run::RunQueryDsl;
use super::storable::storable;
use super::{Conn, Link, Store, insertion, limited, store_error};
use crate::column::{Id, Kept, Time, Written};
use crate::schema::webhook_deliveries as ledger;

diesel::define_sql_function! {
    /// The part of a text that begins at the character `from`, counted from 1, and has this many characters.
    fn substr(text: diesel::sql_types::Text, from: diesel::sql_types::Integer, length: diesel::sql_types::Integer) -> diesel::sql_types::Text;
}

super::insertion::insertable! {
    struct NewLine<'a> for ledger {
        id: Id,
        svix_id: Option<&'a str>,
        event_type: &'a str,
        object_id: Option<&'a str>,
        instance_id: Option<&'a str>,
        outcome: &'static str,
        reason: Option<&'a str>,
        attempts: i32,
        occurred_at: Option<Time>,
        received_at: Time,
        payload: Option<Written<'a>>,
        payload_bytes: Option<&'a [u8]>,
    }
}

/// Which of these messages were here before.
pub(super) async fn known(
    mut link: Link<'_>,
    deliveries: &[Delivery],
) -> QueryResult<HashSet<String>> {
    let ids: Vec<&str> = deliveries
        .iter()
        .map(|delivery| delivery.message_id.as_str())
        .collect();
    let known: Vec<Option<String>> = ledger::table
        .filter(ledger::svix_id.eq_any(ids))
        .select(ledger::svix_id)
        .load(&mut link)
        .await?;
    Ok(known.into_iter().flatten().collect())
}

/// Adds a line for each message, with what became of it and how often it came.
pub(super) async fn add(
    link: Link<'_>,
    deliveries: &[(&Delivery, &Receipt, i32)],
) -> QueryResult<()> {
    let lines: Vec<NewLine<'_>> = deliveries
        .iter()
        .map(|(delivery, receipt, attempts)| NewLine::of(delivery, receipt, *attempts))
        .collect();
    insertion::insert(link, lines).await
}

impl<'a> NewLine<'a> {
    fn of(delivery: &'a Delivery, receipt: &'a Receipt, attempts: i32) -> Self {
        let (payload, payload_bytes) = match &delivery.payload {
            Payload::Json(text) => (Some(Written(text.as_str())), None),
            Payload::Bytes(bytes) => (None, Some(bytes.as_slice())),
        };
        Self {
            id: Id(Uuid::now_v7()),
            svix_id: Some(&delivery.message_id),
            event_type: &delivery.event_type,
            object_id: delivery.object_id.as_deref(),
            instance_id: delivery.instance_id.as_deref(),
            outcome: receipt.outcome.as_str(),
            reason: receipt.reason.as_deref(),
            attempts,
            occurred_at: delivery.occurred_at.map(Time),
            received_at: Time(delivery.received_at),
            payload,
            payload_bytes,
        }
    }
}

/// Counts repetitions of a message.
pub(super) async fn count_attempts(
    conn: &mut Conn,
    message_id: &str,
    times: i32,
) -> QueryResult<()> {
    diesel::update(ledger::table.filter(ledger::svix_id.eq(message_id)))
        .set(ledger::attempts.eq(ledger::attempts + times))
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes what became of a message that was replayed; answers what had become of it before.
pub(super) async fn replayed(
    conn: &mut Conn,
    line: Uuid,
    receipt: &Receipt,
) -> QueryResult<Option<String>> {
    let before: Option<String> = ledger::table
        .find(Id(line))
        .select(ledger::outcome)
        .first(conn)
        .await
        .optional()?;
    diesel::update(ledger::table.find(Id(line)))
        .set((
            ledger::outcome.eq(receipt.outcome.as_str()),
            ledger::reason.eq(&receipt.reason),
            ledger::attempts.eq(ledger::attempts + 1),
        ))
        .execute(conn)
        .await?;
    Ok(before)
}

/// Writes that a message was refused. It takes no message id.
pub(super) async fn reject(conn: &mut Conn, rejection: &Rejection) -> QueryResult<()> {
    let claimed = rejection
        .claimed_message_id
        .as_deref()
        .map(|id| format!(" (claimed message id {id})"));
    diesel::insert_into(ledger::table)
        .values((
            ledger::id.eq(Id(Uuid::now_v7())),
            ledger::event_type.eq(""),
            ledger::outcome.eq(Outcome::Rejected.as_str()),
            ledger::reason.eq(format!("{}{}", rejection.code, claimed.unwrap_or_default())),
            ledger::attempts.eq(1),
            ledger::received_at.eq(Time(rejection.received_at)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = ledger)]
struct Line {
    id: Id,
    svix_id: Option<String>,
    event_type: String,
    object_id: Option<String>,
    outcome: String,
    reason: Option<String>,
    attempts: i32,
    received_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = ledger)]
struct Body {
    payload: Option<Kept>,
    payload_bytes: Option<Vec<u8>>,
}

impl TryFrom<Line> for DeliveryRecord {
    type Error = StoreError;

    fn try_from(line: Line) -> Result<Self, StoreError> {
        let Line {
            id,
            svix_id,
            event_type,
            object_id,
            outcome,
            reason,
            attempts,
            received_at,
        } = line;
        let outcome = Outcome::parse(&outcome).ok_or_else(|| {
            StoreError::Unreadable(format!("webhook_deliveries.outcome is {outcome:?}"))
        })?;
        Ok(Self {
            id: id.0,
            svix_id,
            event_type,
            object_id,
            outcome,
            reason,
            attempts,
            received_at: received_at.0,
        })
    }
}

#[async_trait]
impl Deliveries for Store {
    async fn find(&self, message_id: &str) -> Result<Option<DeliveryRecord>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let line: QueryResult<Option<Line>> = ledger::table
                .filter(ledger::svix_id.eq(message_id))
                .select(Line::as_select())
                .first(lease.conn())
                .await
                .optional();
            lease
                .settle(line)
                .map_err(store_error)?
                .map(DeliveryRecord::try_from)
                .transpose()
        })
        .await
    }

    async fn stored(
        &self,
        filter: &DeliveryFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<StoredDelivery>, StoreError> {
        limited(async {
            let DeliveryFilter {
                id,
                since,
                kind,
                outcome,
            } = filter;
            let mut query = ledger::table
                .filter(ledger::outcome.ne(Outcome::Rejected.as_str()))
                .into_boxed();
            if let Some(id) = id {
                let id = storable(id);
                query = match Uuid::parse_str(&id) {
                    Ok(ours) => query.filter(
                        ledger::id
                            .eq(Id(ours))
                            .or(ledger::svix_id.eq(id.clone()).assume_not_null()),
                    ),
                    Err(_) => query.filter(ledger::svix_id.eq(id)),
                };
            }
            if let Some(since) = since {
                query = query.filter(ledger::received_at.ge(Time(*since)));
            }
            if let Some(kind) = kind {
                // Not `like`, which takes no heed of case on SQLite.
                let prefix = format!("{}.", kind.event_prefix());
                let length = i32::try_from(prefix.len()).unwrap_or(i32::MAX);
                query = query.filter(substr(ledger::event_type, 1, length).eq(prefix));
            }
            if let Some(outcome) = outcome {
                query = query.filter(ledger::outcome.eq(outcome.as_str()));
            }
            if let Some(after) = after {
                query = query.filter(ledger::id.gt(Id(after)));
            }
            let mut lease = self.reader().await?;
            let lines: QueryResult<Vec<(Line, Body)>> = query
                .order(ledger::id)
                .limit(i64::from(limit))
                .select((Line::as_select(), Body::as_select()))
                .load(lease.conn())
                .await;
            lease
                .settle(lines)
                .map_err(store_error)?
                .into_iter()
                .map(stored)
                .collect()
        })
        .await
    }
}

fn stored((line, body): (Line, Body)) -> Result<StoredDelivery, StoreError> {
    let payload = match body {
        Body {
            payload_bytes: Some(bytes),
            ..
        } => Payload::Bytes(bytes),
        Body {
            payload: Some(Kept(text)),
            ..
        } => Payload::Json(JsonText::written(text)),
        Body {
            payload: None,
            payload_bytes: None,
        } => Payload::Bytes(Vec::new()),
    };
    Ok(StoredDelivery {
        record: line.try_into()?,
        payload,
    })
}
