//! What users' roles and tiers follow from, as the tables have it.

use std::collections::HashMap;

use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryResult};
use domain::{Coverage, MembershipFact, RoleDecision, RoleFacts, TierDecision, TierFacts, User};
use serde_json::{Map, Value};

use super::guarded::Context;
use super::plans::{self, Plan};
use super::run::RunQueryDsl;
use super::{Conn, Link};
use crate::schema::{organization_memberships as memberships, organizations};

/// Organization and role of places that count, by the user's Clerk id.
pub(super) type Places = HashMap<String, Vec<(String, String)>>;

/// The memberships and plans of some users.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) places: Places,
    pub(super) plans: HashMap<String, Vec<Plan>>,
}

impl Standing {
    /// Of these users, by Clerk's ids.
    pub(super) async fn of(
        conn: &mut Conn,
        clerk_user_ids: &[&str],
        context: &Context<'_>,
    ) -> QueryResult<Self> {
        let (places, plans) = together!(
            conn;
            places_of(clerk_user_ids, context),
            plans::of_users(clerk_user_ids),
        )?;
        Ok(Self { places, plans })
    }

    /// The role of one of them, by the rules.
    pub(super) fn role(
        &self,
        clerk_user_id: &str,
        public_metadata: &Map<String, Value>,
        context: &Context<'_>,
    ) -> RoleDecision {
        self.role_with(None, clerk_user_id, public_metadata, context)
    }

    /// The tier of one of them, by the rules.
    pub(super) fn tier(
        &self,
        clerk_user_id: &str,
        public_metadata: &Map<String, Value>,
        context: &Context<'_>,
    ) -> TierDecision {
        self.tier_with(None, clerk_user_id, public_metadata, context)
    }

    /// The role of one of them, should an admin set this one.
    pub(super) fn role_with(
        &self,
        overridden: Option<&str>,
        clerk_user_id: &str,
        public_metadata: &Map<String, Value>,
        context: &Context<'_>,
    ) -> RoleDecision {
        let places = self.places.get(clerk_user_id).map(Vec::as_slice);
        let places: Vec<MembershipFact<'_>> = places
            .unwrap_or_default()
            .iter()
            .map(|(organization_id, role)| MembershipFact {
                organization_id,
                role,
            })
            .collect();
        let facts = RoleFacts {
            overridden,
            public_metadata,
            memberships: &places,
            plans: &self.plans_of(clerk_user_id),
        };
        context.policy.role(&facts, context.now)
    }

    /// The tier of one of them, should an admin set this one.
    pub(super) fn tier_with(
        &self,
        overridden: Option<&str>,
        clerk_user_id: &str,
        public_metadata: &Map<String, Value>,
        context: &Context<'_>,
    ) -> TierDecision {
        let facts = TierFacts {
            overridden,
            public_metadata,
            plans: &self.plans_of(clerk_user_id),
        };
        context.policy.tier(&facts, context.now)
    }

    fn plans_of(&self, clerk_user_id: &str) -> Vec<Coverage<'_>> {
        let plans = self.plans.get(clerk_user_id).map(Vec::as_slice);
        let plans = plans.unwrap_or_default().iter();
        plans.filter_map(Plan::coverage).collect()
    }
}

/// A user's metadata; a row always has an object there.
pub(super) fn metadata_of(user: &User) -> Map<String, Value> {
    user.public_metadata
        .as_object()
        .cloned()
        .unwrap_or_default()
}

/// The places of these users that count; none where no rule asks for them.
pub(super) async fn places_of(
    mut link: Link<'_>,
    clerk_user_ids: &[&str],
    context: &Context<'_>,
) -> QueryResult<Places> {
    if clerk_user_ids.is_empty() || !context.policy.asks_for_memberships() {
        return Ok(Places::new());
    }
    // An organization that nothing has told of yet is not deleted.
    let rows: Vec<(Option<String>, Option<String>, Option<String>)> = memberships::table
        .left_join(
            organizations::table.on(organizations::clerk_organization_id
                .nullable()
                .eq(memberships::clerk_organization_id)),
        )
        .filter(memberships::clerk_user_id.eq_any(clerk_user_ids))
        .filter(memberships::deleted_at.is_null())
        .filter(organizations::deleted_at.nullable().is_null())
        .order(memberships::clerk_membership_id)
        .select((
            memberships::clerk_user_id,
            memberships::clerk_organization_id,
            memberships::role,
        ))
        .load(&mut link)
        .await?;
    let mut of = Places::new();
    for row in rows {
        if let (Some(user), Some(organization), Some(role)) = row {
            of.entry(user).or_default().push((organization, role));
        }
    }
    Ok(of)
}
