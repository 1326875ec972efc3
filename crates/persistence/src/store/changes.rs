//! The change feed's rows.

use diesel::{ExpressionMethods, QueryResult};
use diesel_async::RunQueryDsl;
use domain::Change;

use super::Conn;
use crate::column::{Json, Time};
use crate::schema::changes;

/// Adds a row. The caller holds the write lock until commit, so cursors are in commit order.
pub(super) async fn append(conn: &mut Conn, change: Change) -> QueryResult<()> {
    let Change {
        kind,
        clerk_id,
        op,
        at,
        data,
    } = change;
    diesel::insert_into(changes::table)
        .values((
            changes::kind.eq(kind.as_str()),
            changes::clerk_id.eq(clerk_id),
            changes::op.eq(op.as_str()),
            changes::at.eq(Time(at)),
            changes::data.eq(Json(data)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
