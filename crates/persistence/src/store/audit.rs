//! The audit log: lines are added, and read.

use std::borrow::Cow;

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, NullableExpressionMethods, QueryDsl,
    QueryResult, Queryable, Selectable, SelectableHelper,
};
use domain::{
    Attribution, AuditEntry, AuditFilter, AuditLog, AuditRecord, AuditSubject, List, PageQuery,
    Paged, StoreError,
};
use uuid::Uuid;

use super::run::RunQueryDsl;
use super::storable::{storable, storable_option};
use super::{Conn, Store, limited, store_error};
use crate::column::{Id, Json, Time};
use crate::schema::audit_log::{self, dsl};

#[derive(Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
struct NewEntry<'a> {
    id: Id,
    at: Time,
    actor: &'a str,
    impersonator: Option<Cow<'a, str>>,
    action: &'static str,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    before: Option<Json>,
    after: Option<Json>,
    reason: Option<Cow<'a, str>>,
    request_id: Option<Cow<'a, str>>,
}

/// Adds a line, in the transaction of what it tells.
pub(super) async fn write(
    conn: &mut Conn,
    record: AuditRecord,
    by: &Attribution,
) -> QueryResult<()> {
    let AuditRecord {
        action,
        subject,
        before,
        after,
    } = record;
    let (subject_kind, subject_id) = subject.map(|AuditSubject { kind, id }| (kind, id)).unzip();
    let entry = NewEntry {
        id: Id(Uuid::now_v7()),
        at: Time(by.at),
        actor: by.actor.as_str(),
        impersonator: storable_option(by.impersonator.as_deref()),
        action: action.as_str(),
        subject_kind,
        subject_id,
        before: before.map(Json),
        after: after.map(Json),
        reason: storable_option(by.reason.as_deref()),
        request_id: storable_option(by.request_id.as_deref()),
    };
    diesel::insert_into(audit_log::table)
        .values(entry)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub(super) struct EntryRow {
    id: Id,
    at: Time,
    actor: String,
    impersonator: Option<String>,
    action: String,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    before: Option<Json>,
    after: Option<Json>,
    reason: Option<String>,
    request_id: Option<String>,
}

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        let EntryRow {
            id,
            at,
            actor,
            impersonator,
            action,
            subject_kind,
            subject_id,
            before,
            after,
            reason,
            request_id,
        } = row;
        Self {
            id: id.0,
            at: at.0,
            actor,
            impersonator,
            action,
            subject: subject_kind
                .zip(subject_id)
                .map(|(kind, id)| AuditSubject { kind, id }),
            before: before.map(|value| value.0),
            after: after.map(|value| value.0),
            reason,
            request_id,
        }
    }
}

/// The lines that a filter lets through, the newest first, after the one with this id.
pub(super) async fn lines(
    conn: &mut Conn,
    filter: &AuditFilter,
    after: Option<Uuid>,
    limit: u32,
) -> QueryResult<Vec<AuditEntry>> {
    let AuditFilter {
        actor,
        action,
        subject_kind,
        subject_id,
        since,
        until,
    } = filter;
    let mut query = audit_log::table.into_boxed();
    if let Some(actor) = actor {
        let actor = storable(actor).into_owned();
        query = query.filter(
            dsl::actor
                .eq(actor.clone())
                .or(dsl::impersonator.eq(actor).assume_not_null()),
        );
    }
    if let Some(action) = action {
        query = query.filter(dsl::action.eq(storable(action).into_owned()));
    }
    if let Some(kind) = subject_kind {
        query = query.filter(dsl::subject_kind.eq(storable(kind).into_owned()));
    }
    if let Some(id) = subject_id {
        query = query.filter(dsl::subject_id.eq(storable(id).into_owned()));
    }
    if let Some(since) = since {
        query = query.filter(dsl::at.ge(Time(*since)));
    }
    if let Some(until) = until {
        query = query.filter(dsl::at.lt(Time(*until)));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.lt(Id(after)));
    }
    let rows: Vec<EntryRow> = query
        .order(dsl::id.desc())
        .limit(i64::from(limit))
        .select(EntryRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}

#[async_trait]
impl AuditLog for Store {
    async fn record(&self, record: AuditRecord, by: Attribution) -> Result<(), StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let written = write(lease.conn(), record, &by).await;
            lease.settle(written).map_err(store_error)
        })
        .await
    }

    async fn entries(
        &self,
        filter: AuditFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<AuditEntry>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let one_more = page.limit.saturating_add(1);
            let rows = lines(lease.conn(), &filter, page.after, one_more).await;
            let rows = lease.settle(rows).map_err(store_error)?;
            Ok(Paged::cut(List::Audit, rows, page.limit, |entry| entry.id))
        })
        .await
    }
}
