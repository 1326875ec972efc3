//! What a route asks of its caller, as functions without effect.
//!
//! A check passes only when everything that it needs is there: a name that the policy does not know, a claim that is
//! absent, an age that was never measured all deny.

use chrono::{DateTime, TimeDelta, Utc};

use super::entitlements::Entitlements;
use super::names::{Feature, Role, Tier};
use super::policy::Policy;

/// Why a caller may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The check names what the policy does not have, or names nothing: nobody passes.
    #[error("this asks for the {kind} `{name}`, which the policy does not know")]
    Undefined {
        /// `role`, `tier`, `feature` or `permission`.
        kind: &'static str,
        /// As the check has it.
        name: String,
    },
    /// None of these roles.
    #[error("this needs {}", in_words(.any_of))]
    Role {
        /// One of them would do, and so would the admins'.
        any_of: Vec<Role>,
    },
    /// A lesser tier.
    #[error("this needs the tier `{at_least}` or a better one")]
    Tier {
        /// This one would do, and so would a better one.
        at_least: Tier,
    },
    /// Not in the active organization's permissions, or there is no active organization.
    #[error("this needs the permission `{permission}` in the active organization")]
    Permission {
        /// With its prefix: `org:invoices:read`.
        permission: String,
    },
    /// The feature is off for this role in this tier.
    #[error("this needs the feature `{feature}`, which is off for this role in this tier")]
    Feature {
        /// Its name.
        feature: Feature,
    },
    /// The sign-in is too old, or its age unknown.
    #[error("this needs {factor}, verified less than {} minutes ago", within.num_minutes())]
    StepUp {
        /// What has to be verified anew.
        factor: Factor,
        /// How old it may be.
        within: TimeDelta,
    },
    /// No invite code was redeemed.
    #[error("this needs a validated invite")]
    Invite,
}

fn in_words(roles: &[Role]) -> String {
    let names: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    match names.as_slice() {
        [one] => format!("the role {one}"),
        many => format!("one of the roles {}", many.join(", ")),
    }
}

/// Which factors a step-up asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// Password, code, passkey, social sign-in: what everybody has.
    First,
    /// The second factor; whoever has none does not pass.
    Second,
    /// Both.
    Both,
}

impl std::fmt::Display for Factor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "the first factor",
            Self::Second => "the second factor",
            Self::Both => "both factors",
        })
    }
}

/// A recent proof of who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepUp {
    /// What has to be proven.
    pub factor: Factor,
    /// How long ago at most.
    pub within: TimeDelta,
}

/// What a token says of the factors (`fva`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedFactors {
    /// Whole minutes since the first was verified, when the token was issued.
    pub first_minutes: Option<u32>,
    /// The same of the second; `None` for whoever has none.
    pub second_minutes: Option<u32>,
    /// When the token was issued (`iat`): the ages grow from then on.
    pub issued_at: Option<DateTime<Utc>>,
}

impl Policy {
    /// Passes who has one of these roles, and admins.
    ///
    /// # Errors
    /// [`Denial::Role`]; [`Denial::Undefined`] when the list is empty or one of the roles is none of the policy's, also
    /// for admins.
    pub fn require_role(&self, has: &Entitlements, any_of: &[&str]) -> Result<(), Denial> {
        let undefined = |name: &str| Denial::Undefined {
            kind: "role",
            name: name.to_owned(),
        };
        if any_of.is_empty() {
            return Err(undefined(""));
        }
        let mut passes = self.is_admin(&has.role);
        for name in any_of {
            let role = self.role_named(name).ok_or_else(|| undefined(name))?;
            passes |= *role == has.role;
        }
        if passes {
            return Ok(());
        }
        let known = any_of.iter().filter_map(|name| self.role_named(name));
        Err(Denial::Role {
            any_of: known.cloned().collect(),
        })
    }

    /// Passes who has this tier or a better one. Admins have the tier that they have.
    ///
    /// # Errors
    /// [`Denial::Tier`]; [`Denial::Undefined`] when the policy has no such tier.
    pub fn require_tier(&self, has: &Entitlements, at_least: &str) -> Result<(), Denial> {
        let (Some(wanted), Some(tier)) = (self.tiers.rank(at_least), self.tier_named(at_least))
        else {
            return Err(Denial::Undefined {
                kind: "tier",
                name: at_least.to_owned(),
            });
        };
        match self.tiers.rank(has.tier.as_str()) {
            Some(rank) if rank >= wanted => Ok(()),
            _ => Err(Denial::Tier {
                at_least: tier.clone(),
            }),
        }
    }

    /// Passes whose tier and role turn the feature on.
    ///
    /// # Errors
    /// [`Denial::Feature`]; [`Denial::Undefined`] when no tier of the policy has such a feature.
    pub fn require_feature(&self, has: &Entitlements, feature: &str) -> Result<(), Denial> {
        let Some(known) = self.features.get(feature) else {
            return Err(Denial::Undefined {
                kind: "feature",
                name: feature.to_owned(),
            });
        };
        if has.features.contains(feature) {
            Ok(())
        } else {
            Err(Denial::Feature {
                feature: known.clone(),
            })
        }
    }

    /// Passes whose invite was validated, and admins, and everybody while the gate is open.
    ///
    /// # Errors
    /// [`Denial::Invite`].
    pub fn require_invite(
        &self,
        has: &Entitlements,
        validated_at: Option<DateTime<Utc>>,
        is_enforced: bool,
    ) -> Result<(), Denial> {
        if !is_enforced || validated_at.is_some() || self.is_admin(&has.role) {
            Ok(())
        } else {
            Err(Denial::Invite)
        }
    }
}

/// Passes who has the permission in the active organization. Pass no permissions for a caller without one. Admins need
/// it too: it is Clerk's to give.
///
/// # Errors
/// [`Denial::Permission`]; [`Denial::Undefined`] when no permission is named.
pub fn require_permission(has: &[String], permission: &str) -> Result<(), Denial> {
    if permission.is_empty() {
        return Err(Denial::Undefined {
            kind: "permission",
            name: String::new(),
        });
    }
    if has.iter().any(|held| held == permission) {
        Ok(())
    } else {
        Err(Denial::Permission {
            permission: permission.to_owned(),
        })
    }
}

/// Passes whose factors were verified recently enough at `now`. Stricter than Clerk's own helpers: whoever has no second
/// factor does not pass for one who has.
///
/// # Errors
/// [`Denial::StepUp`].
pub fn require_step_up(
    has: Option<VerifiedFactors>,
    wanted: StepUp,
    now: DateTime<Utc>,
) -> Result<(), Denial> {
    let StepUp { factor, within } = wanted;
    let is_recent = |minutes: Option<u32>, issued_at: DateTime<Utc>| {
        minutes.is_some_and(|minutes| {
            // A clock that is a little behind makes nothing younger.
            let since_issue = (now - issued_at).max(TimeDelta::zero());
            TimeDelta::minutes(i64::from(minutes)) + since_issue < within
        })
    };
    let passes = has.is_some_and(|has| {
        let Some(issued_at) = has.issued_at else {
            return false;
        };
        let first = is_recent(has.first_minutes, issued_at);
        let second = is_recent(has.second_minutes, issued_at);
        match factor {
            Factor::First => first,
            Factor::Second => second,
            Factor::Both => first && second,
        }
    });
    if passes {
        Ok(())
    } else {
        Err(Denial::StepUp { factor, within })
    }
}

#[cfg(test)]
mod tests;
