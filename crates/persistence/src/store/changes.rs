//! The change feed.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};
use diesel::result::Error;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use domain::{Change, ChangeKind, ChangeOp, Changes, FeedItem, FeedMark, StoreError};
use serde::Serialize;

use super::local::unreadable;
use super::run::RunQueryDsl;
use super::{Conn, Link, Store, limited, store_error};
use crate::column::{Json, Time, Written};
use crate::schema::changes;

/// Room for what most changes show, in bytes.
const USUAL_LENGTH: usize = 1024;

/// What a change is about.
pub(super) struct About<'a> {
    pub(super) kind: ChangeKind,
    /// The object's id at Clerk.
    pub(super) clerk_id: &'a str,
    /// The user whom it names in `clerk_user_id`.
    pub(super) clerk_user_id: Option<&'a str>,
}

/// A change that the feed does not know yet. What it shows is written out once, and goes to the database as it is.
pub(super) struct News {
    pub(super) kind: ChangeKind,
    pub(super) clerk_id: String,
    clerk_user_id: Option<String>,
    op: ChangeOp,
    at: Time,
    data: String,
}

impl News {
    /// Of a row as the API shows it.
    pub(super) fn of(
        about: About<'_>,
        op: ChangeOp,
        at: DateTime<Utc>,
        shown: &impl Serialize,
    ) -> QueryResult<Self> {
        let About {
            kind,
            clerk_id,
            clerk_user_id,
        } = about;
        let mut data = Vec::with_capacity(USUAL_LENGTH);
        serde_json::to_writer(&mut data, shown)
            .map_err(|error| Error::SerializationError(error.into()))?;
        Ok(Self {
            kind,
            clerk_id: clerk_id.to_owned(),
            clerk_user_id: clerk_user_id.map(str::to_owned),
            op,
            // As the database gives it back.
            at: Time(at.trunc_subsecs(6)),
            data: String::from_utf8(data)
                .map_err(|error| Error::SerializationError(error.into()))?,
        })
    }
}

super::insertion::insertable! {
    struct NewChange<'a> for changes {
        kind: &'static str,
        clerk_id: &'a str,
        op: &'static str,
        at: Time,
        data: Written<'a>,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = changes)]
struct Cursor {
    cursor: i64,
}

/// Adds rows, and answers what the feed's readers see of them, in the order of their cursors. The caller holds the write
/// lock until commit, so cursors are in commit order.
pub(super) async fn append(mut link: Link<'_>, seen: Vec<News>) -> QueryResult<Vec<FeedMark>> {
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<NewChange<'_>> = seen.iter().map(NewChange::of).collect();
    // Each row takes its cursor and is given back in the order in which they stand.
    let cursors = super::insertion::insert_returning!(&mut link, rows, "", Cursor);
    let told = seen.into_iter().zip(cursors);
    Ok(told.map(|(news, at)| news.marked(at.cursor)).collect())
}

impl<'a> NewChange<'a> {
    fn of(news: &'a News) -> Self {
        Self {
            kind: news.kind.as_str(),
            clerk_id: &news.clerk_id,
            op: news.op.as_str(),
            at: news.at,
            data: Written(&news.data),
        }
    }
}

impl News {
    fn marked(self, cursor: i64) -> FeedMark {
        FeedMark {
            cursor,
            kind: Some(self.kind),
            clerk_id: self.clerk_id,
            clerk_user_id: self.clerk_user_id,
            at: self.at.0,
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
