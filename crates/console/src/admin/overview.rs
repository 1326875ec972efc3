//! How things stand: health, numbers, and the last two weeks.

use api::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use domain::{DayActivity, Outcome, Totals};
use maud::{Markup, html};
use serde_json::Value;

use super::show;
use crate::chart::{Bar, Series, bars};
use crate::entrance::Desk;
use crate::pieces::{Tone, badge};

const DAYS: u32 = 14;

/// `GET /admin`
pub(crate) async fn page(Desk(person): Desk, State(app): State<App>) -> Result<Response, Problem> {
    let now = Utc::now();
    let totals = app.overview.totals(now).await?;
    let days = app.overview.activity(now.date_naive(), DAYS).await?;
    let health = app.health().await;
    let body = html! {
        h1 { "Overview" }
        (numbers(&totals, &health))
        div.columns {
            section.card { (deliveries(&days)) }
            section.card { (sign_ins(&days)) }
            (checks(&health))
        }
    };
    Ok(show(&person, "Administration", "/admin", &body))
}

fn numbers(totals: &Totals, health: &Value) -> Markup {
    let number = |name: &str| health.get(name).and_then(Value::as_u64);
    let quarantined = number("quarantined_deliveries").unwrap_or(0);
    let drift = number("drift");
    html! {
        ul.numbers {
            li { a href="/admin/users" { strong { (totals.users) } span { "users" } } }
            li { a href="/admin/organizations" { strong { (totals.organizations) } span { "organizations" } } }
            li { div { strong { (totals.sessions) } span { "open sessions" } } }
            li class=[(quarantined > 0).then_some("warn")] {
                a href="/admin/deliveries?outcome=quarantined" { strong { (quarantined) } span { "in quarantine" } }
            }
            li class=[(drift.unwrap_or(0) > 0).then_some("warn")] {
                a href="/admin/drift" {
                    strong { @if let Some(drift) = drift { (drift) } @else { "–" } }
                    span { "rows out of step" }
                }
            }
        }
    }
}

fn deliveries(days: &[DayActivity]) -> Markup {
    let series = [
        Series {
            name: "applied",
            class: "good",
        },
        Series {
            name: "stale or ignored",
            class: "plain",
        },
        Series {
            name: "quarantined",
            class: "warn",
        },
        Series {
            name: "rejected",
            class: "bad",
        },
    ];
    let all: Vec<Bar> = days
        .iter()
        .map(|day| Bar {
            day: day.day,
            numbers: vec![
                day.of(Outcome::Applied),
                day.of(Outcome::Stale) + day.of(Outcome::Ignored),
                day.of(Outcome::Quarantined),
                day.of(Outcome::Rejected),
            ],
        })
        .collect();
    bars("Deliveries", &series, &all)
}

fn sign_ins(days: &[DayActivity]) -> Markup {
    let series = [Series {
        name: "sign-ins",
        class: "accent",
    }];
    let all: Vec<Bar> = days
        .iter()
        .map(|day| Bar {
            day: day.day,
            numbers: vec![day.sign_ins],
        })
        .collect();
    bars("Sign-ins", &series, &all)
}

fn checks(health: &Value) -> Markup {
    let tone = |status: &str| match status {
        "healthy" => Tone::Good,
        "degraded" => Tone::Warn,
        _ => Tone::Bad,
    };
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let status = text(health, "status");
    let checks = health.get("checks").and_then(Value::as_object);
    html! {
        section.card.wide aria-labelledby="health" {
            h2 id="health" { "Health " (badge(&status, tone(&status))) }
            ul.rows {
                @for (name, check) in checks.into_iter().flatten() {
                    @let status = text(check, "status");
                    @let detail = text(check, "detail");
                    li {
                        div.grow {
                            strong { (name.replace('_', " ")) }
                            @if !detail.is_empty() { div.faint { (detail) } }
                        }
                        (badge(&status, tone(&status)))
                    }
                }
            }
        }
    }
}
