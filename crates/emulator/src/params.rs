//! Typed access to a JSON object's members that names the member in every refusal.

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The parameters of a Backend API call. Members that nobody asks for are ignored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Map<String, Value>);

impl Params {
    pub(crate) fn new(body: Value) -> Result<Self, Refusal> {
        match body {
            Value::Object(members) => Ok(Self(members)),
            Value::Null => Ok(Self::default()),
            _ => Err(Refusal::BodyInvalid {
                reason: "it is JSON of another type".to_owned(),
            }),
        }
    }

    /// A list of objects, each with parameters of its own; `too_many` says what is wrong with one longer than `most`.
    pub(crate) fn several(
        body: Value,
        most: usize,
        too_many: &'static str,
    ) -> Result<Vec<Self>, Refusal> {
        let Value::Array(items) = body else {
            return Err(Refusal::BodyInvalid {
                reason: "it is no list".to_owned(),
            });
        };
        if items.len() > most {
            return Err(Refusal::BodyInvalid {
                reason: too_many.to_owned(),
            });
        }
        items.into_iter().map(Self::new).collect()
    }

    /// `None` when absent, `Some(None)` when null or empty: clients that only send forms write null that way.
    pub(crate) fn text(&self, name: &str) -> Result<Option<Option<String>>, Refusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(None)),
            Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
            Some(_) => Err(invalid(name, "a string or null")),
        }
    }

    pub(crate) fn required(&self, name: &'static str) -> Result<String, Refusal> {
        self.text(name)?
            .flatten()
            .ok_or(Refusal::ParamMissing { param: name })
    }

    /// A list of strings; one string counts as a list of one. Empty when absent or null.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let wrong = || invalid(name, "a list of strings");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(invalid(name, "true or false")),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| invalid(name, "an integer")),
        }
    }

    /// An object; null counts as the empty one.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(Map::new())),
            Some(Value::Object(members)) => Ok(Some(members.clone())),
            Some(_) => Err(invalid(name, "an object")),
        }
    }

    /// An RFC 3339 time, as milliseconds since 1970.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name)?.flatten() else {
            return Ok(None);
        };
        DateTime::parse_from_rfc3339(&text)
            .map(|time| Some(time.timestamp_millis()))
            .map_err(|_| invalid(name, "an RFC 3339 time"))
    }
}

pub(crate) fn invalid(name: &str, expected: &'static str) -> Refusal {
    Refusal::ParamInvalid {
        param: name.to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_null_and_present_are_three_things() {
        let params = Params::new(json!({"a": null, "b": "x", "c": ""})).unwrap();
        assert_eq!(params.text("missing"), Ok(None));
        assert_eq!(params.text("a"), Ok(Some(None)));
        assert_eq!(params.text("b"), Ok(Some(Some("x".to_owned()))));
        assert_eq!(params.text("c"), Ok(Some(None)));
    }

    #[test]
    fn a_wrong_type_names_the_parameter() {
        let params = Params::new(json!({"a": 1, "t": "yesterday"})).unwrap();
        assert_eq!(params.text("a"), Err(invalid("a", "a string or null")));
        assert_eq!(params.texts("a"), Err(invalid("a", "a list of strings")));
        assert_eq!(params.flag("a"), Err(invalid("a", "true or false")));
        assert_eq!(params.object("a"), Err(invalid("a", "an object")));
        assert_eq!(params.time("t"), Err(invalid("t", "an RFC 3339 time")));
        assert!(Params::new(json!([1])).is_err());
    }
}
