//! The tiers that follow from what users and organizations pay for.

use std::collections::{BTreeSet, HashMap};

use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use domain::{
    BillingTier, Change, ChangeOp, Coverage, Deletion, ObjectKind, Organization, Payer, Tier, User,
    Write,
};

use super::guarded::Context;
use super::organizations::{self, OrganizationRow};
use super::user_rows::{self, UserRow};
use super::{Conn, Link};
use crate::column::Time;
use crate::schema::{organizations as organization_table, subscription_items as items, users};

#[derive(Queryable, Selectable)]
#[diesel(table_name = items)]
pub(super) struct Plan {
    payer_user_id: Option<String>,
    payer_organization_id: Option<String>,
    status: Option<String>,
    plan_slug: Option<String>,
    is_free_trial: bool,
    period_end: Option<Time>,
    past_due_at: Option<Time>,
    updated_at: Time,
}

/// The plans that these users pay for themselves, in force or not, by user.
pub(super) async fn plans_of_users(
    conn: &mut Conn,
    ids: Vec<&str>,
) -> QueryResult<HashMap<String, Vec<Plan>>> {
    let plans = items::table
        .filter(items::payer_user_id.eq_any(ids))
        .select(Plan::as_select())
        .load(conn)
        .await?;
    Ok(grouped(plans, |plan: &Plan| plan.payer_user_id.clone()))
}

/// What these users pay for themselves; users who pay for nothing are left out.
pub(super) async fn of_users(
    mut link: Link<'_>,
    ids: &[&str],
    context: &Context<'_>,
) -> QueryResult<HashMap<String, BillingTier>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let plans = items::table
        .filter(items::payer_user_id.eq_any(ids))
        .select(Plan::as_select())
        .load(&mut link)
        .await?;
    Ok(by_payer(plans, |plan| plan.payer_user_id.clone(), context))
}

async fn of_organizations(
    conn: &mut Conn,
    ids: Vec<&str>,
    context: &Context<'_>,
) -> QueryResult<HashMap<String, BillingTier>> {
    let plans = items::table
        .filter(items::payer_organization_id.eq_any(ids))
        .select(Plan::as_select())
        .load(conn)
        .await?;
    Ok(by_payer(
        plans,
        |plan| plan.payer_organization_id.clone(),
        context,
    ))
}

fn by_payer(
    plans: Vec<Plan>,
    payer: impl Fn(&Plan) -> Option<String>,
    context: &Context<'_>,
) -> HashMap<String, BillingTier> {
    grouped(plans, payer)
        .into_iter()
        .map(|(payer, plans)| {
            (
                payer,
                context
                    .policy
                    .billing_tier(plans.iter().filter_map(Plan::coverage), context.now),
            )
        })
        .collect()
}

fn grouped(
    plans: Vec<Plan>,
    payer: impl Fn(&Plan) -> Option<String>,
) -> HashMap<String, Vec<Plan>> {
    let mut of: HashMap<String, Vec<Plan>> = HashMap::new();
    for plan in plans {
        if let Some(payer) = payer(&plan) {
            of.entry(payer).or_default().push(plan);
        }
    }
    of
}

impl Plan {
    pub(super) fn coverage(&self) -> Option<Coverage<'_>> {
        Some(Coverage {
            status: self.status.as_deref()?,
            plan_slug: self.plan_slug.as_deref()?,
            period_end: self.period_end.map(|at| at.0),
            past_due_since: self.past_due_at.unwrap_or(self.updated_at).0,
            is_free_trial: self.is_free_trial,
        })
    }
}

/// Ids of users and organizations who pay.
#[derive(Default)]
pub(super) struct Payers {
    users: BTreeSet<String>,
    organizations: BTreeSet<String>,
}

