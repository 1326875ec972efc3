//! What the document says of answers besides what stands at each route: refusals that follow from a route's shape, and an
//! example of every answer.

mod specimen;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema};

use self::specimen::Specimens;
use crate::group::operations;
use crate::problem::{Kind, Problem};

const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";
/// Before the name of a schema.
const SCHEMAS: &str = "#/components/schemas/";

/// Whole answers, by the name of their schema, or by method and path where the schema tells nothing. A test holds them
/// against the schemas.
static EXAMPLES: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

/// Completes every operation.
pub(super) fn complete(document: &mut OpenApi) {
    let schemas = document.components.as_ref().map(|all| json!(all.schemas));
    let specimens = Specimens::of(schemas.unwrap_or_default());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            refuse(&method, path, operation);
            let name = format!("{} {path}", method.as_str().to_ascii_lowercase());
            operation.operation_id = Some(operation_id(&name));
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    show(&name, status, response, &specimens);
                }
            }
        }
    }
}

/// A name that no other operation has: `get_listings_by_id`.
fn operation_id(name: &str) -> String {
    let parts = name
        .split([' ', '/', '-'])
        .filter(|part| !matches!(*part, "" | "api" | "v1"));
    let words = parts.map(|part| match part.strip_prefix('{') {
        Some(varying) => format!("by_{}", varying.trim_end_matches('}')),
        None => part.to_owned(),
    });
    words.collect::<Vec<_>>().join("_")
}

/// The refusals that follow from a route's shape.
fn refuse(method: &Method, path: &str, operation: &mut Operation) {
    // By cookie, from a site that is not listed.
    if !method.is_safe() && operation.responses.responses.contains_key("403") {
        mention(operation, Kind::OriginNotAllowed);
    }
    // Of a user, or from an address that proves nothing.
    if operation.responses.responses.contains_key("401") {
        mention(operation, Kind::RateLimited);
    }
    if operation.request_body.is_some() {
        for kind in [
            Kind::BodyInvalid,
            Kind::BodyUnreadable,
            Kind::BodyTimeout,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
        ] {
            mention(operation, kind);
        }
    }
    if path.contains('{') {
        mention(operation, Kind::ParameterInvalid);
    }
}

/// Says that an operation may answer so, where it does not.
fn mention(operation: &mut Operation, kind: Kind) {
    let code = quoted(kind);
    let answers = &mut operation.responses.responses;
    match answers.get_mut(kind.status().as_str()) {
        Some(RefOr::T(answer)) if !answer.description.contains(&code) => {
            answer.description.push_str("; ");
            answer.description.push_str(&code);
        }
        Some(_) => {}
        None => {
            let body = Ref::new(format!("{SCHEMAS}ProblemBody"));
            let content = ContentBuilder::new().schema(Some(body)).build();
            let answer = ResponseBuilder::new()
                .description(code)
                .content(PROBLEM, content);
            answers.insert(kind.status().as_str().to_owned(), answer.build().into());
        }
    }
}

fn quoted(kind: Kind) -> String {
    format!("`{}`", kind.code())
}

/// Puts an example to an answer that has none.
fn show(operation: &str, status: &str, response: &mut Response, specimens: &Specimens) {
    let description = response.description.clone();
    for (media_type, content) in &mut response.content {
        let RefOr::T(content) = content else { continue };
        if content.example.is_some() || !content.examples.is_empty() {
            continue;
        }
        if media_type == PROBLEM {
            for kind in told(status, &description) {
                let example = ExampleBuilder::new()
                    .summary(kind.title())
                    .value(Some(problem(kind)))
                    .build();
                content
                    .examples
                    .insert(kind.code().to_owned(), example.into());
            }
        } else if media_type == JSON {
            content.example = whole(operation, content.schema.as_ref(), specimens);
        }
    }
}

/// The kinds that an answer may be.
fn told(status: &str, description: &str) -> Vec<Kind> {
    let of_status = Kind::ALL
        .iter()
        .filter(|kind| kind.status().as_str() == status);
    let mut told: Vec<Kind> = of_status
        .filter(|kind| description.contains(&quoted(**kind)))
        .copied()
        .collect();
    // There are too many to be told one by one.
    if told.is_empty() && status == StatusCode::UNAUTHORIZED.as_str() {
        told.push(Kind::TokenExpired);
    }
    told
}

/// The body of a problem, as a client meets it.
fn problem(kind: Kind) -> Value {
    let problem = match kind {
        Kind::ParameterInvalid => {
            Problem::with_field(kind, "limit", "must be a number from 1 to 200")
        }
        Kind::BodyInvalid => Problem::with_field(kind, "reason", "at most 500 characters"),
        kind => Problem::of(kind),
    };
    let mut body = json!(problem.body("0197a0c31112-2a"));
    if kind.status() == StatusCode::TOO_MANY_REQUESTS
        && let Some(members) = body.as_object_mut()
    {
        members.insert("retry_at".to_owned(), json!("2026-12-01T00:00:00Z"));
    }
    body
}

/// A whole answer: a page has one row.
fn whole(operation: &str, schema: Option<&RefOr<Schema>>, specimens: &Specimens) -> Option<Value> {
    let Some(RefOr::Ref(schema)) = schema else {
        return EXAMPLES.get(operation).cloned();
    };
    let one = |name: &str| {
        let written = EXAMPLES.get(name).cloned();
        written.or_else(|| specimens.named(name))
    };
    let name = schema.ref_location.strip_prefix(SCHEMAS)?;
    let Some(row) = name.strip_prefix("PageOf_") else {
        return one(name);
    };
    let row = one(row)?;
    let page: BTreeMap<&str, Value> = [
        ("items", json!([row])),
        ("next_cursor", json!("dTowMTk3YTBjMC01YjFl")),
    ]
    .into();
    Some(json!(page))
}

#[cfg(test)]
mod tests;
