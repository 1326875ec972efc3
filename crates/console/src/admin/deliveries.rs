//! Deliveries as they come in, with what became of them; what is in quarantine can be applied again.

use api::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{DeliveryListFilter, DeliveryRecord, List, Outcome};
use maud::{Markup, html};

use super::{page_of, show, sought, table};
use crate::entrance::Desk;
use crate::pieces::{Tone, ago, badge, choice, nothing, pager, short};

/// `GET /admin/deliveries`
pub(crate) async fn page(Desk(person): Desk, State(app): State<App>) -> Result<Response, Problem> {
    let visit = &person.visit;
    let outcome = visit.asked("outcome").and_then(Outcome::parse);
    let filter = DeliveryListFilter {
        outcome,
        event_type: sought(visit, "event_type"),
        object_id: sought(visit, "object_id"),
    };
    let page = page_of(visit, List::Deliveries)?;
    let found = app.overview.deliveries(filter, page).await?;
    let now = Utc::now();
    // Older pages stand still.
    let is_live = visit.asked("cursor").is_none();
    let outcomes = Outcome::ALL
        .iter()
        .filter(|outcome| **outcome != Outcome::Duplicate)
        .map(|outcome| outcome.as_str());
    let body = html! {
        div.title.spread {
            h1 { "Deliveries" }
            @if is_live {
                label.check data-script-only hidden { input type="checkbox" data-live-switch checked; " follow" }
            }
        }
        form.filter method="get" role="search" {
            (choice("outcome", "Outcome", "any", outcomes, outcome.map(Outcome::as_str)))
            label.field {
                span { "Type of event" }
                input type="search" name="event_type" value=[visit.asked("event_type")] placeholder="user.updated" maxlength="255" autocomplete="off" spellcheck="false";
            }
            label.field.grow {
                span { "Id of the object" }
                input type="search" name="object_id" value=[visit.asked("object_id")] placeholder="user_…" maxlength="255" autocomplete="off" spellcheck="false";
            }
            button.button type="submit" { "Filter" }
        }
        div id="deliveries" data-fragment data-live=[is_live.then_some("2000")] {
            @if found.items.is_empty() {
                (nothing("Nothing has come."))
            } @else {
                (table("Deliveries", &["Event", "Outcome", "Came", "Object", "Tries", ""], &html! {
                    @for record in &found.items { (row(record, now)) }
                }))
            }
            (pager(visit, "/admin/deliveries", &["outcome", "event_type", "object_id"], found.next_cursor.as_deref()))
        }
    };
    Ok(show(&person, "Deliveries", "/admin/deliveries", &body))
}

fn row(record: &DeliveryRecord, now: DateTime<Utc>) -> Markup {
    let tone = match record.outcome {
        Outcome::Applied => Tone::Good,
        Outcome::Quarantined => Tone::Warn,
        Outcome::Rejected => Tone::Bad,
        Outcome::Duplicate | Outcome::Stale | Outcome::Ignored => Tone::Plain,
    };
    html! {
        tr {
            td {
                @if record.event_type.is_empty() { span.faint { "not proven" } } @else { strong { (record.event_type) } }
                @if let Some(id) = &record.svix_id { div.faint { (short(id)) } }
            }
            td { (badge(record.outcome.as_str(), tone)) @if let Some(reason) = &record.reason { div.faint.words { (reason) } } }
            td { (ago(record.received_at, now)) }
            td { @if let Some(id) = &record.object_id { (short(id)) } }
            td.number { (record.attempts) }
            td.end {
                @if record.outcome == Outcome::Quarantined {
                    form data-api=(format!("POST /api/v1/admin/deliveries/{}/replay", record.id)) data-done="Applied again:" data-show="outcome" {
                        button.button.quiet.small type="submit" aria-label=(format!("Replay {}", record.event_type)) { "Replay" }
                    }
                }
            }
        }
    }
}
