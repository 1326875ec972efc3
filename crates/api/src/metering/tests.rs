//! What a request uses, from outside: routes of the tests' own, with a meter in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::get;
use chrono::TimeDelta;
use domain::{Month, Policy, SpendOutcome};
use futures_util::StreamExt as _;
use futures_util::stream;
use http::StatusCode;
use http::header::AUTHORIZATION;
use serde_json::json;
use tokio::sync::{Notify, watch};
use tower::ServiceExt as _;

use super::*;
use crate::guards::Admin;
use crate::test_app::{self, People, token, user};

const POLICY: &str = r#"
[roles]
names = ["member", "admin"]
default = "member"
admin = "admin"
[[tiers]]
name = "free"
max_portfolios = 1
per_month = { ai_messages = 2, exports = 1 }
"#;

/// Counts in memory, for one user and month.
#[derive(Default)]
struct Meter {
    used: Mutex<BTreeMap<String, u64>>,
    held: Mutex<BTreeMap<Uuid, (String, u64)>>,
    /// How often it is away before it answers.
    away: AtomicU32,
    /// What waits before something is used or given back; nothing unless a test says so.
    gate: Option<Notify>,
    /// How many reservations were to be settled, and how many are.
    begun: watch::Sender<u32>,
    settled: watch::Sender<u32>,
}

impl Meter {
    fn counts(&self, feature: &str) -> FeatureUsage {
        let held = self.held.lock().unwrap();
        let of_it = held.values().filter(|(name, _)| name == feature);
        FeatureUsage {
            used: self.used.lock().unwrap().get(feature).copied().unwrap_or(0),
            reserved: of_it.map(|(_, amount)| amount).sum(),
            ..FeatureUsage::none(feature.to_owned(), Month::of(Utc::now()))
        }
    }

    async fn settle(&self, id: Uuid, is_used: bool) -> Result<bool, StoreError> {
        self.begun.send_modify(|begun| *begun += 1);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let take = |left: u32| left.checked_sub(1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        if self.away.fetch_update(set, fetch, take).is_ok() {
            return Err(StoreError::Unavailable("away".into()));
        }
        let held = self.held.lock().unwrap().remove(&id);
        if let Some((feature, amount)) = &held
            && is_used
        {
            *self
                .used
                .lock()
                .unwrap()
                .entry(feature.clone())
                .or_default() += amount;
        }
        self.settled.send_modify(|settled| *settled += 1);
        Ok(held.is_some())
    }

    /// Waits until so many are about to be settled.
    async fn begun(&self, count: u32) {
        at_least(&self.begun, count).await;
    }

    /// Waits until so many are settled.
    async fn settled(&self, count: u32) {
        at_least(&self.settled, count).await;
    }
}

/// Waits until there are so many, or fails.
async fn at_least(counted: &watch::Sender<u32>, count: u32) {
    let mut counted = counted.subscribe();
    let reached = counted.wait_for(|counted| *counted >= count);
    let reached = tokio::time::timeout(Duration::from_secs(30), reached).await;
    reached.expect("within half a minute").unwrap();
}

#[async_trait]
impl UsageMeter for Meter {
    async fn spend(&self, _: UsageRequest) -> Result<SpendOutcome, StoreError> {
        panic!("what is used at once is of no use here")
    }

    async fn reserve(
        &self,
        request: UsageRequest,
        expires_at: DateTime<Utc>,
    ) -> Result<ReserveOutcome, StoreError> {
        assert_eq!(expires_at, request.at + TimeDelta::minutes(10));
        let (amount, before) = (
            u64::from(request.amount.get()),
            self.counts(&request.feature),
        );
        if before.used + before.reserved + amount > request.limit {
            return Ok(ReserveOutcome::LimitReached(before));
        }
        let id = Uuid::now_v7();
        let held = (request.feature.clone(), amount);
        self.held.lock().unwrap().insert(id, held);
        Ok(ReserveOutcome::Reserved {
            reservation: id,
            usage: self.counts(&request.feature),
        })
    }

    async fn commit(&self, id: Uuid) -> Result<bool, StoreError> {
        self.settle(id, true).await
    }

    async fn refund(&self, id: Uuid) -> Result<bool, StoreError> {
        self.settle(id, false).await
    }

