//! Tickets for streams, for clients that can send neither header nor cookie.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::{ClerkId, StreamTicket};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::current_user::{CurrentUser, Proof};
use crate::problem::{Kind, Problem, ProblemBody};
use crate::streams::{LIFE, Ticket};

/// A ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketAnswer {
    /// Opens one stream, once, as `?ticket=`.
    #[schema(example = "mYb0gqHnY0Q0gV8kqvJcJwq0b5n2m9Zl7pS3vXr1cTk")]
    ticket: String,
    /// From then on it opens nothing.
    expires_at: DateTime<Utc>,
}

/// A ticket that opens one stream in the caller's name.
///
/// It lives for 30 seconds, counts once, on any replica, and only as `?ticket=` of a stream. It opens nothing when the
/// session has ended meanwhile. Ask for a new one before each attempt to connect.
#[utoipa::path(
    post, path = "/auth/stream-ticket", tag = "auth", security(("session" = [])),
    responses(
        (status = 200, description = "The ticket, shown once", body = TicketAnswer),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`user_inactive`; `session_required`: a token of a previous login has no session to bind a ticket to", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`user_not_found`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn issue(
    caller: CurrentUser,
    State(app): State<App>,
) -> Result<Json<TicketAnswer>, Problem> {
    let Proof::Session { claims, .. } = &caller.proof else {
        return Err(Problem::of(Kind::SessionRequired));
    };
    let clerk_session_id = ClerkId::parse(claims.session_id.as_str())
        .map_err(|error| Problem::with_detail(Kind::ClaimsInvalid, error.to_string()))?;
    let Some(ticket) = Ticket::random() else {
        tracing::error!("the system gives no random bits");
        return Err(Problem::of(Kind::Internal));
    };
    let expires_at = Utc::now() + LIFE;
    let kept = StreamTicket {
        digest: ticket.digest(),
        clerk_user_id: caller.user.clerk_user_id.clone(),
        clerk_session_id,
        expires_at,
    };
    app.tickets.issue(kept).await?;
    Ok(Json(TicketAnswer {
        ticket: ticket.written(),
        expires_at,
    }))
}
