//! Subscriptions, and the tier that follows from them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::{ClerkId, Precedence, Tier};

/// Who pays. In webhooks the unused half is an empty string: that is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum Payer {
    /// A user.
    User(ClerkId),
    /// An organization.
    Organization(ClerkId),
}

/// A guarded write of a subscription's row.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionWrite {
    /// `csub_…`
    pub clerk_subscription_id: ClerkId,
    /// Who pays.
    pub payer: Option<Payer>,
    /// Clerk's word: `active`, `past_due`, `canceled`, …
    pub status: Option<String>,
    /// Clerk's.
    pub active_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub past_due_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub canceled_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub ended_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// The fact's place among all facts about this subscription.
    pub precedence: Precedence,
}

/// A guarded write of the row of one plan within a subscription.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionItemWrite {
    /// `csub_item_…`; the default plan's item keeps its id for ever.
    pub clerk_subscription_item_id: ClerkId,
    /// `csub_…`, where the event names it.
    pub clerk_subscription_id: Option<ClerkId>,
    /// Who pays.
    pub payer: Option<Payer>,
    /// Clerk's word: `active`, `canceled`, `past_due`, `upcoming`, `ended`, …
    pub status: Option<String>,
    /// `cplan_…`
    pub clerk_plan_id: Option<String>,
    /// What the policy maps to a tier.
    pub plan_slug: Option<String>,
    /// `month` or `annual`.
    pub interval: Option<String>,
    /// Whether the item is a trial.
    pub is_free_trial: bool,
    /// When the paid period began.
    pub period_start: Option<DateTime<Utc>>,
    /// When it ends; `None` for a plan that never does.
    pub period_end: Option<DateTime<Utc>>,
    /// When payment failed, where Clerk says so.
    pub past_due_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// The fact's place among all facts about this item.
    pub precedence: Precedence,
}

/// The row that we keep of a subscription, as programs see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subscription {
    /// `csub_…`
    pub clerk_subscription_id: ClerkId,
    /// The user who pays, if a user does.
    pub payer_user_id: Option<String>,
    /// The organization that pays, if one does.
    pub payer_organization_id: Option<String>,
    /// Clerk's word.
    pub status: Option<String>,
    /// Clerk's.
    pub active_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub past_due_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub canceled_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub ended_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// Clerk's `updated_at` in force, in milliseconds since 1970.
    pub version: i64,
}

/// The row that we keep of a plan within a subscription, as programs see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubscriptionItem {
    /// `csub_item_…`
    pub clerk_subscription_item_id: ClerkId,
    /// `csub_…`, once an event has named it.
    pub clerk_subscription_id: Option<String>,
    /// The user who pays, if a user does.
    pub payer_user_id: Option<String>,
    /// The organization that pays, if one does.
    pub payer_organization_id: Option<String>,
    /// Clerk's word.
    pub status: Option<String>,
    /// `cplan_…`
    pub clerk_plan_id: Option<String>,
    /// What the policy maps to a tier.
    pub plan_slug: Option<String>,
    /// `month` or `annual`.
    pub interval: Option<String>,
    /// Whether the item is a trial.
    pub is_free_trial: bool,
    /// When the paid period began.
    pub period_start: Option<DateTime<Utc>>,
    /// When it ends.
    pub period_end: Option<DateTime<Utc>>,
    /// When payment failed.
    pub past_due_at: Option<DateTime<Utc>>,
    /// Clerk's.
    pub created_at: DateTime<Utc>,
    /// Clerk's.
    pub updated_at: DateTime<Utc>,
    /// Clerk's `updated_at` in force, in milliseconds since 1970.
    pub version: i64,
}

/// What decides whether a plan is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage<'a> {
    /// Clerk's word.
    pub status: &'a str,
    /// What the policy maps to a tier.
    pub plan_slug: &'a str,
    /// When the paid period ends.
    pub period_end: Option<DateTime<Utc>>,
    /// When payment failed, or else when Clerk last changed the item.
    pub past_due_since: DateTime<Utc>,
    /// Whether the plan is being tried for nothing.
    pub is_free_trial: bool,
}

