//! What a user has used of a metered feature in a calendar month.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// The month of an instant.
    #[must_use]
    pub fn of(at: DateTime<Utc>) -> Self {
        Self {
            year: at.year(),
            month: at.month(),
        }
    }

    /// The month that [`Month`]'s text names: `2026-11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        NaiveDate::from_ymd_opt(year, month, 1).map(|_| Self { year, month })
    }

    /// The first instant of the next month: when counting begins anew.
    #[must_use]
    pub fn resets_at(self) -> DateTime<Utc> {
        let (year, month) = match self.month {
            12 => (self.year.saturating_add(1), 1),
            month => (self.year, month + 1),
        };
        NaiveDate::from_ymd_opt(year, month, 1)
            .and_then(|day| day.and_hms_opt(0, 0, 0))
            .map_or(DateTime::<Utc>::MAX_UTC, |at| at.and_utc())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for Month {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no month"))
    }
}

/// What a user has used for good in one month, by feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthUsage {
    /// The month.
    pub month: Month,
    /// Features that were used.
    pub used: BTreeMap<String, u64>,
}

impl MonthUsage {
    /// What is used of a feature at `now`: nothing when this is another month's count.
    #[must_use]
    pub fn used_at(&self, feature: &str, now: DateTime<Utc>) -> u64 {
        if self.month == Month::of(now) {
            self.used.get(feature).copied().unwrap_or(0)
        } else {
            0
        }
    }
}

/// A wish to use something of a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRequest {
    /// Who: our id.
    pub user_id: Uuid,
    /// The feature, as the policy names it.
    pub feature: String,
    /// How much.
    pub amount: NonZeroU32,
    /// What the tier in force allows in a month.
    pub limit: u64,
    /// When: says which month.
    pub at: DateTime<Utc>,
}

/// What was used of a feature in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureUsage {
    /// The feature, as the policy names it.
    pub feature: String,
    /// The month.
    pub month: Month,
    /// What is used for good.
    pub used: u64,
    /// What is held for work that is going on.
    pub reserved: u64,
}

impl FeatureUsage {
    /// Nothing yet.
    #[must_use]
    pub fn none(feature: String, month: Month) -> Self {
        Self {
            feature,
            month,
            used: 0,
            reserved: 0,
        }
    }

    /// What is left of a limit; nothing where a better tier has lapsed with more used than the lesser one allows.
    #[must_use]
    pub fn remaining(&self, limit: u64) -> u64 {
        limit.saturating_sub(self.used.saturating_add(self.reserved))
    }
}

/// What became of a wish to use something at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpendOutcome {
    /// It counts: the count with it.
    Spent(FeatureUsage),
    /// It would go over the limit, and nothing was counted: the count without it. Counting begins anew at
    /// [`Month::resets_at`].
    LimitReached(FeatureUsage),
}

/// What became of a wish to hold something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// It is held.
    Reserved {
        /// What commits it or gives it back.
        reservation: Uuid,
        /// The count with it.
        usage: FeatureUsage,
    },
    /// It would go over the limit, and nothing was counted: the count without it. Counting begins anew at
    /// [`Month::resets_at`].
    LimitReached(FeatureUsage),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_month_ends_with_its_last_microsecond() {
        let last = Month::of(at("2026-12-31T23:59:59.999999Z"));
        assert_eq!(last.to_string(), "2026-12");
        assert_eq!(last.resets_at(), at("2027-01-01T00:00:00Z"));
        assert_eq!(Month::of(last.resets_at()).to_string(), "2027-01");
        assert_eq!(
            Month::of(at("2028-02-29T12:00:00Z")).resets_at(),
            at("2028-03-01T00:00:00Z")
        );
    }

    #[test]
    fn months_sort_and_read_as_their_text() {
        for text in ["0001-01", "2026-02", "2026-11", "9999-12"] {
            assert_eq!(Month::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "2026", "2026-13", "2026-00", "x-1"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_count_is_its_own_months() {
        let usage = MonthUsage {
            month: Month::of(at("2026-11-30T23:59:59Z")),
            used: [("ai_messages".to_owned(), 7)].into(),
        };
        assert_eq!(usage.used_at("ai_messages", at("2026-11-01T00:00:00Z")), 7);
        assert_eq!(usage.used_at("exports", at("2026-11-01T00:00:00Z")), 0);
        for other in ["2026-12-01T00:00:00Z", "2025-11-30T23:59:59Z"] {
            assert_eq!(usage.used_at("ai_messages", at(other)), 0, "{other}");
        }
        let text = serde_json::to_string(&usage).unwrap();
        assert_eq!(serde_json::from_str::<MonthUsage>(&text).unwrap(), usage);
    }

    #[test]
    fn nothing_is_left_of_a_limit_that_shrank() {
        let mut usage = FeatureUsage::none(
            "ai_messages".to_owned(),
            Month::of(at("2026-11-21T00:00:00Z")),
        );
        (usage.used, usage.reserved) = (150, 1);
        assert_eq!((usage.remaining(100), usage.remaining(200)), (0, 49));
    }
}
