//! What writes mean for the roles and tiers of those whom they are not about: who pays, and who has a place somewhere.

use std::collections::{BTreeSet, HashMap};

use diesel::{ExpressionMethods, QueryDsl, QueryResult, SelectableHelper};
use domain::{
    BillingTier, ChangeOp, Deletion, ObjectKind, Organization, Payer, RoleDecision, Tier,
    TierDecision, User, Write,
};

use super::changes::News;
use super::guarded::Context;
use super::organizations::{self, OrganizationRow};
use super::run::RunQueryDsl;
use super::standing::{self, Standing};
use super::user_rows::{self, UserRow};
use super::{Conn, notices, plans};
use crate::column::Time;
use crate::schema::{
    organization_memberships as memberships, organizations as organization_table,
    subscription_items as items, users,
};

/// Users in one statement: an organization may have any number of members.
const PART: usize = 1000;

/// Ids of users and organizations.
#[derive(Default)]
pub(super) struct Concerned {
    users: BTreeSet<String>,
    organizations: BTreeSet<String>,
}

/// Who pays for the plans that are about to be written, as their rows have it: what was theirs may become another's.
pub(super) async fn payers_so_far(conn: &mut Conn, writes: &[&Write]) -> QueryResult<Concerned> {
    let plans: Vec<&str> = writes
        .iter()
        .filter_map(|write| match write {
            Write::SubscriptionItem(item) => Some(item.clerk_subscription_item_id.as_str()),
            _ => None,
        })
        .collect();
    if plans.is_empty() {
        return Ok(Concerned::default());
    }
    let payers: Vec<(Option<String>, Option<String>)> = items::table
        .filter(items::clerk_subscription_item_id.eq_any(plans))
        .select((items::payer_user_id, items::payer_organization_id))
        .load(conn)
        .await?;
    let (users, organizations): (Vec<_>, Vec<_>) = payers.into_iter().unzip();
    Ok(Concerned {
        users: users.into_iter().flatten().collect(),
        organizations: organizations.into_iter().flatten().collect(),
    })
}

/// Works out what users and organizations have of which plans or memberships were just told, and `former` payers;
/// answers the changes that others see.
pub(super) async fn follow(
    conn: &mut Conn,
    writes: &[&Write],
    former: Concerned,
    context: &Context<'_>,
) -> QueryResult<Vec<News>> {
    let Concerned {
        mut users,
        mut organizations,
    } = former;
    for write in writes {
        match write {
            Write::SubscriptionItem(item) => match &item.payer {
                Some(Payer::User(id)) => drop(users.insert(id.to_string())),
                Some(Payer::Organization(id)) => drop(organizations.insert(id.to_string())),
                None => {}
            },
            // Its plans may have been told of before it; what a user has himself is found when his row is written.
            Write::Organization(organization) => {
                organizations.insert(organization.profile.clerk_organization_id.to_string());
            }
            // So may those of whom a deletion tells first: the row is then the same in either order.
            Write::Deletion(Deletion {
                kind: ObjectKind::User,
                clerk_id,
                ..
            }) => {
                users.insert(clerk_id.to_string());
            }
            Write::Deletion(Deletion {
                kind: ObjectKind::Organization,
                clerk_id,
                ..
            }) => {
                organizations.insert(clerk_id.to_string());
            }
            _ => {}
        }
    }
    if context.policy.asks_for_memberships() {
        users.extend(members(conn, writes, context).await?);
    }
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let organizations: Vec<&str> = organizations.iter().map(String::as_str).collect();
    settle(conn, &users, &organizations, context).await
}

/// Whose places these writes are about.
async fn members(
    conn: &mut Conn,
    writes: &[&Write],
    context: &Context<'_>,
) -> QueryResult<BTreeSet<String>> {
    let mut users = BTreeSet::new();
    let (mut of_memberships, mut of_organizations) = (Vec::new(), Vec::new());
    for write in writes {
        match write {
            Write::Membership(write) => {
                users.insert(write.profile.clerk_user_id.to_string());
            }
            Write::Deletion(deletion) => match deletion.kind {
                ObjectKind::Membership => of_memberships.push(deletion.clerk_id.as_str()),
                ObjectKind::Organization => of_organizations.push(deletion.clerk_id.as_str()),
                _ => {}
            },
            // A correction may bring one back that was deleted; events never do.
            Write::Organization(write) if context.again => {
                of_organizations.push(write.profile.clerk_organization_id.as_str());
            }
            _ => {}
        }
    }
    if !of_memberships.is_empty() {
        let members: Vec<Option<String>> = memberships::table
            .filter(memberships::clerk_membership_id.eq_any(of_memberships))
            .select(memberships::clerk_user_id)
            .load(conn)
            .await?;
        users.extend(members.into_iter().flatten());
    }
    if !of_organizations.is_empty() {
        let members: Vec<Option<String>> = memberships::table
            .filter(memberships::clerk_organization_id.eq_any(of_organizations))
            .filter(memberships::deleted_at.is_null())
            .select(memberships::clerk_user_id)
            .load(conn)
            .await?;
        users.extend(members.into_iter().flatten());
    }
    Ok(users)
}

