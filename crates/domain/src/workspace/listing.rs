//! Listings: something that has a price and a condition, and parts of its own.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::{Decimal, FieldProblem, Resource};

/// A word of a few that a field may have.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $text)] $word,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// As it is stored and shown.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }

            /// The one with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$word),)+ _ => None }
            }
        }
    };
}
pub(super) use words;

words! {
    /// How good it still is.
    Condition {
        /// Never used.
        New = "new",
        /// Used, and as good as new.
        LikeNew = "like_new",
        /// Used, with small marks.
        Good = "good",
        /// Used, and it shows.
        Fair = "fair",
        /// Worn.
        Poor = "poor",
        /// It does not work.
        Broken = "broken",
    }
}

words! {
    /// Where it stands.
    ListingStatus {
        /// Not shown yet.
        Draft = "draft",
        /// On offer.
        Active = "active",
        /// Gone.
        Sold = "sold",
        /// Put away.
        Archived = "archived",
    }
}

/// What its owner says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing {
    /// What it is called.
    pub title: String,
    /// What it costs, not less than nothing.
    pub price: Option<Decimal>,
    /// In which currency, as ISO 4217 writes it: `EUR`. There is one when there is a price.
    pub currency: Option<String>,
    /// How good it still is.
    pub condition: Option<Condition>,
    /// Its parts and qualities: an object, of the team's own shape.
    pub components: Value,
    /// Where it stands.
    pub status: ListingStatus,
}

impl Listing {
    /// A draft with nothing but a title.
    #[must_use]
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            price: None,
            currency: None,
            condition: None,
            components: Value::Object(Map::new()),
            status: ListingStatus::Draft,
        }
    }
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListingPatch {
    /// What it is called.
    pub title: Option<String>,
    /// What it costs.
    pub price: Option<Option<Decimal>>,
    /// In which currency.
    pub currency: Option<Option<String>>,
    /// How good it still is.
    pub condition: Option<Option<Condition>>,
    /// Its parts and qualities, as a whole.
    pub components: Option<Value>,
    /// Where it stands.
    pub status: Option<ListingStatus>,
}

impl Resource for Listing {
    type Patch = ListingPatch;
    const KIND: &'static str = "listing";

    fn patched(self, patch: ListingPatch) -> Self {
        Self {
            title: patch.title.unwrap_or(self.title),
            price: patch.price.unwrap_or(self.price),
            currency: patch.currency.unwrap_or(self.currency),
            condition: patch.condition.unwrap_or(self.condition),
            components: patch.components.unwrap_or(self.components),
            status: patch.status.unwrap_or(self.status),
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let Self {
            title,
            price,
            currency,
            condition: _,
            components,
            status: _,
        } = self;
        let mut fields = Fields::default();
        fields.title("title", title);
        if price.is_some_and(Decimal::is_negative) {
            fields.problem("price", "is less than nothing");
        }
        match currency {
            Some(code) if !is_currency(code) => {
                fields.problem("currency", "is not three capital letters, such as EUR");
            }
            None if price.is_some() => fields.problem("currency", "is missing beside a price"),
            _ => {}
        }
        fields.object("components", components);
        fields.problems()
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_named_field_by_field() {
        let listing = Listing {
            title: " ".to_owned(),
            price: Some("-1".parse().unwrap()),
            currency: Some("eur".to_owned()),
            components: json!([1]),
            ..Listing::titled("")
        };
        let fields: Vec<_> = listing.problems().into_iter().map(|it| it.field).collect();
        assert_eq!(fields, ["title", "price", "currency", "components"]);
        let priced = ListingPatch {
            price: Some(Some(Decimal::ONE)),
            ..ListingPatch::default()
        };
        let priced = Listing::titled("A").patched(priced);
        assert_eq!(priced.problems().len(), 1, "a price without a currency");
        let currency = ListingPatch {
            currency: Some(Some("EUR".to_owned())),
            ..ListingPatch::default()
        };
        assert_eq!(priced.patched(currency).problems(), []);
    }

    #[test]
    fn parts_are_bounded() {
        let with = |components| {
            let listing = Listing {
                components,
                ..Listing::titled("A")
            };
            listing.problems().len()
        };
        assert_eq!(with(json!({"a": {"b": [1, "x"]}})), 0);
        assert_eq!(with(json!({"a": "\0"})), 1);
        assert_eq!(with(json!({"a": "x".repeat(70_000)})), 1);
        let deep = (0..40).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(with(deep), 1);
    }
}
