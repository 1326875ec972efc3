//! Where a role or a tier came from.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a mapping rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// `public_metadata`, which only the team's own backend writes.
    PublicMetadata,
    /// A role in an organization.
    Organization,
    /// A plan in force.
    Plan,
}

impl RuleKind {
    const ALL: [Self; 3] = [Self::PublicMetadata, Self::Organization, Self::Plan];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublicMetadata => "public_metadata",
            Self::Organization => "organization",
            Self::Plan => "plan",
        }
    }
}

/// What gave a user his role. As text: `configuration`, `override`, `rule 2: organization`, `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RoleSource {
    /// `ADMIN_USER_IDS` names the user. Never stored: it is added when a request is judged.
    Configuration,
    /// An admin set it.
    Override,
    /// A mapping rule gave it.
    Rule {
        /// Its place in the policy file, from 1.
        number: u16,
        /// What it looks at.
        kind: RuleKind,
    },
    /// Nothing said otherwise, or what did could not be understood.
    #[default]
    Default,
}

impl RoleSource {
    /// Reads what [`Display`](fmt::Display) wrote; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "configuration" => Some(Self::Configuration),
            "override" => Some(Self::Override),
            "default" => Some(Self::Default),
            _ => {
                let (number, kind) = text.strip_prefix("rule ")?.split_once(": ")?;
                Some(Self::Rule {
                    number: number.parse().ok()?,
                    kind: RuleKind::ALL
                        .into_iter()
                        .find(|known| known.as_str() == kind)?,
                })
            }
        }
    }
}

impl fmt::Display for RoleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("configuration"),
            Self::Override => f.write_str("override"),
            Self::Rule { number, kind } => write!(f, "rule {number}: {}", kind.as_str()),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Serialize for RoleSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What gave a user his tier, in the order in which one beats the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TierSource {
    /// An admin set it.
    Override,
    /// A plan in force.
    Plan,
    /// `public_metadata`.
    PublicMetadata,
    /// Nothing said otherwise, or what did could not be understood.
    #[default]
    Default,
}

impl TierSource {
    const ALL: [Self; 4] = [
        Self::Override,
        Self::Plan,
        Self::PublicMetadata,
        Self::Default,
    ];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Plan => "plan",
            Self::PublicMetadata => "public_metadata",
            Self::Default => "default",
        }
    }

    /// Reads what [`as_str`](Self::as_str) gave; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for TierSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_back_as_it_was_written() {
        let rules = RuleKind::ALL.map(|kind| RoleSource::Rule { number: 12, kind });
        let rest = [
            RoleSource::Configuration,
            RoleSource::Override,
            RoleSource::Default,
        ];
        for source in rules.into_iter().chain(rest) {
            assert_eq!(RoleSource::parse(&source.to_string()), Some(source));
        }
        for source in TierSource::ALL {
            assert_eq!(TierSource::parse(&source.to_string()), Some(source));
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
        assert_eq!(
            serde_json::to_value(RoleSource::Rule {
                number: 2,
                kind: RuleKind::Organization
            })
            .unwrap(),
            "rule 2: organization"
        );
    }

    #[test]
    fn another_text_is_no_source() {
        for text in [
            "",
            "Override",
            "rule 1",
            "rule x: plan",
            "rule 1: unsafe_metadata",
            "rule 70000: plan",
        ] {
            assert_eq!(RoleSource::parse(text), None, "{text}");
            assert_eq!(TierSource::parse(text), None, "{text}");
        }
    }
}