    async fn usage(&self, _: Uuid, _: DateTime<Utc>) -> Result<Vec<FeatureUsage>, StoreError> {
        panic!("nobody reads here")
    }
}

struct Message;

impl Use for Message {
    const FEATURE: &'static str = "ai_messages";
}

struct Export;

impl Use for Export {
    const FEATURE: &'static str = "exports";
}

struct Unheard;

impl Use for Unheard {
    const FEATURE: &'static str = "unheard_of";
}

async fn done(Metered { reservation, .. }: Metered<Message>) -> Result<String, Problem> {
    let left = reservation.remaining();
    reservation.commit().await?;
    Ok(left.to_string())
}

async fn fails(_held: Metered<Message>) -> Problem {
    Problem::of(Kind::ClerkRefused)
}

async fn panics(_held: Metered<Message>) -> StatusCode {
    panic!("in the middle of the work")
}

async fn exported(held: Metered<Export>) -> Result<StatusCode, Problem> {
    held.reservation.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn unheard(_held: Metered<Unheard>) -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn refused_afterwards(_held: Metered<Message>, _admin: Admin) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Two words; what is held is used after the second.
async fn streams(Metered { reservation, .. }: Metered<Message>) -> Response {
    let words = stream::unfold((0, Some(reservation)), |(word, held)| async move {
        if word == 2 {
            held?.commit().await.ok()?;
            return None;
        }
        let text = Bytes::from_static(b"word ");
        Some((Ok::<_, std::convert::Infallible>(text), (word + 1, held)))
    });
    Response::new(Body::from_stream(words))
}

fn routes() -> Router<App> {
    Router::new()
        .route("/done", get(done))
        .route("/fails", get(fails))
        .route("/panics", get(panics))
        .route("/exported", get(exported))
        .route("/unheard", get(unheard))
        .route("/refused", get(refused_afterwards))
        .route("/streams", get(streams))
}

fn app(meter: &Arc<Meter>) -> App {
    let people = People::of([user("ann", "member", "free")]);
    let policy = Policy::parse(POLICY).unwrap();
    test_app::app(&people, policy, |parts| parts.usage = meter.clone())
}

async fn ask(app: &App, path: &str) -> test_app::Answer {
    let token = token("ann", &json!({}));
    test_app::get(app, routes(), path, Some(&token)).await
}

#[tokio::test]
async fn what_is_done_counts_until_the_limit_is_reached() {
    let meter = Arc::new(Meter::default());
    let app = app(&meter);
    assert_eq!(ask(&app, "/done").await.body, 1);
    assert_eq!(ask(&app, "/done").await.body, 0);
    let refused = ask(&app, "/done").await;
    assert_eq!(refused.problem(), (429, "ai_message_limit_reached"));
    assert_eq!(refused.body["feature"], "ai_messages");
    let resets_at = Month::of(Utc::now()).resets_at();
    let told: DateTime<Utc> = serde_json::from_value(refused.body["retry_at"].clone()).unwrap();
    assert_eq!(told, resets_at);
    // Whoever waits as long as he is told does not come too early, nor a day too late.
    let wait = refused.retry_after.unwrap();
    let comes_at = Utc::now() + TimeDelta::seconds(wait);
    assert!(comes_at >= resets_at && comes_at < resets_at + TimeDelta::days(1));
    // Another feature has a count of its own.
    assert_eq!(ask(&app, "/exported").await.status, 204);
    let refused = ask(&app, "/exported").await;
    assert_eq!(refused.problem(), (429, "usage_limit_reached"));
    assert_eq!(refused.body["feature"], "exports");
    assert_eq!(used_and_held(&meter, "ai_messages"), (2, 0));
    assert_eq!(used_and_held(&meter, "exports"), (1, 0));
}

#[tokio::test]
async fn what_is_not_done_is_given_back() {
    let meter = Arc::new(Meter::default());
    let app = app(&meter);
    for (count, (path, refusal)) in (1..).zip([
        ("/fails", (502, "clerk_refused")),
        ("/panics", (500, "internal_error")),
        ("/refused", (403, "role_required")),
    ]) {
        assert_eq!(ask(&app, path).await.problem(), refusal);
        meter.settled(count).await;
        assert_eq!(used_and_held(&meter, "ai_messages"), (0, 0), "{path}");
    }
    // Nothing is held of what nobody meters, and nobody passes.
    let refused = ask(&app, "/unheard").await;
    assert_eq!(refused.problem(), (403, "requirement_invalid"));
    let nobody = test_app::get(&app, routes(), "/done", None).await;
    assert_eq!(nobody.problem(), (401, "token_missing"));
}

#[tokio::test]
async fn a_stream_counts_when_it_has_ended() {
    let meter = Arc::new(Meter::default());
    let app = app(&meter);
    let token = token("ann", &json!({}));
    let open = async || {
        let request = Request::get("/streams").header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).unwrap();
        let answer = routes().with_state(app.clone()).oneshot(request).await;
        answer.unwrap().into_body().into_data_stream()
    };
    let mut whole = open().await;
    assert_eq!(whole.next().await.unwrap().unwrap(), "word ");
    assert_eq!(used_and_held(&meter, "ai_messages"), (0, 1));
    while whole.next().await.is_some() {}
    assert_eq!(used_and_held(&meter, "ai_messages"), (1, 0));
    // A client that goes away in the middle.
    let mut broken = open().await;
    assert_eq!(broken.next().await.unwrap().unwrap(), "word ");
    assert_eq!(used_and_held(&meter, "ai_messages"), (1, 1));
    drop(broken);
    meter.settled(2).await;
    assert_eq!(used_and_held(&meter, "ai_messages"), (1, 0));
}

#[tokio::test]
async fn whoever_leaves_while_it_is_counted_has_used_it() {
    let gate = Some(Notify::new());
    let meter = Arc::new(Meter {
        gate,
        ..Meter::default()
    });
    let app = app(&meter);
    tokio::select! {
        _ = ask(&app, "/done") => panic!("it waits at the gate"),
        () = meter.begun(1) => {}
    }
    assert_eq!(used_and_held(&meter, "ai_messages"), (0, 1));
    meter.gate.as_ref().unwrap().notify_one();
    meter.settled(1).await;
    assert_eq!(used_and_held(&meter, "ai_messages"), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_a_moment_is_told_again() {
    let meter = Arc::new(Meter::default());
    let app = app(&meter);
    meter.away.store(2, Ordering::Relaxed);
    assert_eq!(ask(&app, "/done").await.status, 200);
    assert_eq!(used_and_held(&meter, "ai_messages"), (1, 0));
    // Away for longer: the caller is told, and nothing is given back for work that was done.
    meter.away.store(3, Ordering::Relaxed);
    assert_eq!(
        ask(&app, "/done").await.problem(),
        (503, "store_unavailable")
    );
    assert_eq!(used_and_held(&meter, "ai_messages"), (1, 1));
}

fn used_and_held(meter: &Meter, feature: &str) -> (u64, u64) {
    let counts = meter.counts(feature);
    (counts.used, counts.reserved)
}
