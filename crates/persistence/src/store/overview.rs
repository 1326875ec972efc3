//! Lists for administrators, by pages.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    BoolExpressionMethods, EscapeExpressionMethods, ExpressionMethods, NullableExpressionMethods,
    QueryDsl, QueryResult, SelectableHelper, TextExpressionMethods,
};
use domain::{
    ClerkId, DayActivity, DeliveryListFilter, DeliveryRecord, List, Organization,
    OrganizationFilter, Overview, PageQuery, Paged, Session, SessionFilter, SessionStatus,
    StoreError, Totals, User, UserFilter, UserKey, UserOverview,
};
use uuid::Uuid;

use super::organizations::OrganizationRow;
use super::run::RunQueryDsl;
use super::search::{ESCAPE, beginning, holding, lower};
use super::sessions::SessionRow;
use super::storable::storable;
use super::user_rows::UserRow;
use super::{Conn, Store, activity, delivery_list, limited, local, store_error, user_overview};
use crate::column::Id;
use crate::column::Time;
use crate::schema::{organizations, sessions, user_emails, users};

#[async_trait]
impl Overview for Store {
    async fn users(
        &self,
        filter: UserFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<User>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let rows = user_rows(lease.conn(), &filter, &page).await;
            let rows = lease.settle(rows).map_err(store_error)?;
            let users = rows.into_iter().map(User::try_from);
            let users = users.collect::<Result<_, _>>()?;
            Ok(Paged::cut(List::Users, users, page.limit, |user: &User| {
                user.id
            }))
        })
        .await
    }

    async fn user(&self, key: &UserKey) -> Result<Option<User>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let user = local::find(lease.conn(), key).await;
            lease.settle(user).map_err(store_error)
        })
        .await
    }

    async fn user_overview(
        &self,
        key: &UserKey,
        now: DateTime<Utc>,
    ) -> Result<Option<UserOverview>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let overview = user_overview::of(lease.conn(), key, now).await;
            lease.settle(overview).map_err(store_error)
        })
        .await
    }

    async fn organizations(
        &self,
        filter: OrganizationFilter,
        page: PageQuery<ClerkId>,
    ) -> Result<Paged<Organization>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let rows = organization_rows(lease.conn(), &filter, &page).await;
            let rows = lease.settle(rows).map_err(store_error)?;
            let rows = rows.into_iter().map(Organization::try_from);
            let rows = rows.collect::<Result<_, _>>()?;
            let key = |row: &Organization| row.clerk_organization_id.clone();
            Ok(Paged::cut(List::Organizations, rows, page.limit, key))
        })
        .await
    }

    async fn sessions(
        &self,
        filter: SessionFilter,
        page: PageQuery<ClerkId>,
    ) -> Result<Paged<Session>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let rows = session_rows(lease.conn(), &filter, &page).await;
            let rows = lease.settle(rows).map_err(store_error)?;
            let rows = rows.into_iter().map(Session::try_from);
            let rows = rows.collect::<Result<_, _>>()?;
            let key = |row: &Session| row.clerk_session_id.clone();
            Ok(Paged::cut(List::Sessions, rows, page.limit, key))
        })
        .await
    }

    async fn deliveries(
        &self,
        filter: DeliveryListFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<DeliveryRecord>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let rows = delivery_list::records(lease.conn(), &filter, &page).await;
            let rows = lease.settle(rows).map_err(store_error)??;
            let key = |row: &DeliveryRecord| row.id;
            Ok(Paged::cut(List::Deliveries, rows, page.limit, key))
        })
        .await
    }

    async fn totals(&self, now: DateTime<Utc>) -> Result<Totals, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let totals = activity::totals(lease.conn(), now).await;
            lease.settle(totals).map_err(store_error)
        })
        .await
    }

    async fn activity(&self, last: NaiveDate, days: u32) -> Result<Vec<DayActivity>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let days = activity::days(lease.conn(), last, days).await;
            lease.settle(days).map_err(store_error)
        })
        .await
    }
}

