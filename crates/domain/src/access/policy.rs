//! The team's rules, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::entitlements::Entitlements;
use super::facts::{Notice, NoticeProblem, RoleDecision, RoleFacts, TierDecision, TierFacts};
use super::file::{self, PolicyErrors};
use super::names::{Feature, Role, Tier};
use super::rules::{MetadataRule, RoleRule, Verdict};
use super::sources::{RoleSource, RuleKind, TierSource};
use super::tiers::{Ladder, Limits, TierTerms};
use crate::{BillingTier, ClerkId, Coverage, PlanRules, User};

/// The rules that hold without a policy file, written as one: an example that cannot be out of date.
const BUILT_IN: &str = include_str!("built_in.toml");

/// The team's rules of access.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) roles: Vec<Role>,
    pub(super) default_role: Role,
    pub(super) admin_role: Role,
    pub(super) role_rules: Vec<RoleRule>,
    pub(super) tiers: Ladder,
    pub(super) tier_rule: Option<MetadataRule<Tier>>,
    /// What each plan gives.
    pub(super) plans: BTreeMap<String, Tier>,
    pub(super) plan_rules: PlanRules,
    /// Every feature that some tier turns on.
    pub(super) features: BTreeSet<Feature>,
    pub(super) relinks_verified: bool,
    pub(super) admins: Arc<BTreeSet<ClerkId>>,
}

