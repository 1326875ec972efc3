//! Objects that are kept as they came.

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::query_dsl::methods::FilterDsl as _;
use diesel::upsert::excluded;
use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryResult};
use diesel_async::RunQueryDsl;
use domain::{Change, ChangeOp, ObjectWrite, Precedence};
use serde_json::Value;

use super::Conn;
use crate::column::{Json, Time};
use crate::schema::clerk_objects::{self, dsl};

/// Writes what is newer; answers the change that others see, if there is one.
pub(super) async fn upsert(
    conn: &mut Conn,
    write: &ObjectWrite,
    now: DateTime<Utc>,
) -> QueryResult<Option<Change>> {
    match write.deleted_at {
        Some(deleted_at) => delete(conn, write, deleted_at, now).await,
        None => keep(conn, write, now).await,
    }
}

/// A deleted object takes the data too, so that the row is the same whichever came first; but it stays deleted, and
/// nobody is told.
async fn keep(
    conn: &mut Conn,
    write: &ObjectWrite,
    now: DateTime<Utc>,
) -> QueryResult<Option<Change>> {
    let deleted_at: Option<Option<Time>> = diesel::insert_into(clerk_objects::table)
        .values((
            dsl::kind.eq(write.kind.as_str()),
            dsl::clerk_id.eq(write.clerk_id.as_str()),
            dsl::data.eq(Json(write.data.clone())),
            dsl::version.eq(write.precedence.version_millis()),
            dsl::precedence.eq(write.precedence.to_bytes()),
            dsl::mirrored_at.eq(Time(now)),
        ))
        .on_conflict((dsl::kind, dsl::clerk_id))
        .do_update()
        .set((
            dsl::data.eq(excluded(dsl::data)),
            dsl::version.eq(excluded(dsl::version)),
            dsl::precedence.eq(excluded(dsl::precedence)),
            dsl::mirrored_at.eq(excluded(dsl::mirrored_at)),
        ))
        .filter(dsl::precedence.lt(excluded(dsl::precedence)))
        .returning(dsl::deleted_at)
        .get_result(conn)
        .await
        .optional()?;
    Ok(matches!(deleted_at, Some(None))
        .then(|| change(write, ChangeOp::Upsert, write.data.clone(), now)))
}

/// The first deletion is the one that counts. A row made by it knows nothing, so that late data fills it.
async fn delete(
    conn: &mut Conn,
    write: &ObjectWrite,
    deleted_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<Option<Change>> {
    // Only other deletions have filled it: the data, too, is the earliest one's.
    let knows_nothing = dsl::precedence.eq(Precedence::NOTHING_KNOWN.to_bytes());
    let data: Option<Json> = diesel::insert_into(clerk_objects::table)
        .values((
            dsl::kind.eq(write.kind.as_str()),
            dsl::clerk_id.eq(write.clerk_id.as_str()),
            dsl::data.eq(Json(write.data.clone())),
            dsl::deleted_at.eq(Time(deleted_at)),
            dsl::version.eq(0),
            dsl::precedence.eq(Precedence::NOTHING_KNOWN.to_bytes()),
            dsl::mirrored_at.eq(Time(now)),
        ))
        .on_conflict((dsl::kind, dsl::clerk_id))
        .do_update()
        .set((
            dsl::data.eq(case_when(knows_nothing, excluded(dsl::data)).otherwise(dsl::data)),
            dsl::deleted_at.eq(excluded(dsl::deleted_at)),
            dsl::mirrored_at.eq(excluded(dsl::mirrored_at)),
        ))
        .filter(
            dsl::deleted_at
                .is_null()
                .or(dsl::deleted_at.gt(excluded(dsl::deleted_at))),
        )
        .returning(dsl::data)
        .get_result(conn)
        .await
        .optional()?;
    Ok(data.map(|Json(data)| change(write, ChangeOp::Delete, data, now)))
}

fn change(write: &ObjectWrite, op: ChangeOp, data: Value, at: DateTime<Utc>) -> Change {
    Change {
        kind: write.kind,
        clerk_id: write.clerk_id.to_string(),
        op,
        at,
        data,
    }
}
