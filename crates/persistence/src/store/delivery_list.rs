//! Lines of the ledger for administrators: without what was in the messages.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use domain::{DeliveryListFilter, DeliveryRecord, Outcome, PageQuery, StoreError};
use uuid::Uuid;

use super::Conn;
use super::run::RunQueryDsl;
use super::storable::storable;
use crate::column::{Id, Time};
use crate::schema::webhook_deliveries as ledger;

#[derive(Queryable, Selectable)]
#[diesel(table_name = ledger)]
struct RecordRow {
    id: Id,
    svix_id: Option<String>,
    event_type: String,
    object_id: Option<String>,
    outcome: String,
    reason: Option<String>,
    attempts: i32,
    received_at: Time,
}

/// The lines that a filter lets through, the newest first, one more than the page has.
pub(super) async fn records(
    conn: &mut Conn,
    filter: &DeliveryListFilter,
    page: &PageQuery<Uuid>,
) -> QueryResult<Result<Vec<DeliveryRecord>, StoreError>> {
    let DeliveryListFilter {
        outcome,
        event_type,
        object_id,
    } = filter;
    let mut query = ledger::table.select(RecordRow::as_select()).into_boxed();
    if let Some(outcome) = outcome {
        query = query.filter(ledger::outcome.eq(outcome.as_str()));
    }
    if let Some(event_type) = event_type {
        query = query.filter(ledger::event_type.eq(storable(event_type).into_owned()));
    }
    if let Some(id) = object_id {
        query = query.filter(ledger::object_id.eq(storable(id).into_owned()));
    }
    if let Some(after) = page.after {
        query = query.filter(ledger::id.lt(Id(after)));
    }
    let rows: Vec<RecordRow> = query
        .order(ledger::id.desc())
        .limit(i64::from(page.limit) + 1)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(record).collect())
}

fn record(row: RecordRow) -> Result<DeliveryRecord, StoreError> {
    let RecordRow {
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
    Ok(DeliveryRecord {
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
