//! The OpenAPI document and its page.

mod answers;
mod whole;

use std::sync::LazyLock;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{Kind, Problem};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "clerk-sync",
        description = "Keeps a team's own database equal to Clerk, verifies tokens, and enforces roles, tiers and limits. \
                       Every path under `/api/v1/` also answers under `/api/`. Failures are RFC 9457 problems with a stable `code`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "webhooks", description = "What Clerk calls"),
        (name = "changes", description = "What other services follow"),
        (name = "auth", description = "What clients call with a session token"),
        (name = "onboarding", description = "How a user gets in"),
        (name = "workspace", description = "What users keep, each for himself"),
        (name = "chat", description = "The assistant"),
        (name = "admin", description = "What administrators call; machine callers may read users and organizations"),
        (name = "health", description = "What orchestrators and people on call ask"),
    ),
    modifiers(&SessionToken)
)]
struct Document;

struct SessionToken;

impl Modify for SessionToken {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A Clerk session token; browsers may send the `__session` cookie instead.",
            ))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("session", SecurityScheme::Http(scheme));
        let service = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A machine caller's token, one of SERVICE_TOKENS."))
            .build();
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("service", SecurityScheme::Http(service));
        let ticket = ApiKey::Query(ApiKeyValue::with_description(
            "ticket",
            "A ticket of `POST /api/v1/auth/stream-ticket`: opens one stream, once.",
        ));
        openapi
            .components
            .get_or_insert_default()
            .add_security_scheme("ticket", SecurityScheme::ApiKey(ticket));
    }
}

/// What is said of the API besides its routes.
pub(crate) fn frame() -> OpenApi {
    Document::openapi()
}

/// Completes what is said at each route.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    whole::make(&mut document);
    answers::complete(&mut document);
    document
}

/// Where the document and its page are.
pub(crate) const PAGES: [&str; 4] = [
    "/api/openapi.json",
    "/api/docs",
    "/api/docs/",
    "/api/docs/{*rest}",
];

/// The document, made when it is asked for the first time.
static JSON: LazyLock<Option<Bytes>> = LazyLock::new(|| {
    let json = serde_json::to_vec(&crate::router::document());
    let json =
        json.inspect_err(|error| tracing::error!(%error, "the API's document cannot be written"));
    json.ok().map(Bytes::from)
});

/// The document and its page. The page asks nobody but this service: no online validator, and no box to load another
/// document, both of which the content policy would refuse.
pub(crate) fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let config = Config::from("/api/openapi.json")
        .validator_url("none")
        .use_base_layout();
    let page = Router::from(SwaggerUi::new("/api/docs").config(config));
    page.route("/api/openapi.json", get(json))
}

async fn json() -> Result<impl IntoResponse, Problem> {
    let json = JSON.clone().ok_or_else(|| Problem::of(Kind::Internal))?;
    Ok(([(CONTENT_TYPE, "application/json")], json))
}

/// The whole document as JSON, as `/api/openapi.json` serves it.
///
/// # Errors
/// Never in practice: the document is our own.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    crate::router::document().to_pretty_json()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use http_body_util::BodyExt as _;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;

    /// What the page answers under a path: its type and its text.
    async fn answer(path: &str) -> (String, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = page::<()>().oneshot(request).await.unwrap();
        let media_type = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (media_type, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_document_is_served_as_it_is_printed() {
        let printed: Value = serde_json::from_str(&openapi_json().unwrap()).unwrap();
        for _ in 0..2 {
            let (media_type, served) = answer("/api/openapi.json").await;
            assert_eq!(media_type, "application/json");
            assert_eq!(serde_json::from_str::<Value>(&served).unwrap(), printed);
        }
    }

    #[tokio::test]
    async fn the_page_asks_nobody_else() {
        let (_, script) = answer("/api/docs/swagger-initializer.js").await;
        assert!(script.contains(r#""url": "/api/openapi.json""#), "{script}");
        assert!(script.contains(r#""validatorUrl": "none""#), "{script}");
        assert!(!script.contains("://"), "{script}");
    }
}