/// Who pays for the plans that are about to be written, as their rows have it: what was theirs may become another's.
pub(super) async fn payers_so_far(conn: &mut Conn, writes: &[&Write]) -> QueryResult<Payers> {
    let plans: Vec<&str> = writes
        .iter()
        .filter_map(|write| match write {
            Write::SubscriptionItem(item) => Some(item.clerk_subscription_item_id.as_str()),
            _ => None,
        })
        .collect();
    if plans.is_empty() {
        return Ok(Payers::default());
    }
    let payers: Vec<(Option<String>, Option<String>)> = items::table
        .filter(items::clerk_subscription_item_id.eq_any(plans))
        .select((items::payer_user_id, items::payer_organization_id))
        .load(conn)
        .await?;
    let (users, organizations): (Vec<_>, Vec<_>) = payers.into_iter().unzip();
    Ok(Payers {
        users: users.into_iter().flatten().collect(),
        organizations: organizations.into_iter().flatten().collect(),
    })
}

/// Works out the tiers of those whose plans were just told of, and of `former` payers; answers the changes that others
/// see.
pub(super) async fn follow(
    conn: &mut Conn,
    writes: &[&Write],
    former: Payers,
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let Payers {
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
            // Its plans may have been told of before it; a user's own tier is found when his row is written.
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
    let users = users.iter().map(String::as_str).collect();
    let organizations = organizations.iter().map(String::as_str).collect();
    settle(conn, users, organizations, context).await
}

/// Works out the tiers that have lapsed by now; answers how many payers were looked at, and the changes.
pub(super) async fn settle_lapsed(
    conn: &mut Conn,
    limit: u32,
    context: &Context<'_>,
) -> QueryResult<(u64, Vec<Change>)> {
    let (now, limit) = (Time(context.now), i64::from(limit));
    let lapsed_users: Vec<String> = users::table
        .filter(users::tier_until.le(now))
        .select(users::clerk_user_id)
        .limit(limit)
        .load(conn)
        .await?;
    let lapsed_organizations: Vec<String> = organization_table::table
        .filter(organization_table::tier_until.le(now))
        .select(organization_table::clerk_organization_id)
        .limit(limit)
        .load(conn)
        .await?;
    let count = lapsed_users.len() + lapsed_organizations.len();
    let changes = settle(
        conn,
        lapsed_users.iter().map(String::as_str).collect(),
        lapsed_organizations.iter().map(String::as_str).collect(),
        context,
    )
    .await?;
    Ok((u64::try_from(count).unwrap_or(u64::MAX), changes))
}

async fn settle(
    conn: &mut Conn,
    user_ids: Vec<&str>,
    organization_ids: Vec<&str>,
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let mut changes = Vec::new();
    if !user_ids.is_empty() {
        let paid = of_users(conn, &user_ids, context).await?;
        let rows: Vec<UserRow> = users::table
            .filter(users::clerk_user_id.eq_any(user_ids))
            .select(UserRow::as_select())
            .load(conn)
            .await?;
        for row in rows {
            changes.extend(settle_user(conn, row, &paid, context).await?);
        }
    }
    if !organization_ids.is_empty() {
        let paid = of_organizations(conn, organization_ids.clone(), context).await?;
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
    paid: &HashMap<String, BillingTier>,
    context: &Context<'_>,
) -> QueryResult<Option<Change>> {
    // A row that cannot be read is told of by whoever reads it.
    let Ok(user) = User::try_from(row) else {
        return Ok(None);
    };
    let metadata = user
        .public_metadata
        .as_object()
        .cloned()
        .unwrap_or_default();
    let (tier, until) = match paid.get(user.clerk_user_id.as_str()) {
        Some(BillingTier {
            tier: Some(tier),
            until,
        }) => (tier.clone(), *until),
        _ => (context.policy.tier_in(&metadata), None),
    };
    if (&tier, until) == (&user.tier, user.tier_until) {
        return Ok(None);
    }
    let row: UserRow =
        diesel::update(users::table.filter(users::clerk_user_id.eq(user.clerk_user_id.as_str())))
            .set((
                users::tier.eq(tier.as_str()),
                users::tier_until.eq(until.map(Time)),
                users::mirrored_at.eq(Time(context.now)),
            ))
            .returning(UserRow::as_returning())
            .get_result(conn)
            .await?;
    let is_visible = user.deleted_at.is_none();
    Ok(user_rows::change(row, ChangeOp::Upsert, context.now).filter(|_| is_visible))
}

async fn settle_organization(
    conn: &mut Conn,
    row: OrganizationRow,
    paid: &HashMap<String, BillingTier>,
    context: &Context<'_>,
) -> QueryResult<Option<Change>> {
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
