//! Users, read and made on their first request.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl,
    QueryResult, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::{Caller, ClerkId, SessionStatus, StoreError, ThinUser, User, UserStore};

use super::user_rows::UserRow;
use super::{Store, changes, limited, store_error, user_writes};
use crate::schema::{sessions, users};

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
            let found: QueryResult<Option<(UserRow, Option<String>)>> = users::table
                .left_join(sessions::table.on(sessions::clerk_session_id.eq(clerk_session_id)))
                .filter(users::clerk_user_id.eq(clerk_user_id))
                .select((UserRow::as_select(), sessions::status.nullable()))
                .first(lease.conn())
                .await
                .optional();
            let found = lease.settle(found).map_err(store_error)?;
            found
                .map(|(row, status)| {
                    let session_status = status.as_deref().map(SessionStatus::parse);
                    Ok(Caller {
                        user: Arc::new(User::try_from(row)?),
                        session_status,
                    })
                })
                .transpose()
        })
        .await
    }

    async fn provision(&self, user: ThinUser) -> Result<User, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let (user, policy) = (&user, &*self.policy);
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
