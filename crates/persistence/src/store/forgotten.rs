//! Who has been forgotten. What is told of them later must not fill the rows again.

use std::collections::HashSet;

use super::Link;
use super::run::RunQueryDsl;
use crate::schema::users::{self, dsl};
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use domain::Precedence;

/// Above every place that a fact may have: nothing that is told later fills the row again. On a user's row it says that
/// the person is forgotten, or is about to be.
pub(super) const ABOVE_ALL: [u8; Precedence::LENGTH] = [0xff; Precedence::LENGTH];

/// Those of these users, by Clerk's ids, who are forgotten.
pub(super) async fn among(mut link: Link<'_>, ids: &[&str]) -> QueryResult<HashSet<String>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<String> = users::table
        .filter(dsl::clerk_user_id.eq_any(ids))
        .filter(dsl::precedence.eq(ABOVE_ALL.to_vec()))
        .select(dsl::clerk_user_id)
        .load(&mut link)
        .await?;
    Ok(found.into_iter().collect())
}
