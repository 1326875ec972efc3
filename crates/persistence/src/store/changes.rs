//! The change feed.

use async_trait::async_trait;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use domain::{Change, ChangeKind, ChangeOp, Changes, FeedItem, FeedMark, StoreError};

use super::local::unreadable;
use super::run::RunQueryDsl;
use super::{Conn, Link, Store, feed_tail, limited, store_error};
use crate::column::{Json, Time};
use crate::schema::changes;

super::insertion::insertable! {
    struct NewChange for changes {
        kind: &'static str,
        clerk_id: String,
        op: &'static str,
        at: Time,
        data: Json,
    }
}

/// Adds rows, and answers what the feed's readers see of them, in the order of their cursors. The caller holds the write
/// lock until commit, so cursors are in commit order.
pub(super) async fn append(mut link: Link<'_>, seen: Vec<Change>) -> QueryResult<Vec<FeedMark>> {
    let rows: Vec<NewChange> = seen.into_iter().map(NewChange::from).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let rows = super::insertion::insert_returning!(&mut link, rows, "", feed_tail::Row);
    let mut marks: Vec<FeedMark> = rows.into_iter().map(feed_tail::mark).collect();
    marks.sort_unstable_by_key(|mark| mark.cursor);
    Ok(marks)
}

impl From<Change> for NewChange {
    fn from(change: Change) -> Self {
        let Change {
            kind,
            clerk_id,
            op,
            at,
            data,
        } = change;
        Self {
            kind: kind.as_str(),
            clerk_id,
            op: op.as_str(),
            at: Time(at),
            data: Json(data),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = changes)]
struct ChangeRow {
    cursor: i64,
    kind: String,
    clerk_id: String,
    op: String,
    at: Time,
    data: Json,
}

impl TryFrom<ChangeRow> for FeedItem {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self, StoreError> {
        let ChangeRow {
            cursor,
            kind,
            clerk_id,
            op,
            at,
            data,
        } = row;
        let unreadable =
            |what: &str| StoreError::Unreadable(format!("changes.{what} at cursor {cursor}"));
        let kind = ChangeKind::parse(&kind).ok_or_else(|| unreadable("kind"))?;
        let op = match op.as_str() {
            "upsert" => ChangeOp::Upsert,
            "delete" => ChangeOp::Delete,
            _ => return Err(unreadable("op")),
        };
        Ok(Self {
            cursor,
            change: Change {
                kind,
                clerk_id,
                op,
                at: at.0,
                data: data.0,
            },
        })
    }
}

#[async_trait]
impl Changes for Store {
    async fn after(&self, cursor: i64, limit: u32) -> Result<Vec<FeedItem>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let items = after(lease.conn(), cursor, limit).await;
            lease.settle(items).map_err(store_error)
        })
        .await
    }
}

/// The changes after this cursor, in their order.
pub(super) async fn after(conn: &mut Conn, cursor: i64, limit: u32) -> QueryResult<Vec<FeedItem>> {
    let rows: Vec<ChangeRow> = changes::table
        .filter(changes::cursor.gt(cursor))
        .order(changes::cursor)
        .limit(i64::from(limit))
        .select(ChangeRow::as_select())
        .load(conn)
        .await?;
    items(rows)
}

/// The changes before this cursor, the newest first.
pub(super) async fn before(conn: &mut Conn, cursor: i64, limit: u32) -> QueryResult<Vec<FeedItem>> {
    let rows: Vec<ChangeRow> = changes::table
        .filter(changes::cursor.lt(cursor))
        .order(changes::cursor.desc())
        .limit(i64::from(limit))
        .select(ChangeRow::as_select())
        .load(conn)
        .await?;
    items(rows)
}

fn items(rows: Vec<ChangeRow>) -> QueryResult<Vec<FeedItem>> {
    let items = rows.into_iter().map(FeedItem::try_from);
    items.collect::<Result<_, _>>().map_err(unreadable)
}
