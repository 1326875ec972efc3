//! The fields of a listing, by the names that rules and weights give them.

use serde_json::Value;

use crate::workspace::{Condition, Decimal, Listing};

/// The longest name of a field, in bytes.
const MAX_NAME_LENGTH: usize = 200;
/// The most parts of a name.
const MAX_DEPTH: usize = 16;

/// A field: `title`, `price`, `currency`, `condition`, `status`, or else a place within the components, with points
/// between the parts: `engine.hours`, and `tyres.0.wear` for what is in a list. `components.` may stand before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    Price,
    Currency,
    Condition,
    Status,
    Component(Vec<String>),
}

/// What a field holds, as far as it can be compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held<'listing> {
    /// Nothing, or null.
    Nothing,
    Number(Decimal),
    Text(&'listing str),
    Truth(bool),
    List(&'listing [Value]),
    /// An object, or a number that is too large or too precise.
    Other,
}

impl Field {
    /// `None` when it is no name of a field.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name.is_empty() || name.len() > MAX_NAME_LENGTH {
            return None;
        }
        Some(match name {
            "title" => Self::Title,
            "price" => Self::Price,
            "currency" => Self::Currency,
            "condition" => Self::Condition,
            "status" => Self::Status,
            name => {
                let path = name.strip_prefix("components.").unwrap_or(name);
                let parts: Vec<_> = path.split('.').map(str::to_owned).collect();
                if parts.len() > MAX_DEPTH || parts.iter().any(String::is_empty) {
                    return None;
                }
                Self::Component(parts)
            }
        })
    }

    pub(super) fn of<'listing>(&self, listing: &'listing Listing) -> Held<'listing> {
        match self {
            Self::Title => Held::Text(&listing.title),
            Self::Price => listing.price.map_or(Held::Nothing, Held::Number),
            Self::Currency => text(listing.currency.as_deref()),
            Self::Condition => text(listing.condition.map(Condition::as_str)),
            Self::Status => Held::Text(listing.status.as_str()),
            Self::Component(parts) => {
                let place =
                    parts
                        .iter()
                        .try_fold(&listing.components, |inside, part| match inside {
                            Value::Array(list) => list.get(part.parse::<usize>().ok()?),
                            inside => inside.get(part.as_str()),
                        });
                place.map_or(Held::Nothing, Held::of)
            }
        }
    }
}

fn text(text: Option<&str>) -> Held<'_> {
    text.map_or(Held::Nothing, Held::Text)
}

impl<'listing> Held<'listing> {
    /// What a piece of JSON holds. A number counts as it is written, which within 15 digits is as it was meant.
    pub(super) fn of(value: &'listing Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(truth) => Self::Truth(*truth),
            Value::Number(number) => number.to_string().parse().map_or(Self::Other, Self::Number),
            Value::String(text) => Self::Text(text),
            Value::Array(list) => Self::List(list),
            Value::Object(_) => Self::Other,
        }
    }

    /// Whether both are the same number, text or truth.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Truth(one), Self::Truth(other)) => one == other,
            _ => false,
        }
    }
}
