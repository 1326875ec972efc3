//! Clerk's webhooks.

use axum::extract::State;
use chrono::Utc;
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::peer::PeerAddress;
use crate::problem::{Problem, ProblemBody};
use crate::raw_body::RawBody;

/// Takes one delivery from Clerk.
///
/// Answered after the delivery and everything that it changes are committed. Whatever an authentic delivery holds, it
/// is taken: applied, recognised as a duplicate or as stale, ignored, or kept in quarantine.
#[utoipa::path(
    post, path = "/webhooks/clerk", tag = "webhooks",
    params(
        ("svix-id" = String, Header, description = "Id of the message, the same on every retry; `webhook-id` is taken too"),
        ("svix-timestamp" = i64, Header, description = "Seconds since 1970; within five minutes of now"),
        ("svix-signature" = String, Header, description = "`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`; several, separated by spaces"),
    ),
    request_body(content = serde_json::Value, description = "Clerk's event, signed over these very bytes"),
    responses(
        (status = 204, description = "Committed"),
        (status = 400, description = "`body_unreadable`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`signature_invalid`, `header_missing`, `header_duplicated`, `header_invalid`, `timestamp_invalid`, `timestamp_expired`, `timestamp_in_future`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "`body_timeout`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`: send it again", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `request_timeout`: nothing was taken, send it again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn receive(
    State(app): State<App>,
    PeerAddress(address): PeerAddress,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<StatusCode, Problem> {
    let now = Utc::now();
    let delivery = app
        .receiver
        .receive(&headers, &body, now)
        .map_err(|refusal| {
            app.delivered.rejected(refusal.code());
            app.security_log
                .webhook_rejected(refusal.rejection(&headers, now), address);
            Problem::from(refusal)
        })?;
    app.rate_limits.webhook()?;
    let (message_id, event_type) = (delivery.message_id.clone(), delivery.event_type.clone());
    let occurred_at = delivery.occurred_at;
    let receipt = app.mirror.apply(delivery).await.map_err(retry_later)?;
    app.delivered
        .committed(&event_type, receipt.outcome, occurred_at, Utc::now());
    tracing::info!(
        message_id,
        event_type,
        outcome = receipt.outcome.as_str(),
        reason = receipt.reason,
        "delivery"
    );
    Ok(StatusCode::NO_CONTENT)
}

/// Whatever kept an authentic delivery from being committed, the sender has to repeat it.
fn retry_later(error: domain::StoreError) -> Problem {
    use crate::problem::Kind;
    let problem = Problem::from(error);
    if problem.kind() == Kind::Internal {
        Problem::of(Kind::StoreUnavailable)
    } else {
        problem
    }
}
