//! Users by the team's own ids.

use async_trait::async_trait;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, SelectableHelper};
use domain::{ExternalIds, ExternalUser, StoreError, User};

use super::run::RunQueryDsl;
use super::user_rows::UserRow;
use super::{Store, limited, store_error};
use crate::schema::users;

#[async_trait]
impl ExternalIds for Store {
    async fn user_of(&self, external_id: &str) -> Result<ExternalUser, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            // Those who are not deleted come first, so that two rows tell every case apart.
            let rows: QueryResult<Vec<UserRow>> = users::table
                .filter(users::external_id.eq(external_id))
                .order((users::deleted_at.is_not_null(), users::clerk_user_id))
                .limit(2)
                .select(UserRow::as_select())
                .load(lease.conn())
                .await;
            let mut users = lease
                .settle(rows)
                .map_err(store_error)?
                .into_iter()
                .map(User::try_from);
            let (first, second) = (users.next().transpose()?, users.next().transpose()?);
            Ok(match (first, second) {
                (None, _) => ExternalUser::Unknown,
                (Some(_), Some(second)) if second.deleted_at.is_none() => ExternalUser::Ambiguous,
                (Some(first), _) => ExternalUser::Known(Box::new(first)),
            })
        })
        .await
    }
}