/// Works out what was given by plans that have lapsed by now; answers how many rows were looked at, and the changes.
pub(super) async fn settle_lapsed(
    conn: &mut Conn,
    limit: u32,
    context: &Context<'_>,
) -> QueryResult<(u64, Vec<News>)> {
    let (now, limit) = (Time(context.now), i64::from(limit));
    let mut lapsed_users: BTreeSet<String> = users::table
        .filter(users::tier_until.le(now))
        .select(users::clerk_user_id)
        .limit(limit)
        .load(conn)
        .await?
        .into_iter()
        .collect();
    lapsed_users.extend(plans::users_with_lapsed_roles(conn, limit, context).await?);
    let lapsed_organizations: Vec<String> = organization_table::table
        .filter(organization_table::tier_until.le(now))
        .select(organization_table::clerk_organization_id)
        .limit(limit)
        .load(conn)
        .await?;
    let count = lapsed_users.len() + lapsed_organizations.len();
    let lapsed_users: Vec<&str> = lapsed_users.iter().map(String::as_str).collect();
    let lapsed_organizations: Vec<&str> = lapsed_organizations.iter().map(String::as_str).collect();
    let changes = settle(conn, &lapsed_users, &lapsed_organizations, context).await?;
    Ok((u64::try_from(count).unwrap_or(u64::MAX), changes))
}

async fn settle(
    conn: &mut Conn,
    user_ids: &[&str],
    organization_ids: &[&str],
    context: &Context<'_>,
) -> QueryResult<Vec<News>> {
    let mut changes = Vec::new();
    for part in user_ids.chunks(PART) {
        let rows: Vec<UserRow> = users::table
            .filter(users::clerk_user_id.eq_any(part))
            .select(UserRow::as_select())
            .load(conn)
            .await?;
        let known: Vec<String> = rows.iter().map(|row| row.clerk_user_id.clone()).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let standing = Standing::of(conn, &known, context).await?;
        for row in rows {
            changes.extend(settle_user(conn, row, &standing, context).await?);
        }
    }
    if !organization_ids.is_empty() {
        let paid = plans::tiers_of_organizations(conn, organization_ids, context).await?;
        let rows: Vec<OrganizationRow> = organization_table::table
            .filter(organization_table::clerk_organization_id.eq_any(organization_ids))
            .select(OrganizationRow::as_select())
            .load(conn)
            .await?;
        for row in rows {
            changes.extend(settle_organization(conn, row, &paid, context).await?);
        }
    }
    Ok(changes)
}

async fn settle_user(
    conn: &mut Conn,
    row: UserRow,
    standing: &Standing,
    context: &Context<'_>,
) -> QueryResult<Option<News>> {
    // A row that cannot be read is told of by whoever reads it.
    let Ok(user) = User::try_from(row) else {
        return Ok(None);
    };
    let id = user.clerk_user_id.as_str();
    let metadata = standing::metadata_of(&user);
    // What an admin has set stays as it is.
    let role = match user.role_override {
        None => Some(standing.role(id, &metadata, context)),
        Some(_) => None,
    };
    let tier = match user.tier_override {
        None => Some(standing.tier(id, &metadata, context)),
        Some(_) => None,
    };
    let told = notices::of(role.as_ref(), tier.as_ref());
    notices::tell(conn, id, told, context.now).await?;
    let role = role.filter(|decided| !is_role_of(&user, decided));
    let tier = tier.filter(|decided| !is_tier_of(&user, decided));
    if role.is_none() && tier.is_none() {
        return Ok(None);
    }
    let columns = super::local::LocalColumns {
        mirrored_at: Some(Time(context.now)),
        ..super::local::LocalColumns::decided(role, tier)
    };
    let row: UserRow = diesel::update(users::table.filter(users::clerk_user_id.eq(id)))
        .set(columns)
        .returning(UserRow::as_returning())
        .get_result(conn)
        .await?;
    let is_visible = user.deleted_at.is_none();
    Ok(user_rows::change(row, ChangeOp::Upsert, context.now).filter(|_| is_visible))
}

fn is_role_of(user: &User, decided: &RoleDecision) -> bool {
    user.role == decided.role
        && user.role_source.as_deref() == Some(decided.source.to_string().as_str())
}

fn is_tier_of(user: &User, decided: &TierDecision) -> bool {
    user.tier == decided.tier
        && user.tier_source.as_deref() == Some(decided.source.as_str())
        && user.tier_until == decided.until
}

async fn settle_organization(
    conn: &mut Conn,
    row: OrganizationRow,
    paid: &HashMap<String, BillingTier>,
    context: &Context<'_>,
) -> QueryResult<Option<News>> {
    let Ok(organization) = Organization::try_from(row) else {
        return Ok(None);
    };
    let id = organization.clerk_organization_id.as_str();
    let (tier, until) = match paid.get(id) {
        Some(BillingTier {
            tier: Some(tier),
            until,
        }) => (Some(tier), *until),
        _ => (None, None),
    };
    if (tier, until) == (organization.tier.as_ref(), organization.tier_until) {
        return Ok(None);
    }
    let row: OrganizationRow = diesel::update(organization_table::table.find(id))
        .set((
            organization_table::tier.eq(tier.map(Tier::as_str)),
            organization_table::tier_until.eq(until.map(Time)),
            organization_table::mirrored_at.eq(Time(context.now)),
        ))
        .returning(OrganizationRow::as_returning())
        .get_result(conn)
        .await?;
    let is_visible = organization.deleted_at.is_none();
    Ok(organizations::change(row, ChangeOp::Upsert, context.now).filter(|_| is_visible))
}
