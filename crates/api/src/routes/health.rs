//! Whether the service lives, can work, and works well.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{CacheReport, MigrationState, SharedCacheState, StoreReport, no_events_alarm};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::legacy_bridge::{LegacyBridge, LegacyUse};
use crate::sync_status::SyncStatus;

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// Everything works.
    Healthy,
    /// Requests are served, but something that they may need one day does not work.
    Degraded,
    /// Requests fail.
    Unhealthy,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Check {
    status: Status,
    /// What is wrong, in words for an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The deep summary.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: Status,
    timestamp: DateTime<Utc>,
    version: &'static str,
    /// Whether Clerk's Backend API can be asked.
    clerk_configured: bool,
    database_configured: bool,
    /// Whether replicas share a Redis.
    redis_configured: bool,
    webhook_configured: bool,
    checks: Checks,
    /// When the latest authentic webhook came.
    last_event_at: Option<DateTime<Utc>>,
    /// Seconds since then.
    last_event_age_seconds: Option<i64>,
    /// When the mirror was last held against Clerk, by whichever replica.
    last_sweep_at: Option<DateTime<Utc>>,
    /// Rows that were out of step and were left so; must be 0.
    drift: Option<u64>,
    /// Deliveries that wait for a person: `clerk-sync replay --quarantined` tries them again.
    quarantined_deliveries: Option<u64>,
    /// Deliveries that wait to be written, in this process.
    deliveries_waiting: usize,
    /// How far this machine's clock is ahead of Clerk's, in seconds; below zero: behind. Known once Clerk has answered.
    clock_ahead_seconds: Option<i64>,
    /// How much this replica still needs the bridge for a previous login, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    legacy_tokens: Option<LegacyUse>,
}

/// What was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checks {
    database: Check,
    migrations: Check,
    /// Clerk's signing keys.
    clerk_keys: Check,
    /// Whether what is remembered of callers is in step with the change feed.
    caches: Check,
    /// The Redis that replicas share, where one is configured.
    redis: Check,
    /// Whether this machine's clock agrees with Clerk's.
    clock: Check,
    /// Whether the mirror was equal to Clerk when it was last held against it, and events come.
    sync: Check,
}

/// The short answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Probe {
    #[schema(example = "ready")]
    status: &'static str,
}

impl Check {
    fn new(status: Status, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: Some(detail.into()),
        }
    }

    const HEALTHY: Self = Self {
        status: Status::Healthy,
        detail: None,
    };
}

/// The deep summary: 503 only when requests fail.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, description = "Healthy or degraded", body = Health),
    (status = 503, description = "Unhealthy", body = Health),
))]
pub(crate) async fn summary(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let health = look(&app).await;
    let code = if health.status == Status::Unhealthy {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (code, Json(health))
}

impl App {
    /// The deep summary, as `/health` shows it.
    pub async fn health(&self) -> serde_json::Value {
        // Names and numbers: this cannot fail.
        serde_json::to_value(look(self).await).unwrap_or_default()
    }
}

async fn look(app: &App) -> Health {
    let now = Utc::now();
    let (database, migrations, report) = store_checks(app).await;
    let last_event_at = report.as_ref().and_then(|report| report.last_event_at);
    let clock_ahead = app.clock_ahead();
    let cache = app.cache_health.report();
    let checks = Checks {
        database,
        migrations,
        clerk_keys: key_check(app, now),
        caches: cache_check(&cache),
        redis: redis_check(cache.shared),
        clock: clock_check(clock_ahead),
        sync: sync_check(&app.sync_status, last_event_at, now),
    };
    let Checks {
        database,
        migrations,
        clerk_keys,
        caches,
        redis,
        clock,
        sync,
    } = &checks;
    let status = database
        .status
        .max(migrations.status)
        .max(clerk_keys.status)
        .max(caches.status)
        .max(redis.status)
        .max(clock.status)
        .max(sync.status);
    let (drift, last_sweep_at) = app
        .sync_status
        .last()
        .map(|sweep| (sweep.drift, sweep.ended_at))
        .unzip();
    Health {
        status,
        timestamp: now,
        version: env!("CARGO_PKG_VERSION"),
        clerk_configured: app.settings.clerk_configured,
        // The service does not start without either.
        database_configured: true,
        redis_configured: cache.shared != SharedCacheState::Absent,
        webhook_configured: true,
        checks,
        last_event_at,
        last_event_age_seconds: last_event_at.map(|at| now.signed_duration_since(at).num_seconds()),
        last_sweep_at,
        drift,
        quarantined_deliveries: report.map(|report| report.quarantined),
        deliveries_waiting: app.store_health.load().deliveries_waiting,
        clock_ahead_seconds: clock_ahead.map(|ahead| ahead.num_seconds()),
        legacy_tokens: app.legacy.as_ref().map(LegacyBridge::uses),
    }
}

/// Whether the process answers: nothing else is asked, so that nothing else makes an orchestrator kill it.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, description = "Alive", body = Probe)))]
pub(crate) async fn live() -> Json<Probe> {
    Json(Probe { status: "alive" })
}

/// Whether requests should be sent here: the database answers, its schema is right, and the service is not stopping.
///
/// Clerk may be away.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "Ready", body = Probe),
    (status = 503, description = "Not ready", body = Probe),
))]
pub(crate) async fn ready(State(app): State<App>) -> (StatusCode, Json<Probe>) {
    if app.leaving.has_begun() {
        let status = "stopping";
        return (StatusCode::SERVICE_UNAVAILABLE, Json(Probe { status }));
    }
    let (database, migrations, _) = store_checks(&app).await;
    // One that takes no writes is still good for most requests.
    if database.status.max(migrations.status) < Status::Unhealthy {
        (StatusCode::OK, Json(Probe { status: "ready" }))
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Probe {
                status: "not ready",
            }),
        )
    }
}

