//! Objects that are kept as they came.

use chrono::{DateTime, Utc};
use diesel::{Insertable, QueryResult, Queryable, Selectable};
use domain::{Change, ChangeOp, Deletion, ObjectKind, ObjectWrite, Precedence};
use serde_json::json;

use super::Conn;
use super::guarded::{Context, delete_guarded, in_parts, upsert_guarded};
use crate::column::{Json, Time};
use crate::schema::clerk_objects;

#[derive(Queryable, Selectable)]
#[diesel(table_name = clerk_objects)]
struct ObjectRow {
    kind: String,
    clerk_id: String,
    data: Json,
    deleted_at: Option<Time>,
}

#[derive(Insertable)]
#[diesel(table_name = clerk_objects, treat_none_as_default_value = false)]
struct NewObject<'a> {
    kind: &'static str,
    clerk_id: &'a str,
    data: Json,
    deleted_at: Option<Time>,
    version: i64,
    precedence: Vec<u8>,
    mirrored_at: Time,
}

impl<'a> NewObject<'a> {
    fn told(write: &'a ObjectWrite, now: DateTime<Utc>) -> Self {
        Self {
            kind: write.kind.as_str(),
            clerk_id: write.clerk_id.as_str(),
            data: Json(write.data.clone()),
            deleted_at: None,
            version: write.precedence.version_millis(),
            precedence: write.precedence.to_bytes(),
            mirrored_at: Time(now),
        }
    }

    fn tombstone(deletion: &'a Deletion, now: DateTime<Utc>) -> Self {
        Self {
            kind: deletion.kind.as_str(),
            clerk_id: deletion.clerk_id.as_str(),
            data: Json(json!({"id": deletion.clerk_id.as_str(), "deleted": true})),
            deleted_at: Some(Time(deletion.deleted_at)),
            version: Precedence::NOTHING_KNOWN.version_millis(),
            precedence: Precedence::NOTHING_KNOWN.to_bytes(),
            mirrored_at: Time(now),
        }
    }
}

/// Writes what is newer; answers the changes that others see. A deleted object takes the data too, so that the row is
/// the same whichever came first; but it stays deleted, and nobody is told.
pub(super) async fn upsert(
    conn: &mut Conn,
    writes: &[&ObjectWrite],
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let mut changes = Vec::with_capacity(writes.len());
    let rows: Vec<_> = writes
        .iter()
        .map(|write| NewObject::told(write, context.now))
        .collect();
    for rows in in_parts(rows) {
        let written = upsert_guarded!(conn, clerk_objects by [kind, clerk_id], rows, context, [data], ObjectRow);
        let visible = written.into_iter().filter(|row| row.deleted_at.is_none());
        changes.extend(visible.filter_map(|row| change(row, ChangeOp::Upsert, context.now)));
    }
    Ok(changes)
}

/// Marks objects as deleted, known or not. A row made by a deletion knows nothing, so that late data fills it.
pub(super) async fn delete(
    conn: &mut Conn,
    deletions: &[&Deletion],
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let rows: Vec<_> = deletions
        .iter()
        .filter(|deletion| !has_own_table(deletion.kind))
        .map(|deletion| NewObject::tombstone(deletion, context.now))
        .collect();
    let mut changes = Vec::with_capacity(rows.len());
    for rows in in_parts(rows) {
        let written =
            delete_guarded!(conn, clerk_objects by [kind, clerk_id], rows, [data], ObjectRow);
        changes.extend(
            written
                .into_iter()
                .filter_map(|row| change(row, ChangeOp::Delete, context.now)),
        );
    }
    Ok(changes)
}

/// Kinds whose deletions are tombstones in a table of their own. Clerk deletes neither sessions nor subscriptions; what
/// such an event would tell is kept here.
fn has_own_table(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Membership
    )
}

fn change(row: ObjectRow, op: ChangeOp, at: DateTime<Utc>) -> Option<Change> {
    let ObjectRow {
        kind,
        clerk_id,
        data,
        ..
    } = row;
    Some(Change {
        kind: ObjectKind::parse(&kind)?,
        clerk_id,
        op,
        at,
        data: data.0,
    })
}
