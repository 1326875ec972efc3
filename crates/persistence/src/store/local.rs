//! The columns of a user's row that the team itself writes, and never Clerk.

use chrono::{DateTime, Utc};
use diesel::result::Error;
use diesel::{
    AsChangeset, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, SelectableHelper,
};
use domain::{ChangeOp, RoleDecision, StoreError, TierDecision, User, UserKey};
use uuid::Uuid;

use super::run::RunQueryDsl;
use super::storable::storable;
use super::user_rows::{self, UserRow};
use super::{Conn, changes};
use crate::column::{Id, Json, Time};
use crate::schema::users;

/// What is to be written; `None` leaves a column as it is, `Some(None)` empties it.
#[derive(Default, AsChangeset)]
#[diesel(table_name = users)]
pub(super) struct LocalColumns {
    pub(super) role: Option<String>,
    pub(super) role_override: Option<Option<String>>,
    pub(super) role_source: Option<Option<String>>,
    pub(super) tier: Option<String>,
    pub(super) tier_override: Option<Option<String>>,
    pub(super) tier_source: Option<Option<String>>,
    pub(super) tier_until: Option<Option<Time>>,
    pub(super) preferences: Option<Json>,
    /// Clerk's, but for our own word in it.
    pub(super) public_metadata: Option<Json>,
    pub(super) invite_validated_at: Option<Option<Time>>,
    pub(super) deactivated_at: Option<Option<Time>>,
    pub(super) tokens_valid_after: Option<Option<Time>>,
    pub(super) mirrored_at: Option<Time>,
}

impl LocalColumns {
    /// The columns that say what the rules give, and why; `None` leaves them as they are.
    pub(super) fn decided(role: Option<RoleDecision>, tier: Option<TierDecision>) -> Self {
        let mut columns = Self::default();
        if let Some(decided) = role {
            columns.role = Some(decided.role.to_string());
            columns.role_source = Some(Some(decided.source.to_string()));
        }
        if let Some(decided) = tier {
            columns.tier = Some(decided.tier.to_string());
            columns.tier_source = Some(Some(decided.source.to_string()));
            columns.tier_until = Some(decided.until.map(Time));
        }
        columns
    }
}

/// Writes columns of a row that is there, and tells the feed. The caller holds the write lock.
pub(super) async fn write(
    conn: &mut Conn,
    id: Uuid,
    columns: LocalColumns,
    at: DateTime<Utc>,
) -> QueryResult<User> {
    let columns = LocalColumns {
        mirrored_at: Some(Time(at)),
        ..columns
    };
    let row: UserRow = diesel::update(users::table.find(Id(id)))
        .set(columns)
        .returning(UserRow::as_returning())
        .get_result(conn)
        .await?;
    let written = user(row)?;
    let op = match written.deleted_at {
        None => ChangeOp::Upsert,
        Some(_) => ChangeOp::Delete,
    };
    let change = user_rows::change_of(&written, op, at)?;
    changes::append(conn, vec![change]).await?;
    Ok(written)
}

/// The row with this id, ours or Clerk's, deleted or not.
pub(super) async fn find(conn: &mut Conn, key: &UserKey) -> QueryResult<Option<User>> {
    let mut query = users::table.select(UserRow::as_select()).into_boxed();
    query = match key {
        UserKey::Id(id) => query.filter(users::id.eq(Id(*id))),
        UserKey::Clerk(id) => query.filter(users::clerk_user_id.eq(storable(id).into_owned())),
    };
    let row: Option<UserRow> = query.first(conn).await.optional()?;
    row.map(user).transpose()
}

/// A row as a user, within a transaction.
pub(super) fn user(row: UserRow) -> QueryResult<User> {
    User::try_from(row).map_err(unreadable)
}

/// What [`super::store_error`] turns back into the same.
pub(super) fn unreadable(error: StoreError) -> Error {
    Error::DeserializationError(error.to_string().into())
}
