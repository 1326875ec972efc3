//! The security log.

use api::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{AuditAction, AuditEntry, AuditFilter, List};
use maud::{Markup, html};
use serde_json::Value;

use super::{page_of, show, sought, table};
use crate::entrance::Desk;
use crate::pieces::{ago, choice, nothing, pager, short};

/// `GET /admin/audit`
pub(crate) async fn page(Desk(person): Desk, State(app): State<App>) -> Result<Response, Problem> {
    let visit = &person.visit;
    let action = sought(visit, "action");
    let filter = AuditFilter {
        actor: sought(visit, "actor"),
        action: action.clone(),
        subject_id: sought(visit, "subject"),
        ..AuditFilter::default()
    };
    let found = app
        .audit
        .entries(filter, page_of(visit, List::Audit)?)
        .await?;
    let now = Utc::now();
    let actions = AuditAction::ALL.iter().map(|action| action.as_str());
    let body = html! {
        h1 { "Security log" }
        form.filter method="get" role="search" {
            (choice("action", "Action", "any", actions, action.as_deref()))
            label.field.grow {
                span { "By" }
                input type="search" name="actor" value=[visit.asked("actor")] placeholder="user_…, clerk or system" maxlength="255" autocomplete="off" spellcheck="false";
            }
            label.field.grow {
                span { "To" }
                input type="search" name="subject" value=[visit.asked("subject")] placeholder="id" maxlength="255" autocomplete="off" spellcheck="false";
            }
            button.button type="submit" { "Filter" }
        }
        div id="log" data-fragment {
            @if found.items.is_empty() {
                (nothing("Nothing is written down."))
            } @else {
                (table("Security log", &["When", "What", "By", "To", "Change"], &html! {
                    @for entry in &found.items { (line(entry, now, true)) }
                }))
            }
            (pager(visit, "/admin/audit", &["action", "actor", "subject"], found.next_cursor.as_deref()))
        }
    };
    Ok(show(&person, "Security log", "/admin/audit", &body))
}

/// One line, with or without what it was done to.
pub(super) fn line(entry: &AuditEntry, now: DateTime<Utc>, names_subject: bool) -> Markup {
    html! {
        tr {
            td { (ago(entry.at, now)) }
            td { strong { (entry.action) } @if let Some(reason) = &entry.reason { div.faint.words { "“" (reason) "”" } } }
            td {
                (short(&entry.actor))
                @if let Some(other) = &entry.impersonator { div.faint { "acting for: " (short(other)) } }
            }
            @if names_subject {
                td { @if let Some(subject) = &entry.subject { (subject.kind) div { (short(&subject.id)) } } }
            }
            td.words { (change(entry)) }
        }
    }
}

/// What changed, member by member, where it can be told shortly.
fn change(entry: &AuditEntry) -> Markup {
    let member =
        |side: &Option<Value>, name: &str| side.as_ref().and_then(|side| side.get(name)).cloned();
    let told = |value: Option<Value>| match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    let names: Vec<String> = match &entry.after {
        Some(Value::Object(after)) => after.keys().take(6).cloned().collect(),
        _ => Vec::new(),
    };
    html! {
        @for name in &names {
            @let (before, after) = (member(&entry.before, name), member(&entry.after, name));
            @if before != after {
                div { (name.replace('_', " ")) ": " @if entry.before.is_some() { (told(before)) " → " } (told(after)) }
            }
        }
    }
}