/// The policy's rules on which plans are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanRules {
    /// A cancelled plan counts until the end of what was paid for, else not at all.
    pub keep_until_period_end: bool,
    /// How long an overdue plan counts.
    pub past_due_grace: TimeDelta,
    /// A free trial counts as the plan that is tried.
    pub trials_count: bool,
}

impl Default for PlanRules {
    /// As in the built-in policy: until the end of the period, seven days, and yes.
    fn default() -> Self {
        Self {
            keep_until_period_end: true,
            past_due_grace: TimeDelta::days(7),
            trials_count: true,
        }
    }
}

/// The tier that a payer's plans give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillingTier {
    /// The best tier in force, if any plan in force maps to one.
    pub tier: Option<Tier>,
    /// When that answer may change although Clerk says nothing more.
    pub until: Option<DateTime<Utc>>,
}

impl Coverage<'_> {
    /// Until when the plan is in force at `now`: `None` when it is not, `Some(None)` when nothing but Clerk's word ends
    /// it.
    #[must_use]
    pub fn in_force(&self, now: DateTime<Utc>, rules: &PlanRules) -> Option<Option<DateTime<Utc>>> {
        if self.is_free_trial && !rules.trials_count {
            return None;
        }
        let until = match self.status {
            "active" => return Some(None),
            "canceled" if rules.keep_until_period_end => self.period_end?,
            "past_due" => self
                .past_due_since
                .checked_add_signed(rules.past_due_grace)?,
            // Upcoming, ended, abandoned, incomplete, expired, and whatever Clerk adds.
            _ => return None,
        };
        (now < until).then_some(Some(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + day * 86_400, 0).unwrap()
    }

    fn item(status: &str) -> Coverage<'_> {
        Coverage {
            status,
            plan_slug: "pro",
            period_end: Some(at(30)),
            past_due_since: at(30),
            is_free_trial: false,
        }
    }

    fn in_force(plan: &Coverage<'_>, day: i64) -> Option<Option<DateTime<Utc>>> {
        plan.in_force(at(day), &PlanRules::default())
    }

    #[test]
    fn a_cancelled_plan_lasts_until_the_end_of_what_was_paid() {
        assert_eq!(in_force(&item("canceled"), 29), Some(Some(at(30))));
        assert_eq!(in_force(&item("canceled"), 30), None);
        let endless = Coverage {
            period_end: None,
            ..item("canceled")
        };
        assert_eq!(in_force(&endless, 1), None);
    }

    #[test]
    fn an_overdue_plan_has_a_grace() {
        assert_eq!(in_force(&item("past_due"), 36), Some(Some(at(37))));
        assert_eq!(in_force(&item("past_due"), 37), None);
    }

    #[test]
    fn an_active_plan_lasts_until_clerk_says_otherwise() {
        assert_eq!(in_force(&item("active"), 400), Some(None));
    }

    #[test]
    fn the_policy_may_be_stricter() {
        let strict = PlanRules {
            keep_until_period_end: false,
            past_due_grace: TimeDelta::zero(),
            trials_count: false,
        };
        let trial = Coverage {
            is_free_trial: true,
            ..item("active")
        };
        assert_eq!(in_force(&trial, 1), Some(None));
        for plan in [item("canceled"), item("past_due"), trial] {
            assert_eq!(plan.in_force(at(30), &strict), None, "{plan:?}");
        }
        assert_eq!(item("canceled").in_force(at(29), &strict), None);
        assert_eq!(item("active").in_force(at(30), &strict), Some(None));
    }

    #[test]
    fn nothing_else_is_in_force() {
        for status in [
            "upcoming",
            "ended",
            "abandoned",
            "incomplete",
            "expired",
            "",
            "ACTIVE",
        ] {
            assert_eq!(in_force(&item(status), 1), None, "{status}");
        }
    }
}
