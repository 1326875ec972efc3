//! The policy file: TOML, read strictly. Whoever writes it learns of every fault at once, with its line.

mod billing;
mod features;
mod lines;
mod metadata;
mod roles;
mod section;
mod tiers;
mod users;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use lines::Faults;
use section::Section;
use toml::de::DeTable;

use super::policy::Policy;
use super::tiers::Ladder;

/// The longest file, in bytes: far more than anybody writes.
const LONGEST_FILE: usize = 256 * 1024;

/// One thing that is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// Everything that is wrong with a policy file, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(pub Vec<PolicyFault>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, PolicyFault { line, message }) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "\n" };
            write!(f, "{separator}line {line}: {message}")?;
        }
        Ok(())
    }
}

pub(super) fn read(text: &str) -> Result<Policy, PolicyErrors> {
    let mut faults = Faults::new(text);
    if text.len() > LONGEST_FILE {
        faults.add(0, format!("the file is longer than {LONGEST_FILE} bytes"));
        return Err(faults.into_errors());
    }
    let (root, unreadable) = DeTable::parse_recoverable(text);
    for error in unreadable {
        let at = error.span().map_or(0, |span| span.start);
        faults.add(at, format!("this is not TOML: {}", error.message()));
    }
    // What could not be read would be missed below, and named a second time.
    if !faults.is_empty() {
        return Err(faults.into_errors());
    }
    metadata::refuse_unsafe(root.get_ref(), &mut faults);
    let policy = policy(&mut Section::root(root.get_ref()), &mut faults);
    match policy {
        Some(policy) if faults.is_empty() => Ok(policy),
        _ => Err(faults.into_errors()),
    }
}

/// Reads on after each fault, so that all are found; `None` only where something is missing that the rest needs.
fn policy(root: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Policy> {
    let roles = roles::set(root, faults);
    let role_rules = roles::rules(root, roles.as_ref(), faults);
    let mut tiers = tiers::ladder(root, faults);
    let tier_rule = tiers::rule(root, tiers.as_ref(), faults);
    let billing = billing::read(root, tiers.as_ref(), faults);
    let gates = features::gates(root, roles.as_ref(), tiers.as_ref(), faults);
    let relinks_verified = users::relinks_verified(root, faults);
    root.finish(faults);
    let (roles, tiers) = (roles?, tiers.as_mut()?);
    features::turn_on(tiers, &roles, &gates);
    let features = tiers.listed.iter().flatten().cloned().collect();
    let mut terms = tiers.terms.drain(..);
    let lowest = terms.next()?;
    Some(Policy {
        tiers: Ladder {
            lowest,
            better: terms.collect(),
        },
        roles: roles.all,
        default_role: roles.default,
        admin_role: roles.admin,
        role_rules,
        tier_rule,
        plans: billing.plans,
        plan_rules: billing.rules,
        features,
        relinks_verified,
        admins: Arc::new(BTreeSet::new()),
    })
}

#[cfg(test)]
mod tests;
