//! The ledger: a line for every message.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::{
    Deliveries, Delivery, DeliveryRecord, Outcome, Payload, Receipt, Rejection, StoreError,
};
use uuid::Uuid;

use super::{Conn, Store, limited, store_error};
use crate::column::{Id, Json, Time};
use crate::schema::webhook_deliveries as ledger;

/// Claims the message for this transaction: `false` when it was here before, and then one more attempt is counted.
/// The line says `ignored` until [`close`] writes what became of it, in the same transaction.
pub(super) async fn open(conn: &mut Conn, line: Uuid, delivery: &Delivery) -> QueryResult<bool> {
    let (json, bytes) = match &delivery.payload {
        Payload::Json(value) => (Some(Json(value.clone())), None),
        Payload::Bytes(bytes) => (None, Some(bytes)),
    };
    let is_new = diesel::insert_into(ledger::table)
        .values((
            ledger::id.eq(Id(line)),
            ledger::svix_id.eq(&delivery.message_id),
            ledger::event_type.eq(&delivery.event_type),
            ledger::object_id.eq(&delivery.object_id),
            ledger::instance_id.eq(&delivery.instance_id),
            ledger::outcome.eq(Outcome::Ignored.as_str()),
            ledger::attempts.eq(1),
            ledger::occurred_at.eq(delivery.occurred_at.map(Time)),
            ledger::received_at.eq(Time(delivery.received_at)),
            ledger::payload.eq(json),
            ledger::payload_bytes.eq(bytes),
        ))
        .on_conflict(ledger::svix_id)
        .do_nothing()
        .execute(conn)
        .await?
        == 1;
    if !is_new {
        diesel::update(ledger::table.filter(ledger::svix_id.eq(&delivery.message_id)))
            .set(ledger::attempts.eq(ledger::attempts + 1))
            .execute(conn)
            .await?;
    }
    Ok(is_new)
}

/// Writes what became of the message.
pub(super) async fn close(conn: &mut Conn, line: Uuid, receipt: &Receipt) -> QueryResult<()> {
    diesel::update(ledger::table.find(Id(line)))
        .set((
            ledger::outcome.eq(receipt.outcome.as_str()),
            ledger::reason.eq(&receipt.reason),
        ))
        .execute(conn)
        .await?;
    Ok(())
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
struct LedgerRow {
    id: Id,
    svix_id: Option<String>,
    event_type: String,
    object_id: Option<String>,
    outcome: String,
    reason: Option<String>,
    attempts: i32,
    received_at: Time,
}

impl TryFrom<LedgerRow> for DeliveryRecord {
    type Error = StoreError;

    fn try_from(row: LedgerRow) -> Result<Self, StoreError> {
        let LedgerRow {
            id,
            svix_id,
            event_type,
            object_id,
            outcome,
            reason,
            attempts,
            received_at,
        } = row;
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
            let row: QueryResult<Option<LedgerRow>> = ledger::table
                .filter(ledger::svix_id.eq(message_id))
                .select(LedgerRow::as_select())
                .first(lease.conn())
                .await
                .optional();
            let row = lease.settle(row).map_err(store_error)?;
            row.map(DeliveryRecord::try_from).transpose()
        })
        .await
    }
}
