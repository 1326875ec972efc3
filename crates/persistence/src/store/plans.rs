//! What users and organizations pay for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::expression::SqlLiteral;
use diesel::sql_types::Bool;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, IntoSql, NullableExpressionMethods, QueryDsl,
    QueryResult, Queryable, Selectable, SelectableHelper,
};
use domain::{BillingTier, Coverage, PlanRules, RoleSource};

use super::guarded::Context;
use super::run::RunQueryDsl;
use super::{Conn, Link};
use crate::column::Time;
use crate::schema::{subscription_items as items, users};

/// A plan, as far as anything follows from it.
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

/// The plans that these users pay for themselves, in force or not, by user.
pub(super) async fn of_users(
    mut link: Link<'_>,
    ids: &[&str],
) -> QueryResult<HashMap<String, Vec<Plan>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let plans = items::table
        .filter(items::payer_user_id.eq_any(ids))
        .select(Plan::as_select())
        .load(&mut link)
        .await?;
    Ok(grouped(plans, |plan: &Plan| plan.payer_user_id.clone()))
}

/// What these organizations pay for; those that pay for nothing are left out.
pub(super) async fn tiers_of_organizations(
    conn: &mut Conn,
    ids: &[&str],
    context: &Context<'_>,
) -> QueryResult<HashMap<String, BillingTier>> {
    let plans = items::table
        .filter(items::payer_organization_id.eq_any(ids))
        .select(Plan::as_select())
        .load(conn)
        .await?;
    let tier = |plans: Vec<Plan>| {
        let plans = plans.iter().filter_map(Plan::coverage);
        context.policy.billing_tier(plans, context.now)
    };
    let plans = grouped(plans, |plan| plan.payer_organization_id.clone());
    Ok(plans
        .into_iter()
        .map(|(payer, plans)| (payer, tier(plans)))
        .collect())
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

/// The predicate of the index `users_role_of_plan`, word for word: else no database would use it.
fn has_role_of_a_plan() -> SqlLiteral<Bool> {
    diesel::dsl::sql("role_source like 'rule %: plan'")
}

/// Users whose role was given by a plan that is no longer in force, at most `limit`.
///
/// The end of such a role is in no column of theirs; so here stands a second time, in SQL, what
/// [`Coverage::in_force`] says.
pub(super) async fn users_with_lapsed_roles(
    conn: &mut Conn,
    limit: i64,
    context: &Context<'_>,
) -> QueryResult<Vec<String>> {
    let mut lapsed = Vec::new();
    for (source, slug) in context.policy.role_plans() {
        let room = limit - i64::try_from(lapsed.len()).unwrap_or(limit);
        if room > 0 {
            let of_rule = lapsed_by_rule(conn, source, slug, room, context).await?;
            lapsed.extend(of_rule);
        }
    }
    Ok(lapsed)
}

async fn lapsed_by_rule(
    conn: &mut Conn,
    source: RoleSource,
    slug: &str,
    limit: i64,
    context: &Context<'_>,
) -> QueryResult<Vec<String>> {
    let PlanRules {
        keep_until_period_end,
        past_due_grace,
        trials_count,
    } = context.policy.plan_rules();
    let is_kept = (*keep_until_period_end).into_sql::<Bool>();
    let trials_count = (*trials_count).into_sql::<Bool>();
    // So long ago that no plan is as old: everything is within the grace.
    let overdue_since = context
        .now
        .checked_sub_signed(*past_due_grace)
        .unwrap_or(DateTime::<Utc>::UNIX_EPOCH);
    let is_overdue_since = items::past_due_at
        .gt(Time(overdue_since))
        .or(items::past_due_at
            .is_null()
            .and(items::updated_at.nullable().gt(Time(overdue_since))));
    let is_in_force = items::status
        .eq("active")
        .or(items::status
            .eq("canceled")
            .and(items::period_end.gt(Time(context.now)))
            .and(is_kept.nullable()))
        .or(items::status.eq("past_due").and(is_overdue_since));
    let plan = items::table
        .filter(items::payer_user_id.eq(users::clerk_user_id.nullable()))
        .filter(items::plan_slug.eq(slug))
        .filter(trials_count.or(items::is_free_trial.eq(false)))
        .filter(is_in_force);
    users::table
        .filter(has_role_of_a_plan())
        .filter(users::role_source.eq(source.to_string()))
        .filter(not(exists(plan)))
        .order(users::id)
        .limit(limit)
        .select(users::clerk_user_id)
        .load(conn)
        .await
}