async fn store_checks(app: &App) -> (Check, Check, Option<StoreReport>) {
    match app.store_pulse.report().await {
        Err(error) => {
            let unknown = Check::new(
                Status::Unhealthy,
                "unknown while the database does not answer",
            );
            (Check::new(Status::Unhealthy, error), unknown, None)
        }
        Ok(report) => {
            let migrations = match report.migrations {
                MigrationState::Current => Check::HEALTHY,
                MigrationState::Pending { count } => Check::new(
                    Status::Unhealthy,
                    format!("{count} to run: `clerk-sync migrate up`"),
                ),
            };
            let database = if report.takes_writes {
                Check::HEALTHY
            } else {
                Check::new(
                    Status::Degraded,
                    "answers, but took nothing when it was last written to: is its disk full, or is it read-only?",
                )
            };
            (database, migrations, Some(report))
        }
    }
}

/// Known tokens go on working without Clerk for a while, so a failed fetch only degrades. The answer is public: what
/// exactly failed stays in the log.
fn key_check(app: &App, now: DateTime<Utc>) -> Check {
    let keys = app.authenticator.verifier().keys().health(now);
    match (keys.usable, keys.failures) {
        (true, 0) => Check::HEALTHY,
        (true, _) => Check::new(
            Status::Degraded,
            "the key set could not be refreshed; the last one is in use",
        ),
        (false, 0) => Check::new(Status::Degraded, "the key set has not been fetched yet"),
        (false, _) => Check::new(
            Status::Degraded,
            "the key set cannot be fetched: new tokens are refused",
        ),
    }
}

/// Without it every request asks the database, which is slower and just as right.
fn cache_check(cache: &CacheReport) -> Check {
    if cache.in_use {
        Check::HEALTHY
    } else {
        Check::new(
            Status::Degraded,
            "the change feed has not been read for a while: every request asks the database",
        )
    }
}

fn redis_check(state: SharedCacheState) -> Check {
    match state {
        SharedCacheState::Absent => Check::new(Status::Healthy, "not configured"),
        SharedCacheState::Answering => Check::HEALTHY,
        SharedCacheState::Away => Check::new(
            Status::Degraded,
            "does not answer: replicas work without it, with more queries",
        ),
    }
}

/// Clocks that differ by more make valid tokens look expired, or not valid yet.
pub const MOST_CLOCK_SKEW: TimeDelta = TimeDelta::seconds(5);

fn clock_check(ahead: Option<TimeDelta>) -> Check {
    match ahead {
        Some(ahead) if ahead.abs() > MOST_CLOCK_SKEW => {
            let (seconds, side) = (ahead.num_seconds().abs(), ahead > TimeDelta::zero());
            let side = if side { "ahead of" } else { "behind" };
            Check::new(
                Status::Degraded,
                format!("this machine's clock is {seconds} s {side} Clerk's: synchronize it (NTP)"),
            )
        }
        _ => Check::HEALTHY,
    }
}

/// How old a change at Clerk may be before an event should have told of it.
const SILENCE: TimeDelta = TimeDelta::minutes(10);

/// Whether Clerk has moved, and no event told of it.
pub(crate) fn are_events_missing(
    status: &SyncStatus,
    last_event_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    // Clerk tells nothing of what was before this service began to listen.
    let heard = last_event_at.max(Some(status.since()));
    status
        .last()
        .is_some_and(|sweep| no_events_alarm(heard, sweep.clerk_moved_at, now, SILENCE))
}

fn sync_check(
    status: &SyncStatus,
    last_event_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Check {
    let Some(sweep) = status.last() else {
        return Check::HEALTHY;
    };
    if are_events_missing(status, last_event_at, now) {
        Check::new(
            Status::Degraded,
            "Clerk has changed, but no webhook came: look at the endpoint in Clerk's dashboard",
        )
    } else if sweep.stopped {
        Check::new(
            Status::Degraded,
            "the last sweep stopped early: `clerk-sync reconcile` says why",
        )
    } else if sweep.drift > 0 {
        Check::new(
            Status::Degraded,
            format!("{} rows are out of step with Clerk", sweep.drift),
        )
    } else {
        Check::HEALTHY
    }
}
