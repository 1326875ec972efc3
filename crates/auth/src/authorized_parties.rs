//! The authorized party, `azp`: which origin asked Clerk for the token.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::config::{AuthConfig, AzpPolicy};
use crate::error::TokenError;
use crate::shown::Shown;

/// The most different parties that are counted by name.
const MAX_COUNTED: usize = 100;

/// The listed parties, what is done about others, and how many of those came by.
pub(crate) struct AuthorizedParties {
    policy: AzpPolicy,
    listed: Vec<String>,
    mismatches: Mutex<BTreeMap<String, u64>>,
}

impl AuthorizedParties {
    pub(crate) fn new(config: &AuthConfig) -> Self {
        let (policy, listed) = (config.azp_policy, config.authorized_parties.clone());
        Self {
            policy,
            listed,
            mismatches: Mutex::default(),
        }
    }

    /// Judges an `azp`; the empty one counts as absent, as native apps send it.
    pub(crate) fn judge(&self, azp: Option<&str>) -> Result<(), TokenError> {
        let azp = azp.filter(|azp| !azp.is_empty());
        let listed = azp.is_some_and(|azp| self.listed.iter().any(|party| party == azp));
        let passes = match self.policy {
            AzpPolicy::Off => true,
            AzpPolicy::Observe => {
                if !listed {
                    self.count(azp);
                }
                true
            }
            AzpPolicy::IfPresent => listed || azp.is_none(),
            AzpPolicy::Enforce => listed,
        };
        let mismatch = || TokenError::AuthorizedPartyMismatch {
            azp: azp.map(Shown::new),
        };
        if passes { Ok(()) } else { Err(mismatch()) }
    }

    /// See [`crate::Verifier::party_mismatches`].
    pub(crate) fn mismatches(&self) -> BTreeMap<String, u64> {
        self.mismatches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn count(&self, azp: Option<&str>) {
        let mut counts = self
            .mismatches
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut name = azp.map_or_else(|| "(none)".to_owned(), |azp| Shown::new(azp).to_string());
        if counts.len() >= MAX_COUNTED && !counts.contains_key(&name) {
            name = "(other)".to_owned();
        }
        *counts.entry(name).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties(azp_policy: AzpPolicy) -> AuthorizedParties {
        let authorized_parties = vec![
            "https://app.example.com".to_owned(),
            "https://www.example.com".to_owned(),
        ];
        AuthorizedParties::new(&AuthConfig {
            azp_policy,
            authorized_parties,
            ..AuthConfig::new("https://clerk.example.com")
        })
    }

    #[test]
    fn each_policy() {
        use AzpPolicy::{Enforce, IfPresent, Observe, Off};
        for (policy, listed, other, absent) in [
            (Off, true, true, true),
            (Observe, true, true, true),
            (IfPresent, true, false, true),
            (Enforce, true, false, false),
        ] {
            let judge = |azp| parties(policy).judge(azp).is_ok();
            assert_eq!(judge(Some("https://www.example.com")), listed, "{policy:?}");
            assert_eq!(judge(Some("https://evil.example")), other, "{policy:?}");
            assert_eq!(
                (judge(None), judge(Some(""))),
                (absent, absent),
                "{policy:?}"
            );
        }
    }

    #[test]
    fn parties_are_compared_byte_for_byte() {
        for azp in [
            "https://app.example.com/",
            "https://APP.example.com",
            "https://app.example.com.evil.example",
            "*",
            "null",
        ] {
            let refusal = parties(AzpPolicy::Enforce).judge(Some(azp)).unwrap_err();
            assert_eq!(refusal.code(), "authorized_party_mismatch", "{azp}");
        }
    }

    #[test]
    fn observing_counts_by_party() {
        let parties = parties(AzpPolicy::Observe);
        for azp in [
            Some("https://a.example"),
            Some("https://a.example"),
            None,
            Some("https://app.example.com"),
        ] {
            parties.judge(azp).unwrap();
        }
        let expected = BTreeMap::from([
            ("(none)".to_owned(), 1),
            ("https://a.example".to_owned(), 2),
        ]);
        assert_eq!(parties.mismatches(), expected);
    }

    #[test]
    fn the_counts_are_bounded() {
        let parties = parties(AzpPolicy::Observe);
        for number in 0..1000 {
            parties
                .judge(Some(&format!("https://{number}.example")))
                .unwrap();
        }
        let counts = parties.mismatches();
        assert_eq!((counts.len(), counts["(other)"]), (MAX_COUNTED + 1, 900));
    }
}
