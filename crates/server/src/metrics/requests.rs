//! Requests: how many, how they were answered, who was let in, and what was denied.

use api::Kind;

use super::Watched;
use super::families::{Families, number, size};

/// Problems that say that somebody has used up what he may use.
const DENIALS: &[Kind] = &[
    Kind::AiMessageLimitReached,
    Kind::UsageLimitReached,
    Kind::PortfolioLimitReached,
    Kind::RateLimited,
    Kind::TooManyAttempts,
    Kind::TooManyStreams,
    Kind::Overloaded,
];

pub(super) fn collect(watched: &Watched, families: &Families) {
    traffic(watched, families);
    proofs(watched, families);
    families
        .gauge(
            "http_requests_in_flight",
            "Requests under way, without those whose body is still on its way.",
        )
        .is(size(watched.app.requests_under_way()));
    families
        .gauge("http_connections", "Open connections.")
        .is(size(watched.connections.open()));
    families
        .gauge("streams_open", "Open streams of users.")
        .is(size(watched.app.open_streams()));
}

fn traffic(watched: &Watched, families: &Families) {
    let report = watched.endpoint.traffic();
    let mut requests = families.counter(
        "http_requests_total",
        "Requests that were answered, by method, route and class of status.",
    );
    for route in &report.routes {
        for (class, count) in route.answers.iter().filter(|(_, count)| *count > 0) {
            let labels = [
                ("method", &*route.method),
                ("route", &*route.route),
                ("status", class.as_str()),
            ];
            requests.with(&labels, number(*count));
        }
    }
    let mut times = families.histogram(
        "http_request_duration_seconds",
        "From a request's head to the head of its answer.",
    );
    for route in &report.routes {
        let labels = [("method", &*route.method), ("route", &*route.route)];
        times.of(&labels, &route.times);
    }
    let mut problems = families.counter("problems_total", "Problems that were answered, by code.");
    for (kind, count) in &report.problems {
        problems.with(&[("code", kind.code())], number(*count));
    }
    let mut denials = families.counter(
        "quota_denials_total",
        "Requests of callers who had used up what they may use.",
    );
    for quota in DENIALS {
        let answered = report.problems.iter().find(|(kind, _)| kind == quota);
        let count = answered.map_or(0, |(_, count)| *count);
        denials.with(&[("quota", quota.code())], number(count));
    }
}

fn proofs(watched: &Watched, families: &Families) {
    let report = watched.app.proofs();
    let mut proofs = families.counter(
        "authentications_total",
        "Callers who were let in, by what they showed, and who were not, by the code of the refusal.",
    );
    for (outcome, counts) in [("accepted", report.accepted), ("refused", report.refused)] {
        for (reason, count) in counts {
            let labels = [("outcome", outcome), ("reason", reason)];
            proofs.with(&labels, number(count));
        }
    }
    let tries = watched.app.invite_tries();
    let mut counted = families.counter("invite_tries_total", "Invite codes that let nobody in.");
    counted.with(&[("outcome", "refused")], number(tries.refused));
    counted.with(&[("outcome", "limited")], number(tries.limited));
    if let Some(used) = watched.app.legacy_use() {
        let mut tokens = families.counter(
            "legacy_tokens_total",
            "Requests by a token of the previous login.",
        );
        tokens.with(&[("outcome", "accepted")], number(used.accepted));
        tokens.with(&[("outcome", "refused")], number(used.refused));
    }
    let mut alerts = families.counter(
        "security_alerts_total",
        "Bursts of what only attackers should cause.",
    );
    for (suspicion, count) in watched.app.security_alerts() {
        alerts.with(&[("kind", suspicion.as_str())], number(count));
    }
}
