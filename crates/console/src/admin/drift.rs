//! How far the rows are from Clerk, and the button that puts them right.

use api::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::AskedSweep;
use maud::{Markup, html};
use serde_json::Value;

use super::{show, table};
use crate::entrance::Desk;
use crate::pieces::{Tone, ago, badge, nothing};

/// `GET /admin/drift`
pub(crate) async fn page(Desk(person): Desk, State(app): State<App>) -> Result<Response, Problem> {
    let now = Utc::now();
    let asked = app.sweeps.asked().await?;
    let last = app.sync_status.last();
    let is_waiting = asked.asked_at.is_some();
    let body = html! {
        h1 { "Drift" }
        p.lead.small { "A sweep holds every row against what Clerk lists, and puts right what is not. It runs by the clock; here it can be asked for." }
        div id="drift" data-fragment data-live=(if is_waiting { "1000" } else { "8000" }) {
            (request(&asked, app.directory.is_some(), now))
            @match last {
                None => (nothing("There has been no sweep yet.")),
                Some(sweep) => {
                    section.card {
                        h2 { "Last sweep " @if sweep.stopped { (badge("stopped early", Tone::Warn)) } @else { (badge("complete", Tone::Good)) } }
                        dl.facts.inline {
                            dt { "Ended" } dd { (ago(sweep.ended_at, now)) }
                            dt { "Out of step" } dd { (badge(&sweep.drift.to_string(), if sweep.drift > 0 { Tone::Warn } else { Tone::Good })) }
                            dt { "Put right" } dd { (sweep.report.get("repaired").and_then(Value::as_u64).unwrap_or(0)) }
                        }
                        (kinds(&sweep.report))
                        (failures(&sweep.report))
                    }
                }
            }
        }
    };
    Ok(show(&person, "Drift", "/admin/drift", &body))
}

fn request(asked: &AskedSweep, can_ask: bool, now: DateTime<Utc>) -> Markup {
    html! {
        section.card {
            @match (asked.asked_at, asked.began_at) {
                (None, _) if can_ask => {
                    form.spread data-api="POST /api/v1/admin/drift/reconcile" data-done="A sweep is on its way." {
                        p { "Everything that Clerk lists is read, and rows that differ are repaired." }
                        button.button type="submit" { "Reconcile now" }
                    }
                },
                (None, _) => p { "Clerk cannot be asked: set " code { "CLERK_SECRET_KEY" } "." },
                (Some(at), None) => p role="status" { "A sweep was asked for " (ago(at, now)) " and begins in a moment." },
                (Some(_), Some(began)) => {
                    p role="status" {
                        "A sweep is under way since " (ago(began, now))
                        @if let Some(listing) = &asked.listing { ": " (listing.replace('_', " ")) ", " (asked.done) @if let Some(total) = asked.total { " of " (total) } }
                        "."
                    }
                    @match asked.total {
                        Some(total) => progress max=(total.max(1)) value=(asked.done.min(total.max(1))) aria-label="Progress of the sweep" {},
                        None => progress aria-label="Progress of the sweep" {},
                    }
                },
            }
        }
    }
}

fn kinds(report: &Value) -> Markup {
    let kinds = report.get("kinds").and_then(Value::as_object);
    let number = |kind: &Value, name: &str| kind.get(name).and_then(Value::as_u64).unwrap_or(0);
    let fields = |kind: &Value| {
        let fields = kind.get("fields").and_then(Value::as_object);
        let told = fields.into_iter().flatten();
        let told = told.map(|(name, count)| format!("{name} ({count})"));
        told.collect::<Vec<_>>().join(", ")
    };
    html! {
        (table("Drift by kind", &["Kind", "Missing", "Extra", "Stale", "Different", "Columns"], &html! {
            @for (name, kind) in kinds.into_iter().flatten() {
                tr {
                    th scope="row" { (name.replace('_', " ")) }
                    @for column in ["missing", "extra", "stale", "differs"] { td.number { (number(kind, column)) } }
                    td.words { (fields(kind)) }
                }
            }
        }))
    }
}

fn failures(report: &Value) -> Markup {
    let failures = report.get("failures").and_then(Value::as_array);
    let brake = report.get("brake").and_then(Value::as_object);
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    html! {
        @for failure in failures.into_iter().flatten() {
            p { (badge("not read to its end", Tone::Bad)) " " (text(failure, "listing")) ": " (text(failure, "reason")) }
        }
        @for (kind, _) in brake.into_iter().flatten() {
            p { (badge("brake", Tone::Warn)) " Too many " (kind) " were absent at Clerk to believe it: nothing of them was deleted." }
        }
    }
}
