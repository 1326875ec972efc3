//! Users, read and made on their first request.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    QueryResult, SelectableHelper,
};
use domain::workspace::PortfolioSummary;
use domain::{
    Caller, ClerkId, Month, MonthUsage, SessionStatus, StoreError, ThinUser, User, UserStore,
};

use super::run::RunQueryDsl;
use super::user_rows::UserRow;
use super::{Store, changes, limited, store_error, user_writes};
use crate::column::Id;
use crate::schema::{portfolio_counts, sessions, usage, users};

/// What a user has of portfolios; nothing where nobody has counted any.
pub(super) type PortfoliosRow = Option<(Option<Id>, i64)>;

pub(super) fn portfolios(row: PortfoliosRow) -> PortfolioSummary {
    row.map_or_else(PortfolioSummary::default, |(first, count)| {
        PortfolioSummary {
            first: first.map(|id| id.0),
            count: u64::try_from(count).unwrap_or(0),
        }
    })
}

/// The user with what he has of portfolios, his session's state, and one feature that he has used with how much of it.
type FoundRow = (
    UserRow,
    PortfoliosRow,
    Option<String>,
    Option<String>,
    Option<i64>,
);

fn found_caller(rows: Vec<FoundRow>, month: Month) -> Result<Option<Caller>, StoreError> {
    let mut used = BTreeMap::new();
    let mut first = None;
    for (row, counted, status, feature, count) in rows {
        if let (Some(feature), Some(count)) = (feature, count) {
            used.insert(feature, u64::try_from(count).unwrap_or(0));
        }
        first.get_or_insert((row, counted, status));
    }
    let Some((row, counted, status)) = first else {
        return Ok(None);
    };
    Ok(Some(Caller {
        user: Arc::new(User::try_from(row)?),
        session_status: status.as_deref().map(SessionStatus::parse),
        usage: Some(Arc::new(MonthUsage { month, used })),
        portfolios: portfolios(counted),
    }))
}

#[async_trait]
impl UserStore for Store {
    async fn caller(
        &self,
        clerk_user_id: &str,
        clerk_session_id: &str,
    ) -> Result<Option<Caller>, StoreError> {
        // What is no id, a database may not even take for a text.
        if ClerkId::check(clerk_user_id)
            .and(ClerkId::check(clerk_session_id))
            .is_err()
        {
            return Ok(None);
        }
        limited(async {
            let mut lease = self.reader().await?;
            // Only a count of this month is of use, and what is counted later is told by the feed.
            let month = Month::of(Utc::now());
            let this_month = usage::user_id
                .eq(users::id)
                .and(usage::month.eq(month.to_string()));
            // One row for each feature that was used, or one in all.
            let found: QueryResult<Vec<FoundRow>> = users::table
                .left_join(
                    sessions::table.on(sessions::clerk_session_id.eq(clerk_session_id.to_owned())),
                )
                .left_join(usage::table.on(this_month))
                .left_join(portfolio_counts::table.on(portfolio_counts::user_id.eq(users::id)))
                .filter(users::clerk_user_id.eq(clerk_user_id.to_owned()))
                .select((
                    UserRow::as_select(),
                    (
                        portfolio_counts::first_portfolio_id,
                        portfolio_counts::portfolio_count,
                    )
                        .nullable(),
                    sessions::status.nullable(),
                    usage::feature.nullable(),
                    usage::used.nullable(),
                ))
                .load(lease.conn())
                .await;
            let found = lease.settle(found).map_err(store_error)?;
            found_caller(found, month)
        })
        .await
    }

    async fn provision(&self, user: ThinUser) -> Result<User, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let (user, policy) = (&user, &self.policy.current());
            let row: QueryResult<UserRow> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                if let Some(change) = user_writes::insert_thin(conn, user, policy).await? {
                    changes::append(conn, vec![change]).await?;
                }
                users::table
                    .filter(users::clerk_user_id.eq(user.clerk_user_id.as_str()))
                    .select(UserRow::as_select())
                    .first(conn)
                    .await
            });
            User::try_from(lease.settle(row).map_err(store_error)?)
        });
        self.observed.told_after(call).await
    }
}
