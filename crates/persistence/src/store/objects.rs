//! Objects that are kept as they came.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use diesel::{QueryResult, Queryable, Selectable};
use domain::{ChangeOp, Deletion, ObjectKind, ObjectWrite, Precedence};
use serde_json::{Value, json};

use super::Conn;
use super::changes::{About, News};
use super::guarded::{
    Context, define_delete, define_upsert, delete_guarded, on_conflict, upsert_guarded,
};
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

super::insertion::insertable! {
    struct NewObject<'a> for clerk_objects {
        kind: &'static str,
        clerk_id: &'a str,
        data: Json,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
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

define_upsert! {
    upsert(ObjectWrite) into clerk_objects by [kind, clerk_id] of NewObject,
    [data],
    ObjectRow to change unless |row| row.deleted_at.is_some()
}

// A row made by a deletion knows nothing, so that late data fills it.
define_delete! {
    clerk_objects by [kind, clerk_id] of NewObject,
    [data],
    ObjectRow to change where |kind| !has_own_table(kind)
}

/// Kinds whose deletions are tombstones in a table of their own. Clerk deletes neither sessions nor subscriptions; what
/// such an event would tell is kept here.
fn has_own_table(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::User | ObjectKind::Organization | ObjectKind::Membership
    )
}

fn change(row: ObjectRow, op: ChangeOp, at: DateTime<Utc>) -> Option<News> {
    let ObjectRow {
        kind,
        clerk_id,
        data,
        ..
    } = row;
    // As a database reads it out of the row.
    let named = match data.0.get("clerk_user_id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(Cow::Borrowed(id.as_str())),
        Some(other) => Some(Cow::Owned(other.to_string())),
    };
    let about = About {
        kind: ObjectKind::parse(&kind)?.into(),
        clerk_id: &clerk_id,
        clerk_user_id: named.as_deref(),
    };
    News::of(about, op, at, &data.0).ok()
}
