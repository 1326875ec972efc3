//! The example's application, called with real tokens.

use std::sync::Arc;

use async_trait::async_trait;
use auth::axum::{Ended, SessionState, Sessions};
use auth::{Authenticator, SessionClaims};
use axum::body::Body;
use axum::response::Response;
use chrono::Utc;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::minting::{FIRST, NOW, PARTY, STRANGER, claims, config};
use crate::scripted_source::ScriptedSource;

#[path = "../../examples/protect_axum/app.rs"]
mod app;

fn sessions(source: &Arc<ScriptedSource>) -> Sessions {
    let config = config();
    let authenticator = Authenticator::with_key_source(&config, Arc::clone(source) as _).unwrap();
    Sessions::around(authenticator, &config)
}

/// The application reads the clock, so its tokens are of now.
fn token() -> String {
    FIRST.token_at(Utc::now().timestamp() - NOW)
}

async fn send(
    sessions: &Sessions,
    method: Method,
    path: &str,
    headers: &[(HeaderName, String)],
) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::empty()).unwrap();
    app::router(sessions.clone())
        .oneshot(request)
        .await
        .unwrap()
}

async fn body(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn get(path: &str, headers: &[(HeaderName, String)]) -> (StatusCode, String) {
    let sessions = sessions(&ScriptedSource::with(&[&FIRST]));
    let response = send(&sessions, Method::GET, path, headers).await;
    let status = response.status();
    let body = body(response).await;
    let code = serde_json::from_str(&body).ok().map(|problem: Value| {
        assert_eq!(problem["status"], status.as_u16());
        problem["code"].as_str().unwrap().to_owned()
    });
    (status, code.unwrap_or(body))
}

fn bearer(token: &str) -> [(HeaderName, String); 1] {
    [(AUTHORIZATION, format!("Bearer {token}"))]
}

#[tokio::test]
async fn a_session_is_greeted_and_others_are_refused() {
    let user = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S";
    let cookie = [(COOKIE, format!("__session={}", token()))];
    let forged = STRANGER.token(&claims());
    let ok = StatusCode::OK;
    let no = StatusCode::UNAUTHORIZED;
    for (path, headers, status, said) in [
        (
            "/hello",
            &bearer(&token())[..],
            ok,
            format!("hello, {user}"),
        ),
        ("/hello", &cookie[..], ok, format!("hello, {user}")),
        ("/hello", &[], no, "token_missing".to_owned()),
        (
            "/hello",
            &bearer(&forged),
            no,
            "signature_invalid".to_owned(),
        ),
        (
            "/hello",
            &bearer(&FIRST.token(&claims())),
            no,
            "token_expired".to_owned(),
        ),
        ("/report", &bearer(&token()), ok, "the report".to_owned()),
        ("/report", &[], no, "token_missing".to_owned()),
        ("/", &[], ok, "welcome, stranger".to_owned()),
        ("/", &bearer(&token()), ok, format!("welcome back, {user}")),
        ("/", &bearer(&forged), no, "signature_invalid".to_owned()),
    ] {
        assert_eq!(
            get(path, headers).await,
            (status, said),
            "{path} {headers:?}"
        );
    }
    assert_eq!(get("/nowhere", &[]).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refusal_says_what_it_wants() {
    let sessions = sessions(&ScriptedSource::with(&[&FIRST]));
    let missing = send(&sessions, Method::GET, "/hello", &[]).await;
    assert_eq!(missing.headers()[WWW_AUTHENTICATE], "Bearer");
    assert_eq!(missing.headers()[CONTENT_TYPE], "application/problem+json");
    let forged = bearer(&STRANGER.token(&claims()));
    let forged = send(&sessions, Method::GET, "/hello", &forged).await;
    assert_eq!(
        forged.headers()[WWW_AUTHENTICATE],
        r#"Bearer error="invalid_token", error_description="signature_invalid""#
    );
}

#[tokio::test]
async fn without_keys_it_is_an_outage() {
    let sessions = sessions(&ScriptedSource::failing());
    let response = send(&sessions, Method::GET, "/hello", &bearer(&token())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(RETRY_AFTER));
}

#[tokio::test]
async fn what_a_cookie_changes_comes_from_an_own_page() {
    let sessions = sessions(&ScriptedSource::with(&[&FIRST]));
    let cookie = (COOKIE, format!("__session={}", token()));
    let own = (ORIGIN, PARTY.to_owned());
    let evil = (ORIGIN, "https://evil.example".to_owned());
    for (headers, status) in [
        (vec![cookie.clone(), own.clone()], StatusCode::OK),
        (vec![cookie.clone()], StatusCode::FORBIDDEN),
        (vec![cookie.clone(), evil.clone()], StatusCode::FORBIDDEN),
        (
            vec![cookie.clone(), own, evil.clone()],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![cookie, (ORIGIN, "null".to_owned())],
            StatusCode::FORBIDDEN,
        ),
        // No browser attaches this header by itself.
        (vec![bearer(&token())[0].clone(), evil], StatusCode::OK),
    ] {
        let response = send(&sessions, Method::POST, "/hello", &headers).await;
        assert_eq!(response.status(), status, "{headers:?}");
    }
}

/// Says of every session what it was told to say.
struct Says(Result<(), Ended>);

#[async_trait]
impl SessionState for Says {
    async fn check(&self, claims: &SessionClaims) -> Result<(), Ended> {
        assert!(claims.session_id.starts_with("sess_"));
        self.0
    }
}

#[tokio::test]
async fn state_is_asked_on_every_request() {
    let sessions = sessions(&ScriptedSource::with(&[&FIRST]));
    let headers = bearer(&token());
    // The token is remembered after the first request; the state is not.
    for (said, status, code) in [
        (Ok(()), StatusCode::OK, None),
        (
            Err(Ended::Session),
            StatusCode::UNAUTHORIZED,
            Some("session_revoked"),
        ),
        (
            Err(Ended::UserDeleted),
            StatusCode::UNAUTHORIZED,
            Some("user_deleted"),
        ),
        (
            Err(Ended::UserInactive),
            StatusCode::FORBIDDEN,
            Some("user_inactive"),
        ),
        (
            Err(Ended::Unknown),
            StatusCode::SERVICE_UNAVAILABLE,
            Some("state_unavailable"),
        ),
        (Ok(()), StatusCode::OK, None),
    ] {
        let sessions = sessions.clone().checked_by(Arc::new(Says(said)));
        for path in ["/hello", "/report", "/"] {
            let response = send(&sessions, Method::GET, path, &headers).await;
            assert_eq!(response.status(), status, "{path} {said:?}");
            let body = body(response).await;
            if let Some(code) = code {
                let problem: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(problem["code"], code);
            }
        }
    }
    let counts = sessions.authenticator().verifier().verdict_counts();
    assert_eq!((counts.misses, counts.hits), (1, 17));
}
