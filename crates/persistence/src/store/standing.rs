//! What users' roles and tiers follow from, as the tables have it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use domain::{
    Coverage, MembershipFact, Policy, RoleDecision, RoleFacts, TierDecision, TierFacts, User,
};
use serde_json::Map;

use super::Conn;
use super::tiers::{self, Plan};
use crate::schema::{organization_memberships as memberships, organizations};

/// The memberships and plans of some users.
pub(super) struct Standing {
    /// Organization and role, of memberships that count.
    memberships: HashMap<String, Vec<(String, String)>>,
    plans: HashMap<String, Vec<Plan>>,
}

impl Standing {
    /// Of these users, by Clerk's ids.
    pub(super) async fn of(conn: &mut Conn, clerk_user_ids: Vec<&str>) -> QueryResult<Self> {
        Ok(Self {
            memberships: memberships_of(conn, clerk_user_ids.clone()).await?,
            plans: tiers::plans_of_users(conn, clerk_user_ids).await?,
        })
    }

    /// The role of one of them, with this override.
    pub(super) fn role(
        &self,
        user: &User,
        overridden: Option<&str>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> RoleDecision {
        let id = user.clerk_user_id.as_str();
        let places = self.memberships.get(id).map(Vec::as_slice);
        let places: Vec<MembershipFact<'_>> = places
            .unwrap_or_default()
            .iter()
            .map(|(organization_id, role)| MembershipFact {
                organization_id,
                role,
            })
            .collect();
        let empty = Map::new();
        let facts = RoleFacts {
            overridden,
            public_metadata: user.public_metadata.as_object().unwrap_or(&empty),
            memberships: &places,
            plans: &self.plans_of(id),
        };
        policy.role(&facts, now)
    }

    /// The tier of one of them, with this override.
    pub(super) fn tier(
        &self,
        user: &User,
        overridden: Option<&str>,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> TierDecision {
        let empty = Map::new();
        let facts = TierFacts {
            overridden,
            public_metadata: user.public_metadata.as_object().unwrap_or(&empty),
            plans: &self.plans_of(user.clerk_user_id.as_str()),
        };
        policy.tier(&facts, now)
    }

    fn plans_of(&self, clerk_user_id: &str) -> Vec<Coverage<'_>> {
        let plans = self.plans.get(clerk_user_id).map(Vec::as_slice);
        let plans = plans.unwrap_or_default().iter();
        plans.filter_map(Plan::coverage).collect()
    }
}

async fn memberships_of(
    conn: &mut Conn,
    clerk_user_ids: Vec<&str>,
) -> QueryResult<HashMap<String, Vec<(String, String)>>> {
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
        .load(conn)
        .await?;
    let mut of: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in rows {
        if let (Some(user), Some(organization), Some(role)) = row {
            of.entry(user).or_default().push((organization, role));
        }
    }
    Ok(of)
}
