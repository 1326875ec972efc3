//! `{{user.first_name}}` in the claims of a template.

use serde_json::{Map, Value};

/// The claims with their shortcodes replaced by what `facts` says. A text that is one shortcode takes the value with
/// its type, null when there is none; one among other words is written into them. `{{a || b || 'c'}}` takes the first
/// that there is.
pub(crate) fn filled(claims: &Map<String, Value>, facts: &Value) -> Map<String, Value> {
    let fill = |(name, value): (&String, &Value)| (name.clone(), value_of(value, facts));
    claims.iter().map(fill).collect()
}

fn value_of(value: &Value, facts: &Value) -> Value {
    match value {
        Value::String(text) => text_of(text, facts),
        Value::Array(items) => items.iter().map(|item| value_of(item, facts)).collect(),
        Value::Object(members) => filled(members, facts).into(),
        other => other.clone(),
    }
}

fn text_of(text: &str, facts: &Value) -> Value {
    let mut written = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((code, behind)) = after.split_once("}}") else {
            break;
        };
        if before.is_empty() && behind.is_empty() && written.is_empty() {
            return first(code, facts);
        }
        written.push_str(before);
        match first(code, facts) {
            Value::Null => {}
            Value::String(text) => written.push_str(&text),
            other => written.push_str(&other.to_string()),
        }
        rest = behind;
    }
    written.push_str(rest);
    written.into()
}

fn first(code: &str, facts: &Value) -> Value {
    let found = code.split("||").map(str::trim).find_map(|part| {
        let quoted = |mark| part.strip_prefix(mark).and_then(|it| it.strip_suffix(mark));
        match quoted('\'').or_else(|| quoted('"')) {
            Some(literal) => Some(literal.into()),
            None => look_up(part, facts),
        }
    });
    found.unwrap_or(Value::Null)
}

/// What is there and not null.
fn look_up(path: &str, facts: &Value) -> Option<Value> {
    let found = path.split('.').try_fold(facts, |at, name| at.get(name))?;
    (!found.is_null()).then(|| found.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shortcodes_keep_types_and_fall_back() {
        let facts = json!({"user": {"id": "user_1", "name": null, "public_metadata": {"level": 3, "tags": ["a"]}}});
        let claims = json!({
            "id": "{{user.id}}",
            "level": "{{ user.public_metadata.level }}",
            "words": "Level {{user.public_metadata.level}} of {{user.id}}{{user.name}}!",
            "missing": "{{org.id}}",
            "fallback": "{{user.name || user.nick || 'nobody'}}",
            "deep": [{"tags": "{{user.public_metadata.tags}}"}, 7, true, null],
            "open": "{{user.id",
            "plain": "aud",
        });
        let filled = filled(claims.as_object().unwrap(), &facts);
        assert_eq!(
            Value::Object(filled),
            json!({
                "id": "user_1",
                "level": 3,
                "words": "Level 3 of user_1!",
                "missing": null,
                "fallback": "nobody",
                "deep": [{"tags": ["a"]}, 7, true, null],
                "open": "{{user.id",
                "plain": "aud",
            })
        );
    }
}
