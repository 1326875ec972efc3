//! Webhooks, and whether the mirror is in step.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use domain::StoreReport;

use super::Watched;
use super::families::{Families, number};

pub(super) fn collect(
    watched: &Watched,
    report: Option<&StoreReport>,
    now: DateTime<Utc>,
    families: &Families,
) {
    deliveries(watched, families);
    let age = |at: DateTime<Utc>| {
        let age = now.signed_duration_since(at).to_std();
        age.unwrap_or_default().as_secs_f64()
    };
    if let Some(report) = report {
        if let Some(at) = report.last_event_at {
            families
                .gauge(
                    "last_event_age_seconds",
                    "Since the latest authentic webhook came to any replica.",
                )
                .is(age(at));
        }
        families
            .gauge(
                "quarantined_deliveries",
                "Deliveries that wait for a person.",
            )
            .is(number(report.quarantined));
        families.flag(
            "events_missing",
            "Clerk has changed, and no webhook told of it.",
            watched.app.are_events_missing(report.last_event_at, now),
        );
    }
    if let Some(sweep) = watched.app.sync_status.last() {
        families
            .gauge(
                "drift_rows",
                "Rows that the last sweep found out of step and left so; must be 0.",
            )
            .is(number(sweep.drift));
        families
            .gauge(
                "last_sweep_age_seconds",
                "Since the mirror was last held against Clerk by any replica.",
            )
            .is(age(sweep.ended_at));
        families.flag(
            "last_sweep_stopped",
            "The last sweep stopped early.",
            sweep.stopped,
        );
    }
    families.flag(
        "upkeep_leader",
        "This replica does the background work.",
        watched.leads.load(Ordering::Relaxed),
    );
}

fn deliveries(watched: &Watched, families: &Families) {
    let report = watched.app.delivered();
    let mut deliveries = families.counter(
        "deliveries_total",
        "Webhooks by what became of them, and by type; types that Clerk's catalogue does not have are `other`.",
    );
    for (outcome, event_type, count) in &report.outcomes {
        let labels = [("event_type", &**event_type), ("outcome", *outcome)];
        deliveries.with(&labels, number(*count));
    }
    let rejected: u64 = report.rejections.iter().map(|(_, count)| count).sum();
    if rejected > 0 {
        // Nothing in their bodies was looked at.
        let labels = [("event_type", "other"), ("outcome", "rejected")];
        deliveries.with(&labels, number(rejected));
    }
    let mut rejections = families.counter(
        "webhook_rejections_total",
        "Webhooks that were not believed, by why not.",
    );
    for (reason, count) in report.rejections {
        rejections.with(&[("reason", reason)], number(count));
    }
    let mut lag = families.histogram(
        "delivery_lag_seconds",
        "From an event at Clerk to the commit of what it changed here.",
    );
    if let Some(report) = report.lag {
        lag.of(&[], &report);
    }
}
