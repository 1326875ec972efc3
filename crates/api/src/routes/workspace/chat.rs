//! The chat with the assistant: a message, and its answer while it is given.
//!
//! What is counted, and when, is `domain`'s ([`converse`]). The work is a task of its own, which goes on when the client
//! leaves: it settles what was reserved and keeps what was said.

mod answering;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use chrono::Utc;
use domain::workspace::{
    ChatMessage, ChatReservation, ChatRole, OwnedFilter, Resource as _, Scope, Utterance,
    reserve_message, within_budget,
};
use domain::{Assistant, Denial, PageQuery};
use futures_util::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;
use utoipa::ToSchema;

use self::answering::{Piece, Work};
use crate::app::App;
use crate::guards::Invited;
use crate::input::Input;
use crate::metering::{AI_MESSAGES, limit_reached};
use crate::owned::{Acting, Body};
use crate::problem::{Kind, Problem, ProblemBody};
use crate::streams::{self, End, Tenure, named};

/// Longer than any answer may take: after a crash, what was reserved is free again then.
const HELD_FOR: Duration = Duration::from_secs(10 * 60);
/// Of the history, the assistant is told so many messages at most,
const HISTORY: u32 = 50;
/// and so many bytes of them.
const HISTORY_BYTES: usize = 32 * 1024;
/// Pieces of an answer that wait for a slow reader; then the assistant waits too.
const WAITING: usize = 16;

/// A message to the assistant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageToSend {
    /// 100,000 characters at most.
    #[schema(example = "What is my largest position?", max_length = 100_000)]
    message: String,
}

/// The data of the event `delta`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatDelta {
    /// The next piece of the answer.
    text: String,
}

/// Why the answer ends before its time: the data of the event `error`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatError {
    /// `assistant_unavailable`, `assistant_timed_out`, `assistant_busy`, `assistant_refused`, `store_unavailable`,
    /// `session_revoked`, `user_inactive`, `service_stopping`, …
    #[schema(example = "assistant_timed_out")]
    code: &'static str,
}

