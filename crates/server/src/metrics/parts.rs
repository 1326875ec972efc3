//! What the service leans on: database, caches, Redis, Clerk.

use chrono::{DateTime, Utc};
use domain::{MigrationState, SharedCacheState, StoreReport};

use super::Watched;
use super::families::{Families, number, size};

pub(super) fn collect(
    watched: &Watched,
    report: Result<&StoreReport, &String>,
    now: DateTime<Utc>,
    families: &Families,
) {
    database(watched, report, families);
    caches(watched, families);
    keys(watched, now, families);
    backend_api(watched, families);
}

fn database(watched: &Watched, report: Result<&StoreReport, &String>, families: &Families) {
    families.flag("database_up", "The database answers.", report.is_ok());
    if let Ok(report) = report {
        let pending = match report.migrations {
            MigrationState::Current => 0,
            MigrationState::Pending { count } => count,
        };
        families
            .gauge("migrations_pending", "Migrations that have not run.")
            .is(size(pending));
    }
    let load = watched.store.load();
    let mut connections = families.gauge("database_connections", "Connections of this process.");
    let in_use = load.connections.saturating_sub(load.idle);
    connections.with(&[("state", "idle")], size(load.idle));
    connections.with(&[("state", "in_use")], size(in_use));
    connections.with(&[("state", "max")], size(load.max_connections));
    families
        .gauge("database_waiting", "Calls that wait for a connection.")
        .is(size(load.waiting));
    families
        .gauge("ingest_waiting", "Deliveries that wait to be written.")
        .is(size(load.deliveries_waiting));
}

fn caches(watched: &Watched, families: &Families) {
    let callers = watched.caches.report();
    let tokens = watched.authenticator.verifier().verdict_counts();
    let mut lookups = families.counter(
        "cache_lookups_total",
        "Callers and tokens that were looked up in memory.",
    );
    for (cache, result, count) in [
        ("users", "hit", callers.hits),
        ("users", "miss", callers.misses),
        ("tokens", "hit", tokens.hits),
        ("tokens", "miss", tokens.misses),
    ] {
        let labels = [("cache", cache), ("result", result)];
        lookups.with(&labels, number(count));
    }
    let mut entries = families.gauge("cache_entries", "What is remembered.");
    for (cache, count) in [
        ("users", callers.users),
        ("sessions", callers.sessions),
        ("tokens", tokens.entries),
    ] {
        entries.with(&[("cache", cache)], size(count));
    }
    families.flag(
        "cache_in_use",
        "Remembered callers are used; else every request asks the database.",
        callers.in_use,
    );
    if let Some(ago) = callers.seen_ago {
        families
            .gauge(
                "feed_lag_seconds",
                "Since this replica last saw the end of the change feed.",
            )
            .is(ago.as_secs_f64());
    }
    match callers.shared {
        SharedCacheState::Absent => {}
        state => families.flag(
            "redis_up",
            "Redis answers.",
            state == SharedCacheState::Answering,
        ),
    }
}

fn keys(watched: &Watched, now: DateTime<Utc>, families: &Families) {
    let keys = watched.authenticator.verifier().keys().health(now);
    let mut fetches = families.counter(
        "jwks_fetches_total",
        "Times that Clerk's key set was fetched.",
    );
    let ok = keys.fetches.saturating_sub(keys.failed);
    fetches.with(&[("result", "ok")], number(ok));
    fetches.with(&[("result", "failed")], number(keys.failed));
    if let Some(at) = keys.last_success {
        let age = now.signed_duration_since(at).to_std().unwrap_or_default();
        families
            .gauge("jwks_age_seconds", "Since the key set in use was fetched.")
            .is(age.as_secs_f64());
    }
    families
        .gauge("jwks_keys", "Keys in the set in use.")
        .is(size(keys.keys));
    families.flag("jwks_usable", "A token can be verified.", keys.usable);
}

fn backend_api(watched: &Watched, families: &Families) {
    let Some(clerk) = &watched.app.directory_health else {
        return;
    };
    let report = clerk.report();
    let mut requests = families.counter("clerk_requests_total", "Requests to Clerk's Backend API.");
    for (result, count) in [
        ("ok", report.answered),
        ("refused", report.refused),
        ("rate_limited", report.rate_limited),
        ("failed", report.failed),
    ] {
        requests.with(&[("result", result)], number(count));
    }
    if let Some(ahead) = report.clock_ahead {
        families
            .gauge(
                "clerk_clock_skew_seconds",
                "How far this machine's clock is ahead of Clerk's.",
            )
            .is(ahead.as_seconds_f64());
    }
}
