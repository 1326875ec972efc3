//! The end of the change feed, for what this process remembers. Read through a connection of its own, so that requests
//! that take every other one never make the caches blind.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::sql_types::{Nullable, Text};
use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use domain::{ChangeKind, FeedMark, FeedTail, StoreError};

use super::prepared::Prepared;
use super::run::RunQueryDsl;
use super::{Store, limited, store_error};
use crate::column::Time;
use crate::schema::changes;

/// The user whom a row names; the same operator in both databases.
const NAMED_USER: &str = "data ->> 'clerk_user_id'";

/// What is read of a change.
#[derive(Queryable, Selectable)]
#[diesel(table_name = changes)]
struct Row {
    cursor: i64,
    kind: String,
    clerk_id: String,
    #[diesel(select_expression = sql::<Nullable<Text>>(NAMED_USER), select_expression_type = SqlLiteral<Nullable<Text>>)]
    clerk_user_id: Option<String>,
    at: Time,
}

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
                .select(Row::as_select());
            let rows: QueryResult<Vec<Row>> = Prepared(query).load(lease.conn()).await;
            let rows = lease.settle(rows).map_err(store_error)?;
            Ok(rows.into_iter().map(mark).collect())
        })
        .await
    }
}

fn mark(row: Row) -> FeedMark {
    let Row {
        cursor,
        kind,
        clerk_id,
        clerk_user_id,
        at,
    } = row;
    FeedMark {
        cursor,
        kind: ChangeKind::parse(&kind),
        clerk_id,
        clerk_user_id,
        at: at.0,
    }
}
