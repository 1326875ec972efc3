//! Schemas that are put together of parts, as one object each.
//!
//! A part that a request is made of allows no further members, and so would forbid those of the other parts.

use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{OpenApi, RefOr};

type Known = std::collections::BTreeMap<String, RefOr<Schema>>;

/// Makes objects of them.
pub(super) fn make(document: &mut OpenApi) {
    let Some(components) = &mut document.components else {
        return;
    };
    let known: Known = components
        .schemas
        .iter()
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::AllOf(parts)) = schema else {
            continue;
        };
        let mut whole = Object::new();
        whole.description.clone_from(&parts.description);
        for part in &parts.items {
            add(&known, part, &mut whole);
        }
        *schema = RefOr::T(Schema::Object(whole));
    }
}

/// Adds the members of a part.
fn add(known: &Known, part: &RefOr<Schema>, whole: &mut Object) {
    match part {
        RefOr::Ref(named) => {
            let name = named.ref_location.rsplit('/').next().unwrap_or_default();
            if let Some(schema) = known.get(name) {
                add(known, schema, whole);
            }
        }
        RefOr::T(Schema::Object(part)) => {
            let members = part.properties.iter();
            whole
                .properties
                .extend(members.map(|(name, member)| (name.clone(), member.clone())));
            for name in &part.required {
                if !whole.required.contains(name) {
                    whole.required.push(name.clone());
                }
            }
        }
        RefOr::T(Schema::AllOf(parts)) => {
            for part in &parts.items {
                add(known, part, whole);
            }
        }
        RefOr::T(_) => {}
    }
}
