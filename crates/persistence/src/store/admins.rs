//! Whether there would be an admin left.

use std::collections::HashSet;

use diesel::dsl::exists;
use diesel::{ExpressionMethods, QueryDsl, QueryResult, select};
use domain::{ClerkId, Policy, User};

use super::Conn;
use super::run::RunQueryDsl;
use crate::column::Id;
use crate::schema::users::{self, dsl};

/// Whether a user is the only admin there is. `configured` are admins whatever their rows say, unless these say that
/// they cannot sign in. The caller holds the write lock, so that it stays so until the commit.
pub(super) async fn is_last(
    conn: &mut Conn,
    user: &User,
    configured: &[ClerkId],
    policy: &Policy,
) -> QueryResult<bool> {
    let is_admin = policy.is_admin(&user.role) || configured.contains(&user.clerk_user_id);
    if !(is_admin && user.is_active) {
        return Ok(false);
    }
    let others = users::table
        .filter(dsl::role.eq(policy.admin_role().as_str()))
        .filter(dsl::is_active.eq(true))
        .filter(dsl::id.ne(Id(user.id)));
    if select(exists(others)).get_result(conn).await? {
        return Ok(false);
    }
    let configured: HashSet<&str> = configured
        .iter()
        .filter(|id| **id != user.clerk_user_id)
        .map(ClerkId::as_str)
        .collect();
    let barred: Vec<String> = users::table
        .filter(dsl::clerk_user_id.eq_any(configured.clone()))
        .filter(dsl::is_active.eq(false))
        .select(dsl::clerk_user_id)
        .load(conn)
        .await?;
    Ok(barred.len() >= configured.len())
}
