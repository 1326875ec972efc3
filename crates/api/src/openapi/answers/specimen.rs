//! Examples of answers that nobody wrote one for: put together from the examples of their members.

use serde_json::{Map, Value, json};

use super::SCHEMAS;

/// The document's schemas by name, as JSON.
pub(super) struct Specimens(Value);

impl Specimens {
    /// Of these schemas.
    pub(super) fn of(schemas: Value) -> Self {
        Self(schemas)
    }

    /// A value that fits the schema of this name.
    pub(super) fn named(&self, name: &str) -> Option<Value> {
        let schema = self.0.get(name)?;
        Some(self.fitting(schema))
    }

    fn fitting(&self, schema: &Value) -> Value {
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix(SCHEMAS).unwrap_or(name);
            return self.named(name).unwrap_or_default();
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let parts = parts.iter().filter_map(|part| match self.fitting(part) {
                Value::Object(members) => Some(members),
                _ => None,
            });
            return Value::Object(parts.flatten().collect());
        }
        if let Some(members) = schema["properties"].as_object() {
            let members = members
                .iter()
                .map(|(name, member)| (name.clone(), self.fitting(member)));
            return Value::Object(members.collect());
        }
        match schema["type"].as_str() {
            Some("string") => json!(text(schema["format"].as_str())),
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(false),
            Some("object") => Value::Object(Map::new()),
            Some("array") => json!([self.fitting(&schema["items"])]),
            // One that may be null.
            _ => Value::Null,
        }
    }
}

fn text(format: Option<&str>) -> &'static str {
    match format {
        Some("date-time") => "2026-11-01T12:00:00Z",
        Some("date") => "2026-11-01",
        Some("uuid") => "0197a0c4-2222-7c3a-9f00-3d2c1b0a9e8f",
        _ => "",
    }
}
