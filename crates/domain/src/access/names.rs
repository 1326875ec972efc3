//! The names that the policy gives out: roles, tiers, features.
//!
//! A name is a pointer to shared text, so that what a request is handed costs no copy.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

macro_rules! policy_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// A name as stored. Only the policy makes names out of what came from outside.
            #[must_use]
            pub fn from_store(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from_store)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

policy_name!(
    /// The name of a role, one of those that the policy knows.
    Role
);
policy_name!(
    /// The name of a tier, one of those that the policy knows.
    Tier
);
policy_name!(
    /// The name of a feature: one that a tier turns on, or one that is counted by the month.
    Feature
);

/// The longest name, in characters: it goes into headers, columns and addresses.
pub(super) const LONGEST_NAME: usize = 64;

/// Whether a text can be a name: a lower-case letter, then lower-case letters, digits, `_` and `-`.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_a_header_a_column_and_an_address() {
        for name in ["solo", "ai_messages", "tier-2", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "2nd", "Solo", "a b", "é", "a\n", "_x", &"x".repeat(65)] {
            assert!(!is_name(text), "{text:?}");
        }
    }
}
