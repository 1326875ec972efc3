//! NUL characters: JSON may hold them as `\u0000`, PostgreSQL's text and jsonb may not.

use serde_json::{Map, Value};

/// Whether a NUL is anywhere in the value, in keys too.
#[must_use]
pub fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(map) => map_holds_nul(map),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a NUL is anywhere in the object, in keys too.
pub(crate) fn map_holds_nul(map: &Map<String, Value>) -> bool {
    map.iter()
        .any(|(key, value)| key.contains('\0') || holds_nul(value))
}

/// The text without NULs.
#[must_use]
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

/// The value without NULs.
#[must_use]
pub fn value_without_nul(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(list) => list.iter().map(value_without_nul).collect(),
        Value::Object(map) => Value::Object(map_without_nul(map)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The object without NULs. Where that makes two keys equal, the one that came without a NUL keeps its value.
pub(crate) fn map_without_nul(map: &Map<String, Value>) -> Map<String, Value> {
    let (odd, plain): (Vec<_>, Vec<_>) = map.iter().partition(|(key, _)| key.contains('\0'));
    odd.into_iter()
        .chain(plain)
        .map(|(key, value)| (without_nul(key), value_without_nul(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_and_strips_at_any_depth() {
        let value = json!({"a\0": [1, {"b": "x\0y\0"}], "c": null});
        assert!(holds_nul(&value));
        let stripped = value_without_nul(&value);
        assert_eq!(stripped, json!({"a": [1, {"b": "xy"}], "c": null}));
        assert!(!holds_nul(&stripped));
        assert!(holds_nul(&json!({"k\0": 1})));
        assert_eq!(
            value_without_nul(&json!({"\0k": 1, "k": 2, "k\0": 3})),
            json!({"k": 2})
        );
    }
}
