//! `[billing]`: when a plan is in force, and which tier it gives.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::lines::Faults;
use super::roles::is_slug;
use super::section::{At, Section};
use super::tiers::Tiers;
use crate::PlanRules;
use crate::access::names::Tier;

const MOST_GRACE_DAYS: u32 = 366;

pub(super) struct Billing {
    pub(super) rules: PlanRules,
    pub(super) plans: BTreeMap<String, Tier>,
}

/// What is not said is as in the built-in policy; without plans none gives anything.
pub(super) fn read(
    root: &mut Section<'_, '_>,
    tiers: Option<&Tiers>,
    faults: &mut Faults<'_>,
) -> Billing {
    let mut rules = PlanRules::default();
    let mut plans = BTreeMap::new();
    if let Some(mut section) = root.section("billing", faults) {
        if let Some(days) = section.number("past_due_grace_days", MOST_GRACE_DAYS, faults) {
            rules.past_due_grace = TimeDelta::days(i64::from(days));
        }
        if let Some(keep) = section.flag("keep_until_period_end", faults) {
            rules.keep_until_period_end = keep;
        }
        if let Some(count) = section.flag("trials_count", faults) {
            rules.trials_count = count;
        }
        for (slug, tier) in section.entries("plans", faults).unwrap_or_default() {
            let is_right = is_slug(slug, faults);
            let at = tier.span().start;
            let Some(name) = tier.get_ref().as_str() else {
                let message = format!("the plan `{}` wants a tier's name in quotes", slug.value);
                faults.add(at, message);
                continue;
            };
            let tier = tiers.and_then(|tiers| tiers.named(At { value: name, at }, faults));
            if let (true, Some(tier)) = (is_right, tier) {
                plans.insert(slug.value.to_owned(), tier);
            }
        }
        section.finish(faults);
    }
    Billing { rules, plans }
}
