//! `[[tiers]]` and `[tier_rule]`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lines::{Faults, listed};
use super::metadata;
use super::roles::{is_new_name, names_of};
use super::section::{At, Section, number};
use crate::access::names::{Feature, Tier};
use crate::access::rules::MetadataRule;
use crate::access::tiers::{Limits, TierTerms};

/// More than anybody sells.
const MOST_TIERS: usize = 100;
/// What the columns of both databases and the clients' numbers hold.
const MOST: u32 = i32::MAX as u32;

/// The tiers, from the least to the best.
pub(super) struct Tiers {
    pub(super) terms: Vec<TierTerms>,
    /// The features of each, with those of the lesser ones.
    pub(super) listed: Vec<BTreeSet<Feature>>,
}

impl Tiers {
    /// The tier of this name; a fault when there is none.
    pub(super) fn named(&self, name: At<&str>, faults: &mut Faults<'_>) -> Option<Tier> {
        let mut tiers = self.terms.iter().map(|terms| &terms.tier);
        let found = tiers.find(|tier| tier.as_str() == name.value);
        if found.is_none() {
            let known = listed(self.terms.iter().map(|terms| terms.tier.as_str()));
            faults.add(
                name.at,
                format!(
                    "`{}` is no tier of this file: use one of {known}",
                    name.value
                ),
            );
        }
        found.cloned()
    }
}

pub(super) fn ladder(root: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Tiers> {
    let why = "write [[tiers]] above each tier, from the least to the best";
    if !root.demand("tiers", why, faults) {
        return None;
    }
    let sections = root.sections("tiers", "tier", faults);
    let mut tiers = Tiers {
        terms: Vec::new(),
        listed: Vec::new(),
    };
    let mut names: Vec<&str> = Vec::new();
    let mut features = BTreeSet::new();
    let mut metered: Vec<(String, usize, BTreeMap<Feature, u32>)> = Vec::new();
    for mut section in sections {
        let why = "every tier has one";
        let name = section.required("name", why, Section::text, faults);
        let why = "say how many portfolios a user may own";
        let portfolios = |section: &mut Section<'_, '_>, key, faults: &mut Faults<'_>| {
            section.number(key, MOST, faults)
        };
        let max_portfolios = section.required("max_portfolios", why, portfolios, faults);
        let per_month = per_month(&mut section, faults);
        let own = section.texts("features", faults).unwrap_or_default();
        section.finish(faults);
        let own = names_of("feature", own, faults);
        features.extend(own.into_iter().map(Feature::from_store));
        metered.push((
            section.name().to_owned(),
            section.at(),
            per_month.clone().unwrap_or_default(),
        ));
        let Some(name) = name.filter(|name| is_new_name("tier", *name, &names, faults)) else {
            continue;
        };
        names.push(name.value);
        tiers.terms.push(TierTerms {
            tier: Tier::from_store(name.value),
            limits: Arc::new(Limits {
                max_portfolios: max_portfolios.unwrap_or_default(),
                per_month: per_month.unwrap_or_default(),
            }),
            features: BTreeMap::new(),
        });
        tiers.listed.push(features.clone());
    }
    meters_are_complete(&metered, faults);
    if metered.is_empty() || metered.len() > MOST_TIERS {
        faults.add(
            root.at(),
            format!("there must be 1 to {MOST_TIERS} [[tiers]]"),
        );
        return None;
    }
    Some(tiers)
}

fn per_month(
    section: &mut Section<'_, '_>,
    faults: &mut Faults<'_>,
) -> Option<BTreeMap<Feature, u32>> {
    let mut limits = BTreeMap::new();
    for (feature, limit) in section.entries("per_month", faults)? {
        if !is_new_name("metered feature", feature, &[], faults) {
            continue;
        }
        match number(limit.get_ref(), MOST) {
            Some(limit) => {
                limits.insert(Feature::from_store(feature.value), limit);
            }
            None => faults.add(
                limit.span().start,
                format!(
                    "`{}` must be a whole number from 0 to {MOST}",
                    feature.value
                ),
            ),
        }
    }
    Some(limits)
}

/// A tier that leaves a metered feature out would be a riddle: none, or as many as one likes?
fn meters_are_complete(tiers: &[(String, usize, BTreeMap<Feature, u32>)], faults: &mut Faults<'_>) {
    let all: BTreeSet<&Feature> = tiers.iter().flat_map(|(_, _, own)| own.keys()).collect();
    for (name, at, own) in tiers {
        let missing: Vec<&str> = all
            .iter()
            .filter(|feature| !own.contains_key(**feature))
            .map(|feature| feature.as_str())
            .collect();
        if !missing.is_empty() {
            let missing = listed(missing);
            faults.add(
                *at,
                format!("`per_month` of {name} leaves out {missing}, which other tiers have: write 0 for none"),
            );
        }
    }
}

pub(super) fn rule(
    root: &mut Section<'_, '_>,
    tiers: Option<&Tiers>,
    faults: &mut Faults<'_>,
) -> Option<MetadataRule<Tier>> {
    let mut section = root.section("tier_rule", faults)?;
    let all: Vec<Tier> = tiers
        .iter()
        .flat_map(|tiers| tiers.terms.iter().map(|terms| terms.tier.clone()))
        .collect();
    let known = |name: At<&str>, faults: &mut Faults<'_>| tiers?.named(name, faults);
    let rule = metadata::rule(&mut section, &all, Tier::as_str, known, faults);
    section.finish(faults);
    rule
}