impl Policy {
    /// The rules that hold without a policy file: roles `solo` (default), `growth`, `enterprise`, `admin`; tiers `free`
    /// (default: 2 portfolios, 100 messages a month) and `paid` (10 and 1000).
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program, and a test reads it"
    )]
    pub fn built_in() -> Self {
        static POLICY: LazyLock<Policy> =
            LazyLock::new(|| Policy::parse(BUILT_IN).expect("the built-in policy is valid"));
        POLICY.clone()
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// Every fault at once, each with its line and what to do about it.
    pub fn parse(text: &str) -> Result<Self, PolicyErrors> {
        file::read(text)
    }

    /// The same rules, with users who are always admin: how the first admin comes to be.
    #[must_use]
    pub fn with_admins(mut self, admins: impl IntoIterator<Item = ClerkId>) -> Self {
        self.admins = Arc::new(admins.into_iter().collect());
        self
    }

    /// The users who are always admin, whatever their rows say.
    #[must_use]
    pub fn admins(&self) -> &BTreeSet<ClerkId> {
        &self.admins
    }

    /// Every role, in the file's order.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.iter()
    }

    /// Every tier, from the least to the best.
    pub fn tiers(&self) -> impl Iterator<Item = &Tier> {
        self.tiers.iter().map(|terms| &terms.tier)
    }

    /// Every feature that is counted by the month.
    pub fn metered(&self) -> impl Iterator<Item = &Feature> {
        self.tiers.lowest.limits.per_month.keys()
    }

    /// The role of this name.
    #[must_use]
    pub fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.as_str() == name)
    }

    /// The tier of this name.
    #[must_use]
    pub fn tier_named(&self, name: &str) -> Option<&Tier> {
        self.tiers.named(name).map(|terms| &terms.tier)
    }

    /// The role of whom nothing is known: the least.
    #[must_use]
    pub fn default_role(&self) -> &Role {
        &self.default_role
    }

    /// The role that passes every role guard.
    #[must_use]
    pub fn admin_role(&self) -> &Role {
        &self.admin_role
    }

    /// The tier of whom nothing is known: the least.
    #[must_use]
    pub fn default_tier(&self) -> &Tier {
        &self.tiers.lowest.tier
    }

    /// Whether a role is the admins'.
    #[must_use]
    pub fn is_admin(&self, role: &Role) -> bool {
        *role == self.admin_role
    }

    /// A user's role at `now`: the override, else what the first rule that has something to say gives, else the
    /// default. `ADMIN_USER_IDS` is left to [`entitlements`](Self::entitlements), as it is not stored.
    ///
    /// A fact that cannot be understood gives the default and asks no further rule, so that a slip of the pen never
    /// gives more than was meant.
    #[must_use]
    pub fn role(&self, facts: &RoleFacts<'_>, now: DateTime<Utc>) -> RoleDecision {
        let decided = |role: &Role, source, until| RoleDecision {
            role: role.clone(),
            source,
            until,
            notices: Vec::new(),
        };
        let least = |notices| RoleDecision {
            notices,
            ..decided(&self.default_role, RoleSource::Default, None)
        };
        if let Some(name) = facts.overridden {
            return match self.role_named(name) {
                Some(role) => decided(role, RoleSource::Override, None),
                None => least(vec![unknown("role_override")]),
            };
        }
        for (number, rule) in (1..).zip(&self.role_rules) {
            let kind = rule.kind();
            match rule.ask(facts, &self.plan_rules, now) {
                Verdict::Silent => {}
                Verdict::Gives(role, until) => {
                    return decided(role, RoleSource::Rule { number, kind }, until);
                }
                Verdict::Unreadable(notice) => return least(vec![notice]),
            }
        }
        least(Vec::new())
    }

    /// A user's tier at `now`: the override, else the best plan in force, else what `public_metadata` says, else the
    /// lowest.
    #[must_use]
    pub fn tier(&self, facts: &TierFacts<'_>, now: DateTime<Utc>) -> TierDecision {
        let decided = |tier: &Tier, source, until| TierDecision {
            tier: tier.clone(),
            source,
            until,
            notices: Vec::new(),
        };
        let least = |notices| TierDecision {
            notices,
            ..decided(self.default_tier(), TierSource::Default, None)
        };
        if let Some(name) = facts.overridden {
            return match self.tier_named(name) {
                Some(tier) => decided(tier, TierSource::Override, None),
                None => least(vec![unknown("tier_override")]),
            };
        }
        let BillingTier { tier: paid, until } = self.billing_tier(facts.plans.iter().cloned(), now);
        if let Some(tier) = paid {
            return decided(&tier, TierSource::Plan, until);
        }
        match self
            .tier_rule
            .as_ref()
            .map(|rule| rule.ask(facts.public_metadata))
        {
            None | Some(Verdict::Silent) => least(Vec::new()),
            Some(Verdict::Gives(tier, until)) => decided(tier, TierSource::PublicMetadata, until),
            Some(Verdict::Unreadable(notice)) => least(vec![notice]),
        }
    }

    /// A patch of `public_metadata` by which the first rule that looks there finds this role; `None` when there is nothing
    /// to write: no rule looks there, none of its values means the role, or it finds the role already.
    #[must_use]
    pub fn role_into(&self, public_metadata: &Map<String, Value>, role: &Role) -> Option<Value> {
        let rule = self.metadata_rule()?;
        if matches!(rule.ask(public_metadata), Verdict::Gives(found, _) if found == role) {
            return None;
        }
        let mut values = rule.values.iter().filter(|(_, meaning)| *meaning == role);
        // The role's own name where that will do.
        let own = rule.values.get_key_value(role.as_str());
        let own = own.filter(|(_, meaning)| *meaning == role);
        let (value, _) = own.or_else(|| values.next())?;
        Some(rule.patch(Some(value)))
    }

    /// A patch of `public_metadata` by which the first rule that looks there finds nothing; `None` when it finds something
    /// else than this role, which somebody else has written there.
    #[must_use]
    pub fn role_out_of(&self, public_metadata: &Map<String, Value>, role: &Role) -> Option<Value> {
        let rule = self.metadata_rule()?;
        match rule.ask(public_metadata) {
            Verdict::Gives(found, _) if found == role => Some(rule.patch(None)),
            Verdict::Gives(..) | Verdict::Silent | Verdict::Unreadable(_) => None,
        }
    }

    fn metadata_rule(&self) -> Option<&MetadataRule<Role>> {
        self.role_rules.iter().find_map(|rule| match rule {
            RoleRule::Metadata(rule) => Some(rule),
            RoleRule::Organization { .. } | RoleRule::Plan { .. } => None,
        })
    }

    /// Whether a user whom Clerk has made anew takes over the row of a deleted one, with all that is the team's own in it,
    /// when both have the same verified e-mail address.
    #[must_use]
    pub fn relinks_verified(&self) -> bool {
        self.relinks_verified
    }

    /// Whether any rule looks at roles in organizations: where none does, nobody has to read them.
    #[must_use]
    pub fn asks_for_memberships(&self) -> bool {
        let mut kinds = self.role_rules.iter().map(RoleRule::kind);
        kinds.any(|kind| kind == RuleKind::Organization)
    }

    /// The plans that give roles, by their slugs, each with what its rule is called in the rows.
    pub fn role_plans(&self) -> impl Iterator<Item = (RoleSource, &str)> {
        (1..).zip(&self.role_rules).filter_map(|(number, rule)| {
            let kind = rule.kind();
            let source = RoleSource::Rule { number, kind };
            rule.plan().map(|slug| (source, slug))
        })
    }

    /// Which plans count.
    #[must_use]
    pub fn plan_rules(&self) -> &PlanRules {
        &self.plan_rules
    }

    /// The role that `public_metadata` alone gives.
    #[must_use]
    pub fn role_in(&self, public_metadata: &Map<String, Value>) -> Role {
        let facts = RoleFacts {
            overridden: None,
            public_metadata,
            memberships: &[],
            plans: &[],
        };
        // Without plans the time makes no difference.
        self.role(&facts, DateTime::UNIX_EPOCH).role
    }

    /// The tier that `public_metadata` alone gives.
    #[must_use]
    pub fn tier_in(&self, public_metadata: &Map<String, Value>) -> Tier {
        let facts = TierFacts {
            overridden: None,
            public_metadata,
            plans: &[],
        };
        self.tier(&facts, DateTime::UNIX_EPOCH).tier
    }

    /// The tier that a payer's plans give at `now`: the best of those in force.
    #[must_use]
    pub fn billing_tier<'a>(
        &self,
        plans: impl IntoIterator<Item = Coverage<'a>>,
        now: DateTime<Utc>,
    ) -> BillingTier {
        let best = plans
            .into_iter()
            .filter_map(|plan| {
                let ends = plan.in_force(now, &self.plan_rules)?;
                let rank = self.tiers.rank(self.plans.get(plan.plan_slug)?.as_str())?;
                // Among plans of one tier the one that lasts longest decides, and one without an end most of all.
                Some((rank, ends.unwrap_or(DateTime::<Utc>::MAX_UTC)))
            })
            .max();
        BillingTier {
            tier: best
                .and_then(|(rank, _)| self.tiers.at(rank))
                .map(|terms| terms.tier.clone()),
            until: best
                .map(|(_, ends)| ends)
                .filter(|ends| *ends < DateTime::<Utc>::MAX_UTC),
        }
    }

    /// What the user has at `now`. A role or tier in the row that the policy no longer knows counts as the least.
    #[must_use]
    pub fn entitlements(&self, user: &User, now: DateTime<Utc>) -> Entitlements {
        let (role, role_source) = if self.admins.contains(&user.clerk_user_id) {
            (&self.admin_role, Some(RoleSource::Configuration))
        } else {
            match self.role_named(user.role.as_str()) {
                Some(role) => (role, parsed(&user.role_source, RoleSource::parse)),
                None => (&self.default_role, Some(RoleSource::Default)),
            }
        };
        let (terms, tier_source) = match user.tier_until {
            Some(until) if until <= now => self.lapsed(user),
            _ => match self.tiers.named(user.tier.as_str()) {
                Some(terms) => (terms, parsed(&user.tier_source, TierSource::parse)),
                None => (&self.tiers.lowest, Some(TierSource::Default)),
            },
        };
        Entitlements {
            role: role.clone(),
            role_source,
            tier: terms.tier.clone(),
            tier_source,
            limits: Arc::clone(&terms.limits),
            features: terms.features.get(role).cloned().unwrap_or_default(),
        }
    }

    /// What is left of a tier whose plan has ended.
    fn lapsed(&self, user: &User) -> (&TierTerms, Option<TierSource>) {
        let empty = Map::new();
        let facts = TierFacts {
            overridden: user.tier_override.as_ref().map(Tier::as_str),
            public_metadata: user.public_metadata.as_object().unwrap_or(&empty),
            plans: &[],
        };
        let left = self.tier(&facts, DateTime::UNIX_EPOCH);
        let terms = self.tiers.named(left.tier.as_str());
        (terms.unwrap_or(&self.tiers.lowest), Some(left.source))
    }

    /// What a tier allows; the lowest's limits for one that the policy does not know.
    #[must_use]
    pub fn limits(&self, tier: &Tier) -> Arc<Limits> {
        let terms = self.tiers.named(tier.as_str());
        Arc::clone(&terms.unwrap_or(&self.tiers.lowest).limits)
    }
}

fn parsed<T>(source: &Option<String>, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    source.as_deref().and_then(parse)
}

fn unknown(column: &str) -> Notice {
    Notice {
        fact: column.to_owned(),
        problem: NoticeProblem::UnknownValue,
    }
}

#[cfg(test)]
mod tests;
