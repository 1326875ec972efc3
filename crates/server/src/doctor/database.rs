//! The database: whether it answers, is up to date, can be written, keeps people apart, and has heard of Clerk.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use domain::{Policies, Policy};
use persistence::{DatabaseUrl, MigrationError, Store, StoreSettings};

use super::finding::{Finding, chain};
use crate::config::DatabaseConfig;
use crate::service;

const CHECK: &str = "database";
/// Of an instance that is used, something comes more often.
const LONG_SILENCE: TimeDelta = TimeDelta::days(7);

/// Everything about the database; without a policy only what needs none.
pub(super) async fn examine(
    database: &DatabaseConfig,
    policy: Option<Policy>,
    is_development: bool,
) -> Vec<Finding> {
    let owner = database.migration_url.as_ref().unwrap_or(&database.url);
    // To look into it would be to make it.
    if let DatabaseUrl::Sqlite(path) = owner
        && !path.exists()
    {
        let message = format!("there is no file {} yet", path.display());
        let fix = "start the service, or run `clerk-sync migrate up`: either makes it";
        return vec![Finding::warn(CHECK, message, fix)];
    }
    // Whatever else is looked at takes locks for a session, or leaves settings in it.
    if let Err(error @ MigrationError::Shared(_)) = service::check_sessions(database).await {
        let text = error.to_string();
        let (message, fix) = text.split_once(". ").unwrap_or((text.as_str(), ""));
        return vec![Finding::fail("sessions", message, fix)];
    }
    let status = match persistence::migration_status(owner).await {
        Ok(status) => status,
        Err(error) => {
            let product = owner.product();
            return vec![Finding::fail(
                CHECK,
                format!("{product} cannot be used: {}", chain(&error)),
                "see that the server runs and is no read-only replica, and that DATABASE_URL (and DATABASE_MIGRATION_URL) name it, \
                 its role and its password",
            )];
        }
    };
    let mut findings = vec![Finding::ok(CHECK, format!("{} answers", owner.product()))];
    let pending = status.iter().filter(|one| !one.applied).count();
    if pending > 0 {
        findings.push(Finding::warn(
            "schema",
            format!("{pending} of {} migrations have not run", status.len()),
            "run `clerk-sync migrate up`, or start the service, which does so",
        ));
        return findings;
    }
    findings.push(Finding::ok("schema", "every migration has run"));
    findings.extend(roles(database, is_development).await);
    if let Some(policy) = policy {
        findings.extend(contents(&database.url, policy).await);
    }
    findings
}

/// Whether row-level security binds the service, and whether it owns what it works with.
async fn roles(database: &DatabaseConfig, is_development: bool) -> Vec<Finding> {
    const ROLE: &str = "row-level security";
    if !matches!(database.url, DatabaseUrl::Postgres(_)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    match persistence::row_security_problem(&database.url).await {
        Ok(None) => findings.push(Finding::ok(ROLE, "it binds the role in DATABASE_URL")),
        Ok(Some(problem)) => {
            // What is wrong, and the statement that mends it.
            let text = problem.to_string();
            let (message, fix) = text.split_once(": ").unwrap_or((text.as_str(), ""));
            let (message, fix) = (message.to_owned(), fix.to_owned());
            findings.push(if problem.is_open() && !is_development {
                Finding::fail(ROLE, message, fix)
            } else {
                Finding::warn(ROLE, message, fix)
            });
        }
        Err(error) => findings.push(Finding::fail(
            ROLE,
            format!(
                "the role in DATABASE_URL cannot be looked at: {}",
                chain(&error)
            ),
            "run `clerk-sync migrate up` with both URLs, which grants that role what it needs",
        )),
    }
    if database.migration_url.is_none() {
        findings.push(Finding::warn(
            "roles",
            "the service owns its tables, and could take their policies away",
            "let another role own them: name it in DATABASE_MIGRATION_URL",
        ));
    }
    findings
}

/// Whether rows can be written, and when Clerk was last heard.
async fn contents(url: &DatabaseUrl, policy: Policy) -> Vec<Finding> {
    const WRITING: &str = "writing";
    let settings = StoreSettings {
        pool_size: 1,
        policy: Arc::new(Policies::new(policy)),
    };
    let store = match Store::open(url, settings) {
        Ok(store) => store,
        Err(error) => {
            let fix = "mend DATABASE_URL";
            return vec![Finding::fail(WRITING, chain(&error), fix)];
        }
    };
    let now = Utc::now();
    let leased = store.housekeeping.lease("doctor", "doctor", now, now).await;
    let mut findings = vec![match leased {
        Ok(_) => Finding::ok(WRITING, "a row can be written"),
        Err(error) => Finding::fail(
            WRITING,
            format!("no row can be written: {}", chain(&error)),
            "see that the disk is not full, that the server is no read-only replica, and that the role may write: \
             `clerk-sync migrate up` grants it",
        ),
    }];
    if let Ok(report) = store.health.report().await {
        findings.push(webhooks(report.last_event_at.map(|at| now - at)));
    }
    findings
}

fn webhooks(silence: Option<TimeDelta>) -> Finding {
    const HEARD: &str = "webhooks";
    const FIX: &str = "see in Clerk's dashboard, under Webhooks, that an endpoint for https://<your host>/api/webhooks/clerk is \
                       there and enabled, that its messages are answered 204, and that CLERK_WEBHOOK_SECRET is its signing secret";
    match silence {
        None => Finding::warn(HEARD, "none has come yet", FIX),
        Some(silence) if silence > LONG_SILENCE => {
            let days = silence.num_days();
            Finding::warn(HEARD, format!("the last one came {days} days ago"), FIX)
        }
        Some(silence) => Finding::ok(
            HEARD,
            format!("the last one came {} minutes ago", silence.num_minutes()),
        ),
    }
}
