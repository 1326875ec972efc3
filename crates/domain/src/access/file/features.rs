//! `[features]`: gates in front of the features that tiers turn on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lines::{Faults, listed};
use super::roles::RoleSet;
use super::section::{At, Section, texts};
use super::tiers::Tiers;
use crate::access::names::{Feature, Role};

/// The roles that may use a feature, besides the admins'.
pub(super) type Gates = BTreeMap<Feature, BTreeSet<Role>>;

pub(super) fn gates(
    root: &mut Section<'_, '_>,
    roles: Option<&RoleSet>,
    tiers: Option<&Tiers>,
    faults: &mut Faults<'_>,
) -> Gates {
    let mut gates = Gates::new();
    for (feature, gate) in root.entries("features", faults).unwrap_or_default() {
        let At { value: name, at } = feature;
        // The best tier has them all.
        let on = tiers.and_then(|tiers| tiers.listed.last());
        if on.is_some_and(|on| !on.contains(name)) {
            let known = on.into_iter().flatten().map(Feature::as_str);
            let message = format!(
                "`{name}` is a feature of no tier, so nobody has it: list it in `features` of a tier (there are: {})",
                listed(known)
            );
            faults.add(at, message);
        }
        let Some(table) = gate.get_ref().as_table() else {
            let message = format!("write `{name} = {{ roles = [\"…\"] }}`");
            faults.add(gate.span().start, message);
            continue;
        };
        let mut allowed = None;
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref().as_array()) {
                ("roles", Some(list)) => {
                    let names = texts(list, "`roles`", faults);
                    allowed = Some(names);
                }
                ("roles", None) => {
                    faults.add(value.span().start, "`roles` must be a list of texts")
                }
                (other, _) => faults.add(
                    key.span().start,
                    format!("`{other}` of the feature `{name}` is not known: use roles"),
                ),
            }
        }
        let allowed = allowed.unwrap_or_default();
        if allowed.is_empty() {
            let message = format!(
                "the gate of `{name}` names no role: list some in `roles`, or leave the gate out"
            );
            faults.add(at, message);
        }
        let named = allowed
            .into_iter()
            .filter_map(|role| roles?.named(role, faults));
        gates.insert(Feature::from_store(name), named.collect());
    }
    gates
}

/// Works out, for every role in every tier, what is on.
pub(super) fn turn_on(tiers: &mut Tiers, roles: &RoleSet, gates: &Gates) {
    for (terms, listed) in tiers.terms.iter_mut().zip(&tiers.listed) {
        let on_for = |role: &Role| {
            let passes = |feature: &&Feature| {
                *role == roles.admin
                    || gates
                        .get(feature.as_str())
                        .is_none_or(|allowed| allowed.contains(role))
            };
            Arc::new(listed.iter().filter(passes).cloned().collect())
        };
        let by_role = roles.all.iter().map(|role| (role.clone(), on_for(role)));
        terms.features = by_role.collect();
    }
}
