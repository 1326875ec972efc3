//! How many portfolios a user has, and which is his oldest: how it is written down, and how the feed tells of it
//! ([why](../../../../../docs/decisions/0133-portfolios-are-counted-when-they-change.md)).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;
use diesel::{ExpressionMethods as _, QueryDsl as _, QueryResult};
use domain::workspace::{Portfolio, PortfolioSummary};
use domain::{ChangeKind, ChangeOp};
use serde_json::json;
use uuid::Uuid;

use super::super::changes::{About, News};
use super::super::run::RunQueryDsl as _;
use super::super::{Conn, Link, changes};
use super::Keep;
use super::pieces::{Pieces, Plain};
use crate::column::{DbUuid, Id};
use crate::schema::portfolio_counts::{self, dsl};
use crate::schema::users;

/// Of one user, in one statement.
async fn of_user(mut link: Link<'_>, user_id: Uuid) -> QueryResult<PortfolioSummary> {
    let name = Portfolio::TABLE.name;
    let pieces = Pieces::default()
        .sql(format!(
            "select id, count(*) over () from {name} where {name}.user_id = "
        ))
        .bind(user_id)
        .sql(" order by id limit 1");
    let rows: Vec<(Id, i64)> = Plain::<(DbUuid, BigInt)>::of(pieces)
        .load(&mut link)
        .await?;
    let summary = rows
        .into_iter()
        .next()
        .map(|(first, count)| PortfolioSummary {
            first: Some(first.0),
            count: u64::try_from(count).unwrap_or(0),
        });
    Ok(summary.unwrap_or_default())
}

/// Writes down what these users have now, and adds it to the feed: numbers and an id, and nothing that a portfolio says, as
/// services read it. The caller holds the write lock, and acts as somebody who sees these users' rows.
pub(super) async fn tell(
    conn: &mut Conn,
    owners: BTreeSet<Uuid>,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let mut news = Vec::with_capacity(owners.len());
    for owner in owners {
        let (clerk_id, summary) = together!(conn; clerk_id_of(owner), of_user(owner))?;
        // Nobody asks for whom there is not.
        let Some(clerk_id) = clerk_id else { continue };
        write(conn, owner, summary).await?;
        let PortfolioSummary { first, count } = summary;
        let about = About {
            kind: ChangeKind::Portfolios,
            clerk_id: &clerk_id,
            clerk_user_id: None,
        };
        let data = json!({ "portfolio_id": first, "portfolio_count": count });
        news.push(News::of(about, ChangeOp::Upsert, at, &data)?);
    }
    changes::append(conn, news).await.map(drop)
}

async fn write(conn: &mut Conn, user_id: Uuid, summary: PortfolioSummary) -> QueryResult<()> {
    let PortfolioSummary { first, count } = summary;
    diesel::insert_into(portfolio_counts::table)
        .values((
            dsl::user_id.eq(Id(user_id)),
            dsl::first_portfolio_id.eq(first.map(Id)),
            dsl::portfolio_count.eq(i64::try_from(count).unwrap_or(i64::MAX)),
        ))
        .on_conflict(dsl::user_id)
        .do_update()
        .set((
            dsl::first_portfolio_id.eq(excluded(dsl::first_portfolio_id)),
            dsl::portfolio_count.eq(excluded(dsl::portfolio_count)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Forgets what a person had. The caller deletes it.
pub(super) async fn forget(conn: &mut Conn, user_id: Uuid) -> QueryResult<()> {
    diesel::delete(portfolio_counts::table.find(Id(user_id)))
        .execute(conn)
        .await
        .map(drop)
}

async fn clerk_id_of(mut link: Link<'_>, user_id: Uuid) -> QueryResult<Option<String>> {
    let found: Vec<String> = users::table
        .filter(users::id.eq(Id(user_id)))
        .select(users::clerk_user_id)
        .load(&mut link)
        .await?;
    Ok(found.into_iter().next())
}
