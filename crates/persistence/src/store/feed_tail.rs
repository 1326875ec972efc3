//! The end of the change feed, for what this process remembers. Read through a connection of its own, so that requests
//! that take every other one never make the caches blind.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::sql_types::{Nullable, Text};
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use domain::{ChangeKind, FeedMark, FeedTail, StoreError};

use super::prepared::Prepared;
use super::{Store, limited, store_error};
use crate::column::Time;
use crate::schema::changes;

/// The user whom a row names; the same operator in both databases.
const NAMED_USER: &str = "data ->> 'clerk_user_id'";

/// What is read of a change.
pub(super) type Row = (i64, String, String, Option<String>, Time);

#[async_trait]
impl FeedTail for Store {
    async fn newest(&self) -> Result<i64, StoreError> {
        limited(async {
            let mut lease = self.tail_reader().await?;
            let newest: QueryResult<Vec<i64>> = changes::table
                .order(changes::cursor.desc())
                .limit(1)
                .select(changes::cursor)
                .load(lease.conn())
                .await;
            let newest = lease.settle(newest).map_err(store_error)?;
            Ok(newest.into_iter().next().unwrap_or(0))
        })
        .await
    }

    async fn from(&self, cursor: i64, limit: u32) -> Result<Vec<FeedMark>, StoreError> {
        limited(async {
            let mut lease = self.tail_reader().await?;
            let query = changes::table
                .filter(changes::cursor.ge(cursor))
                .order(changes::cursor)
                .limit(i64::from(limit))
                .select(columns());
            let rows: QueryResult<Vec<Row>> = Prepared(query).load(lease.conn()).await;
            let rows = lease.settle(rows).map_err(store_error)?;
            Ok(rows.into_iter().map(mark).collect())
        })
        .await
    }
}

/// The columns of [`Row`].
pub(super) fn columns() -> (
    changes::cursor,
    changes::kind,
    changes::clerk_id,
    SqlLiteral<Nullable<Text>>,
    changes::at,
) {
    (
        changes::cursor,
        changes::kind,
        changes::clerk_id,
        sql(NAMED_USER),
        changes::at,
    )
}

pub(super) fn mark((cursor, kind, clerk_id, clerk_user_id, at): Row) -> FeedMark {
    FeedMark {
        cursor,
        kind: ChangeKind::parse(&kind),
        clerk_id,
        clerk_user_id,
        at: at.0,
    }
}