/// Sends a message to the assistant. The answer comes as server-sent events while it is given.
///
/// An event `delta` (`ChatDelta`) follows another, and the last event is `done` (`ChatDone`) or `error` (`ChatError`). The
/// message counts against the month's limit when it is answered, or when the client leaves in the middle of the answer; not
/// when the assistant fails or nothing was said. What was answered is kept in the history, from which the assistant is told
/// the latest messages. The answer ends within a second of the end of the session.
#[utoipa::path(
    post, path = "/chat/send", tag = "chat", security(("session" = [])),
    request_body(content = MessageToSend, content_type = "application/json"),
    responses(
        (status = 200, description = "Events `delta` (`ChatDelta`), `done` (`ChatDone`) and `error` (`ChatError`)", body = serde_json::Value, content_type = "text/event-stream",
            example = "event: delta\ndata: {\"text\":\"Apple\"}\n\nevent: done\ndata: {\"message_id\":\"0197a0c4-2222-7c3a-9f00-3d2c1b0a9e8f\",\"used\":3,\"limit\":100,\"remaining\":97,\"resets_at\":\"2026-12-01T00:00:00Z\"}\n\n"),
        (status = 400, description = "`body_invalid`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`invite_required`, `user_inactive`; `requirement_invalid`: the policy has no messages", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`ai_message_limit_reached`: `retry_at` says when counting begins anew; `too_many_streams`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`assistant_not_configured`: nothing was counted; `store_unavailable`, `keys_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn send(
    Acting { scope, caller, .. }: Acting<Invited>,
    State(app): State<App>,
    Input(MessageToSend { message }): Body<MessageToSend>,
) -> Result<Response, Problem> {
    let assistant = app
        .assistant
        .clone()
        .ok_or_else(|| Problem::of(Kind::AssistantNotConfigured))?;
    let question = question(message)?;
    let limit = caller.entitlements.limits.per_month(AI_MESSAGES);
    let limit = u64::from(limit.ok_or_else(|| Denial::Undefined {
        kind: "metered feature",
        name: AI_MESSAGES.to_owned(),
    })?);
    let conversation = conversation(&app, &scope, &question).await?;
    let (tenure, _) = Tenure::begin(&app, caller, |_, _| Ok(())).await?;
    let (pieces, answer) = mpsc::channel(WAITING);
    let (begun, beginning) = oneshot::channel();
    let work = Work {
        workspace: app.workspace.clone(),
        scope,
        question,
        limit,
        pieces,
    };
    let working = run(Arc::clone(&app.usage), assistant, conversation, work, begun);
    tokio::spawn(working.in_current_span());
    match beginning.await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => return Err(problem),
        Err(_) => return Err(Problem::of(Kind::Internal)),
    }
    Ok(streams::answer(follow(answer, tenure)))
}

/// From the reservation to the last word. Whoever asked is told first whether anything will come.
async fn run(
    meter: Arc<dyn domain::UsageMeter>,
    assistant: Arc<dyn Assistant>,
    conversation: Vec<Utterance>,
    work: Work,
    begun: oneshot::Sender<Result<(), Problem>>,
) {
    let (now, user_id, limit) = (Utc::now(), work.scope.user_id, work.limit);
    let reserved = reserve_message(&*meter, user_id, AI_MESSAGES, limit, now, now + HELD_FOR).await;
    let held = match reserved {
        Ok(ChatReservation::Held(held)) => held,
        Ok(ChatReservation::LimitReached(usage)) => {
            let refusal = limit_reached(&usage, limit, std::num::NonZeroU32::MIN);
            let _ = begun.send(Err(refusal));
            return;
        }
        Err(error) => {
            let _ = begun.send(Err(error.into()));
            return;
        }
    };
    // Whoever has left meanwhile is found gone before the assistant is asked.
    let _ = begun.send(Ok(()));
    work.go_on(&*assistant, &*meter, held, &conversation).await;
}

/// What is asked, if it may be kept.
fn question(message: String) -> Result<ChatMessage, Problem> {
    if message.trim().is_empty() {
        return Err(Problem::with_field(
            Kind::BodyInvalid,
            "message",
            "is empty",
        ));
    }
    let question = ChatMessage {
        role: ChatRole::User,
        content: message,
        is_partial: false,
    };
    match question.problems().into_iter().next() {
        Some(problem) => Err(Problem::with_field(
            Kind::BodyInvalid,
            "message",
            problem.message,
        )),
        None => Ok(question),
    }
}

/// What the assistant is told: the latest of the history, and the question.
async fn conversation(
    app: &App,
    scope: &Scope,
    question: &ChatMessage,
) -> Result<Vec<Utterance>, Problem> {
    let page = PageQuery {
        limit: HISTORY,
        after: None,
    };
    let messages = &app.workspace.messages;
    let page = messages.list(scope, OwnedFilter::default(), page).await?;
    let said = page.items.into_iter().rev().map(|row| row.body);
    let said = said.chain([question.clone()]);
    let conversation = said.map(|message| Utterance {
        role: message.role,
        text: message.content,
    });
    Ok(within_budget(conversation.collect(), HISTORY_BYTES))
}

/// The answer as it is given, for as long as its reader may listen.
fn follow(
    answer: mpsc::Receiver<Piece>,
    tenure: Tenure,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let over = Box::pin(tenure.over());
    let start = Some((answer, over));
    futures_util::stream::unfold(start, |state| async move {
        let (mut answer, mut over) = state?;
        tokio::select! {
            biased;
            End(code) = &mut over => Some((named("error", &ChatError { code }), None)),
            piece = answer.recv() => {
                let event = match piece? {
                    Piece::Said(text) => named("delta", &ChatDelta { text }),
                    Piece::Done(done) => named("done", &done),
                    Piece::Failed(code) => named("error", &ChatError { code }),
                };
                Some((event, Some((answer, over))))
            }
        }
    })
    .map(Ok)
}
