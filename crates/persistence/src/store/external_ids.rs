//! Users by the team's own ids.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryResult,
    SelectableHelper,
};
use domain::{ExternalIds, ExternalUser, StoreError, User};

use super::run::RunQueryDsl;
use super::user_rows::UserRow;
use super::users::{PortfoliosRow, portfolios};
use super::{Store, limited, store_error};
use crate::schema::{portfolio_counts, users};

#[async_trait]
impl ExternalIds for Store {
    async fn user_of(&self, external_id: &str) -> Result<ExternalUser, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            // Those who are not deleted come first, so that two rows tell every case apart.
            let rows: QueryResult<Vec<(UserRow, PortfoliosRow)>> = users::table
                .left_join(portfolio_counts::table.on(portfolio_counts::user_id.eq(users::id)))
                .filter(users::external_id.eq(external_id))
                .order((users::deleted_at.is_not_null(), users::clerk_user_id))
                .limit(2)
                .select((
                    UserRow::as_select(),
                    (
                        portfolio_counts::first_portfolio_id,
                        portfolio_counts::portfolio_count,
                    )
                        .nullable(),
                ))
                .load(lease.conn())
                .await;
            let mut users =
                lease
                    .settle(rows)
                    .map_err(store_error)?
                    .into_iter()
                    .map(|(row, counted)| {
                        Ok::<_, StoreError>((User::try_from(row)?, portfolios(counted)))
                    });
            let (first, second) = (users.next().transpose()?, users.next().transpose()?);
            Ok(match (first, second) {
                (None, _) => ExternalUser::Unknown,
                (Some(_), Some((second, _))) if second.deleted_at.is_none() => {
                    ExternalUser::Ambiguous
                }
                (Some((first, portfolios)), _) => ExternalUser::Known(Box::new(first), portfolios),
            })
        })
        .await
    }
}
