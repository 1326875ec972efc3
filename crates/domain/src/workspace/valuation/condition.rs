//! When a rule applies: a comparison of one field.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value;

use super::field::{Field, Held};
use crate::workspace::{Decimal, Listing};

/// The most values that a field is compared with.
const MAX_ALTERNATIVES: usize = 100;

/// As it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    field: String,
    op: Operator,
    #[serde(default)]
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operator {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    Contains,
    Exists,
    Missing,
}

/// A condition that has been read through.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    field: Field,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// One of these; or, if it says so, there and none of these.
    OneOf { values: Vec<Value>, wanted: bool },
    /// A number in one of these orders to this one.
    Order(Decimal, &'static [Ordering]),
    /// A text with this in it, or a list with this among it.
    Contains(Value),
    /// Whether anything is there.
    Exists(bool),
}

impl Condition {
    /// # Errors
    /// With what is wrong, as a sentence.
    pub(super) fn read(written: Written) -> Result<Self, String> {
        let Written { field, op, value } = written;
        let Some(field) = Field::parse(&field) else {
            return Err("`field` is no name of a field".to_owned());
        };
        Ok(Self {
            field,
            test: test(op, value)?,
        })
    }

    /// Whether it holds. What cannot be compared, because it is not there or of another kind, holds no comparison.
    pub(super) fn holds(&self, listing: &Listing) -> bool {
        let held = self.field.of(listing);
        match &self.test {
            Test::OneOf { values, wanted } => {
                let is_one = values.iter().any(|value| held.equals(&Held::of(value)));
                held != Held::Nothing && is_one == *wanted
            }
            Test::Order(number, orders) => match held {
                Held::Number(held) => orders.contains(&held.cmp(number)),
                _ => false,
            },
            Test::Contains(value) => match (held, value) {
                (Held::Text(text), Value::String(part)) => text.contains(part),
                (Held::List(list), value) => {
                    let wanted = Held::of(value);
                    list.iter().any(|item| Held::of(item).equals(&wanted))
                }
                _ => false,
            },
            Test::Exists(wanted) => (held != Held::Nothing) == *wanted,
        }
    }
}

fn test(op: Operator, value: Option<Value>) -> Result<Test, String> {
    use Ordering::{Equal, Greater, Less};
    if let Operator::Exists | Operator::Missing = op {
        return match value {
            None => Ok(Test::Exists(op == Operator::Exists)),
            Some(_) => Err("`exists` and `missing` take no `value`".to_owned()),
        };
    }
    let value = value.ok_or("`value` is missing")?;
    let number = |orders| match Held::of(&value) {
        Held::Number(number) => Ok(Test::Order(number, orders)),
        // So that a number can be given exactly.
        Held::Text(text) => match text.parse() {
            Ok(number) => Ok(Test::Order(number, orders)),
            Err(_) => Err("`value` is not a number".to_owned()),
        },
        _ => Err("`value` is not a number".to_owned()),
    };
    match op {
        Operator::Lt => number(&[Less]),
        Operator::Lte => number(&[Less, Equal]),
        Operator::Gt => number(&[Greater]),
        Operator::Gte => number(&[Greater, Equal]),
        Operator::Eq | Operator::Ne => Ok(Test::OneOf {
            wanted: op == Operator::Eq,
            values: vec![comparable(value)?],
        }),
        Operator::In => match value {
            Value::Array(values) if values.len() <= MAX_ALTERNATIVES => Ok(Test::OneOf {
                values: values
                    .into_iter()
                    .map(comparable)
                    .collect::<Result<_, _>>()?,
                wanted: true,
            }),
            _ => Err(format!(
                "`value` is not a list of at most {MAX_ALTERNATIVES}"
            )),
        },
        Operator::Contains => comparable(value).map(Test::Contains),
        Operator::Exists | Operator::Missing => Ok(Test::Exists(op == Operator::Exists)),
    }
}

fn comparable(value: Value) -> Result<Value, String> {
    match Held::of(&value) {
        Held::Number(_) | Held::Text(_) | Held::Truth(_) => Ok(value),
        _ => Err("`value` is not a text, a number, true or false".to_owned()),
    }
}
