//! The change feed: every committed change, in commit order, by pages or as a stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::FeedItem;
use futures_util::{Stream, StreamExt as _};
use http::HeaderMap;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::accept::prefers_stream;
use crate::access::Asks;
use crate::app::App;
use crate::problem::{Problem, ProblemBody};
use crate::query::{self, Others, invalid};
use crate::service_caller::FeedReader;
use crate::streams;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
/// How long a follower that has seen everything waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Where to begin, and how much to take.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Place {
    /// The cursor of the last change that was seen; absent or empty for the first.
    #[param(value_type = Option<i64>)]
    after: Option<String>,
    /// Changes on a page, at most 1000.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
}

impl Asks for Place {}

impl FromRequestParts<App> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // A ticket stands there too, and whatever followers have always sent.
        query::parameters(parts, app, Others::Ignored).await
    }
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangePage {
    items: Vec<ChangeItem>,
    /// What to ask for next; the same as `after` when nothing has happened since.
    next_cursor: String,
}

/// One committed change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeItem {
    #[schema(example = "42")]
    cursor: String,
    /// `user`, `session`, `organization`, `membership`, `subscription`, …, and `usage`: what a user has used this month of a
    /// metered feature, and `portfolios`: how many he has and which is his oldest, both with his id.
    #[schema(example = "user")]
    kind: &'static str,
    /// Clerk's id of the object.
    id: String,
    /// `upsert` or `delete`.
    #[schema(example = "upsert")]
    op: &'static str,
    at: DateTime<Utc>,
    /// The row as the API shows it.
    #[schema(value_type = Object)]
    data: Value,
}

impl From<FeedItem> for ChangeItem {
    fn from(item: FeedItem) -> Self {
        let FeedItem { cursor, change } = item;
        Self {
            cursor: cursor.to_string(),
            kind: change.kind.as_str(),
            id: change.clerk_id,
            op: change.op.as_str(),
            at: change.at,
            data: change.data,
        }
    }
}

/// Every committed change after a cursor, oldest first.
///
/// With `Accept: text/event-stream`, where JSON is not wanted more, the answer follows what happens, one change an event,
/// whose id is the cursor; `Last-Event-ID` goes on where a broken stream ended. An admin's stream ends when the session
/// or the role does.
#[utoipa::path(
    get, path = "/changes", tag = "changes", params(Place), security(("session" = []), ("service" = []), ("ticket" = [])),
    responses(
        (status = 200, description = "A page, or a stream of events", body = ChangePage),
        (status = 400, description = "`parameter_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session or service token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`role_required`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn changes(
    reader: FeedReader,
    State(app): State<App>,
    headers: HeaderMap,
    place: Place,
) -> Result<Response, Problem> {
    let limit = match place.limit.as_deref() {
        None | Some("") => DEFAULT_LIMIT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| invalid("limit", "must be a number from 1 to 1000"))?,
    };
    let wants_stream = prefers_stream(&headers);
    let last_seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .filter(|_| wants_stream);
    let (from, given) = match last_seen {
        Some(id) => ("Last-Event-ID", Some(id)),
        None => ("after", place.after.as_deref()),
    };
    let after = match given {
        None | Some("") => 0,
        Some(text) => text
            .parse()
            .ok()
            .filter(|after| *after >= 0)
            .ok_or_else(|| invalid(from, "must be a cursor of this feed"))?,
    };
    if wants_stream {
        let over = reader.tenure(&app).await?;
        return Ok(streams::answer(follow(app, after).take_until(over)));
    }
    let items: Vec<ChangeItem> = app
        .changes
        .after(after, limit)
        .await?
        .into_iter()
        .map(ChangeItem::from)
        .collect();
    let next_cursor = items
        .last()
        .map_or_else(|| after.to_string(), |item| item.cursor.clone());
    Ok(Json(ChangePage { items, next_cursor }).into_response())
}

/// What happens after a cursor, for as long as somebody listens and the service runs. A store that is away is waited for.
fn follow(app: App, after: i64) -> impl Stream<Item = Result<Event, Infallible>> {
    let stop = app.stop.clone().cancelled_owned();
    let start = (app, after, Vec::<FeedItem>::new().into_iter());
    futures_util::stream::unfold(start, |(app, mut after, mut waiting)| async move {
        loop {
            if let Some(item) = waiting.next() {
                after = item.cursor;
                return Some((Ok(event(item)), (app, after, waiting)));
            }
            match app.changes.after(after, MAX_LIMIT).await {
                Ok(items) if !items.is_empty() => waiting = items.into_iter(),
                _ => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    })
    .take_until(stop)
}

fn event(item: FeedItem) -> Event {
    let item = ChangeItem::from(item);
    let event = Event::default().id(item.cursor.clone());
    // A change is made of texts and JSON, so this cannot fail; an event without data would still carry the cursor.
    event.clone().json_data(&item).unwrap_or(event)
}
