//! The document held against itself: every answer has an example, and every example is what its schema says.

use std::collections::BTreeSet;

use chrono::DateTime;
use uuid::Uuid;

use super::*;

fn document() -> Value {
    serde_json::to_value(crate::router::document()).unwrap()
}

/// Every operation by its name.
fn every_operation(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation.clone()))
    });
    all.collect()
}

/// The properties of an object and which of them are required, whatever it is put together from.
fn members(
    document: &Value,
    schema: &Value,
    into: &mut Map<String, Value>,
    needed: &mut Vec<String>,
) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix(SCHEMAS).unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "no schema {name}");
        members(document, schema, into, needed);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(document, part, into, needed);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        into.insert(name.clone(), member.clone());
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        needed.push(name.as_str().unwrap().to_owned());
    }
}

/// What of a value is not as its schema says.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(ways) = schema["oneOf"].as_array() {
        let fits = ways
            .iter()
            .any(|way| faults(document, way, value, at).is_empty());
        return if fits {
            Vec::new()
        } else {
            vec![format!("{at}: none of the ways")]
        };
    }
    let (mut known, mut needed) = (Map::new(), Vec::new());
    members(document, schema, &mut known, &mut needed);
    let resolved = match schema["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix(SCHEMAS))
    {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    };
    let types: BTreeSet<&str> = match &resolved["type"] {
        Value::String(one) => [one.as_str()].into(),
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    };
    let own = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.is_empty() && !types.contains(own) {
        return vec![format!("{at}: {own} is none of {types:?}")];
    }
    match value {
        Value::String(text) => {
            let fits = match resolved["format"].as_str() {
                Some("date-time") => DateTime::parse_from_rfc3339(text).is_ok(),
                Some("uuid") => Uuid::parse_str(text).is_ok(),
                _ => resolved["enum"]
                    .as_array()
                    .is_none_or(|known| known.contains(value)),
            };
            if fits {
                Vec::new()
            } else {
                vec![format!("{at}: {text}")]
            }
        }
        Value::Array(items) => {
            let of_item = &resolved["items"];
            items
                .iter()
                .flat_map(|item| faults(document, of_item, item, &format!("{at}[]")))
                .collect()
        }
        Value::Object(given) if !known.is_empty() => {
            let unknown = given.keys().filter(|name| !known.contains_key(*name));
            let missing = needed.iter().filter(|name| !given.contains_key(*name));
            let mut wrong: Vec<String> = unknown
                .map(|name| format!("{at}.{name}: unknown"))
                .collect();
            wrong.extend(missing.map(|name| format!("{at}.{name}: missing")));
            for (name, value) in given {
                wrong.extend(faults(
                    document,
                    &known[name],
                    value,
                    &format!("{at}.{name}"),
                ));
            }
            wrong
        }
        _ => Vec::new(),
    }
}

#[test]
fn every_answer_has_an_example_that_fits_its_schema() {
    let document = document();
    let (mut shown, mut wrong) = (0, Vec::new());
    for (name, operation) in every_operation(&document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            for (media_type, content) in answer["content"].as_object().into_iter().flatten() {
                let at = format!("{name} {status}");
                let one = content.get("example").into_iter();
                let several = content["examples"].as_object().into_iter();
                let several = several.flat_map(|known| known.values().map(|named| &named["value"]));
                let examples: Vec<&Value> = one.chain(several).collect();
                // An unhealthy service answers as a healthy one does.
                if examples.is_empty() && !(media_type == JSON && status == "503") {
                    wrong.push(format!("{at}: no example of {media_type}"));
                }
                if media_type == PROBLEM || media_type == JSON {
                    for example in examples {
                        shown += 1;
                        wrong.extend(faults(&document, &content["schema"], example, &at));
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(shown > 150, "{shown}");
}

#[test]
fn a_whole_answer_has_every_member() {
    // Members that are left out when there is nothing to say.
    const OPTIONAL: [&str; 2] = ["detail", "legacy_tokens"];
    let document = document();
    for (name, example) in EXAMPLES.iter().filter(|(name, _)| !name.contains('/')) {
        let schema = json!({"$ref": format!("{SCHEMAS}{name}")});
        let (mut known, mut needed) = (Map::new(), Vec::new());
        members(&document, &schema, &mut known, &mut needed);
        for member in known
            .keys()
            .filter(|member| !OPTIONAL.contains(&member.as_str()))
        {
            assert!(example.get(member).is_some(), "{name} has no {member}");
        }
    }
}

#[test]
fn every_list_of_a_workspace_tells_of_its_own_rows() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (path, own) in [
        ("/listings", "price"),
        ("/profiles", "weights"),
        ("/valuation-rulesets", "rules"),
        ("/collection-items", "collection_id"),
        ("/shares", "permission"),
        ("/positions", "quantity"),
        ("/chat/messages", "role"),
    ] {
        let answer = &document["paths"][format!("/api/v1{path}")]["get"]["responses"]["200"];
        let content = &answer["content"][JSON];
        let name = content["schema"]["$ref"].as_str().unwrap().to_owned();
        let page = &document["components"]["schemas"][name.strip_prefix(SCHEMAS).unwrap()];
        let (mut known, mut needed) = (Map::new(), Vec::new());
        let row = &page["properties"]["items"]["items"];
        members(&document, row, &mut known, &mut needed);
        // A strict part would forbid the members of the others.
        let name_of_row = row["$ref"].as_str().unwrap().strip_prefix(SCHEMAS).unwrap();
        let whole = &document["components"]["schemas"][name_of_row];
        assert_eq!(whole["type"], "object", "{path}: {whole}");
        assert!(whole.get("additionalProperties").is_none(), "{path}");
        for member in [own, "id", "owner_id", "created_at"] {
            assert!(known.contains_key(member), "{path}: no {member}");
        }
        assert!(content["example"]["items"][0].get(own).is_some(), "{path}");
        assert!(seen.insert(name), "{path}");
    }
}

#[test]
fn no_two_operations_have_one_name() {
    let all = every_operation(&document());
    let names: BTreeSet<String> = all
        .iter()
        .map(|(_, operation)| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), all.len());
    assert!(names.contains("get_listings_by_id"), "{names:?}");
}

#[test]
fn refusals_that_follow_from_a_route_are_told() {
    let document = document();
    let (mut writes, mut bodies, mut ids) = (0, 0, 0);
    for (name, operation) in every_operation(&document) {
        let tells = |kind: Kind| {
            let answer = &operation["responses"][kind.status().as_str()]["description"];
            answer
                .as_str()
                .is_some_and(|told| told.contains(&quoted(kind)))
        };
        let is_webhook = name.ends_with("/webhooks/clerk");
        if !name.starts_with("get ") && !is_webhook {
            writes += 1;
            assert!(tells(Kind::OriginNotAllowed), "{name}");
        }
        if operation.get("requestBody").is_some() {
            bodies += 1;
            for kind in [
                Kind::BodyInvalid,
                Kind::BodyTooLarge,
                Kind::UnsupportedMediaType,
            ] {
                assert!(tells(kind), "{name}: {kind:?}");
            }
        }
        if name.contains('{') {
            ids += 1;
            assert!(tells(Kind::ParameterInvalid), "{name}");
        }
    }
    assert!(
        writes > 10 && bodies > 10 && ids > 10,
        "{writes} {bodies} {ids}"
    );
}