async fn user_rows(
    conn: &mut Conn,
    filter: &UserFilter,
    page: &PageQuery<Uuid>,
) -> QueryResult<Vec<UserRow>> {
    let UserFilter {
        q,
        role,
        tier,
        include_deleted,
    } = filter;
    let mut query = users::table.select(UserRow::as_select()).into_boxed();
    if let Some(q) = q {
        let q = storable(q);
        let begins = || beginning(&q);
        let of_address = user_emails::table
            .filter(
                lower(user_emails::email_address)
                    .like(begins())
                    .escape(ESCAPE),
            )
            .select(user_emails::clerk_user_id);
        query = query.filter(
            users::clerk_user_id
                .eq(q.to_string())
                .or(lower(users::email.assume_not_null())
                    .like(begins())
                    .escape(ESCAPE))
                .or(lower(users::username.assume_not_null())
                    .like(begins())
                    .escape(ESCAPE))
                .or(lower(users::full_name.assume_not_null())
                    .like(holding(&q))
                    .escape(ESCAPE))
                .or(users::clerk_user_id.eq_any(of_address)),
        );
    }
    if let Some(role) = role {
        query = query.filter(users::role.eq(role.as_str()));
    }
    if let Some(tier) = tier {
        query = query.filter(users::tier.eq(tier.as_str()));
    }
    if !include_deleted {
        query = query.filter(users::deleted_at.is_null());
    }
    if let Some(after) = page.after {
        query = query.filter(users::id.lt(Id(after)));
    }
    query
        .order(users::id.desc())
        .limit(i64::from(page.limit) + 1)
        .load(conn)
        .await
}

async fn organization_rows(
    conn: &mut Conn,
    filter: &OrganizationFilter,
    page: &PageQuery<ClerkId>,
) -> QueryResult<Vec<OrganizationRow>> {
    let OrganizationFilter { q, include_deleted } = filter;
    let mut query = organizations::table
        .select(OrganizationRow::as_select())
        .into_boxed();
    if let Some(q) = q {
        let q = storable(q);
        query = query.filter(
            organizations::clerk_organization_id
                .eq(q.to_string())
                .or(lower(organizations::slug.assume_not_null())
                    .like(beginning(&q))
                    .escape(ESCAPE))
                .or(lower(organizations::name.assume_not_null())
                    .like(holding(&q))
                    .escape(ESCAPE)),
        );
    }
    if !include_deleted {
        query = query.filter(organizations::deleted_at.is_null());
    }
    if let Some(after) = &page.after {
        query = query.filter(organizations::clerk_organization_id.lt(after.as_str()));
    }
    query
        .order(organizations::clerk_organization_id.desc())
        .limit(i64::from(page.limit) + 1)
        .load(conn)
        .await
}

async fn session_rows(
    conn: &mut Conn,
    filter: &SessionFilter,
    page: &PageQuery<ClerkId>,
) -> QueryResult<Vec<SessionRow>> {
    let SessionFilter {
        clerk_user_id,
        status,
    } = filter;
    let mut query = sessions::table.select(SessionRow::as_select()).into_boxed();
    if let Some(id) = clerk_user_id {
        query = query.filter(sessions::clerk_user_id.eq(storable(id).into_owned()));
    }
    if let Some((status, now)) = status {
        let now = Time(*now);
        let said = || sessions::status.eq(storable(status.as_str()).into_owned());
        let is_open = || {
            let over = SessionStatus::TERMINAL.iter().map(SessionStatus::as_str);
            sessions::status.ne_all(over.collect::<Vec<_>>())
        };
        let has_expired = || sessions::expire_at.assume_not_null().le(now);
        let may_expire = || {
            sessions::expire_at
                .is_null()
                .or(sessions::expire_at.assume_not_null().gt(now))
        };
        let is_abandoned = || sessions::abandon_at.assume_not_null().le(now);
        let may_be_abandoned = || {
            sessions::abandon_at
                .is_null()
                .or(sessions::abandon_at.assume_not_null().gt(now))
        };
        // As `Session::status_at` decides it.
        query = match status {
            SessionStatus::Expired => query.filter(said().or(is_open().and(has_expired()))),
            SessionStatus::Abandoned => {
                query.filter(said().or(is_open().and(may_expire()).and(is_abandoned())))
            }
            _ if status.is_terminal() => query.filter(said()),
            _ => query.filter(said().and(may_expire()).and(may_be_abandoned())),
        };
    }
    if let Some(after) = &page.after {
        query = query.filter(sessions::clerk_session_id.lt(after.as_str()));
    }
    query
        .order(sessions::clerk_session_id.desc())
        .limit(i64::from(page.limit) + 1)
        .load(conn)
        .await
}
