//! Webhooks: what was sent, and what became of it.

use maud::{Markup, html};
use serde_json::Value;

use super::forms::{asked, badge, button, field, form, pager, time};
use super::frame::missing;
use super::view::{ROWS, View};
use crate::instance::Instance;
use crate::samples::EVENT_TYPES;
use crate::webhook::{Delivery, DeliveryStatus};

pub(super) fn list(instance: &Instance, view: &View, filter: &str, page: usize) -> Markup {
    let wanted = |it: &&Delivery| {
        let about = it.object_id.as_deref();
        filter.is_empty()
            || it.event_type.starts_with(filter)
            || about == Some(filter)
            || status(it) == filter
    };
    // Looked at where they are: the log holds the bodies of thousands.
    let (total, rows) = {
        let log = instance.webhooks.log();
        let shown = log.iter().rev().filter(wanted);
        let rows: Vec<Delivery> = shown.skip((page - 1) * ROWS).take(ROWS).cloned().collect();
        (log.iter().filter(wanted).count(), rows)
    };
    let rows: Vec<&Delivery> = rows.iter().collect();
    let url = instance.webhooks.endpoint().url.map(String::from);
    html! {
        div.head { h1 { "Deliveries" } span.count { (total) } }
        form.search method="get" action="/" role="search" {
            input type="hidden" name="view" value="deliveries";
            input type="search" name="q" value=(filter) aria-label="Filter deliveries" placeholder="Event type, status or object id";
            button { "Filter" }
        }
        (table(&rows, view))
        (pager(view, page, total))
        div.columns {
            section.card aria-labelledby="endpoint" {
                h2 #endpoint { "Endpoint" }
                (form("endpoint", view, html! {
                    div.fields { (field("URL; empty for none", "url", "url", url.as_deref().unwrap_or_default(), false)) }
                    button { "Set" }
                }))
                p { "Signed with " code.wrap { (instance.webhook_secret()) } }
                (asked("rotate", "Rotate the secret", "A new secret signs from now on; the old one signs beside it for a day.", view, &[]))
            }
            section.card aria-labelledby="sample" {
                h2 #sample { "Send a sample" }
                p.faint { "An event of any type with made-up data. Nothing changes here." }
                (form("emit", view, html! {
                    div.fields { label { span { "Type" } select name="type" { @for it in EVENT_TYPES { option { (it) } } } } }
                    button { "Send" }
                }))
            }
        }
    }
}

/// One row a delivery, with a way to send it again.
pub(super) fn table(rows: &[&Delivery], back: &View) -> Markup {
    html! {
        @if rows.is_empty() { p.empty { "Nothing has happened yet." } } @else {
            div.table { table {
                thead { tr {
                    th scope="col" { "Event" } th scope="col" { "Outcome" } th scope="col" { "Attempts" } th scope="col" { "Time" }
                    th scope="col" { span.unseen { "Actions" } }
                } }
                tbody { @for it in rows { tr {
                    th scope="row" {
                        a href=(View::Delivery(it.id.clone()).address()) { (it.event_type) }
                        small { code.short { (it.object_id.as_deref().unwrap_or_default()) } }
                    }
                    td { (badge(status(it))) @for mishap in &it.chaos { " " span.badge.odd { (format!("{mishap:?}").to_lowercase()) } } }
                    td { (outcome(it)) }
                    td.num { (time(it.created_at)) }
                    td.acts { @if it.status != DeliveryStatus::Pending { (button("replay", "Replay", "small", back, &[("id", &it.id)])) } }
                } } }
            } }
        }
    }
}

fn outcome(delivery: &Delivery) -> Markup {
    let last = delivery.attempts.last();
    html! {
        @match last {
            None => span.faint { "none" },
            Some(last) => {
                (delivery.attempts.len())
                @match last.status { Some(code) => { ", last " (code) }, None => ", no answer" }
            }
        }
    }
}

pub(super) fn one(instance: &Instance, id: &str) -> Markup {
    let Some(delivery) = instance.delivery(id) else {
        return missing("delivery", id);
    };
    let back = View::Delivery(id.to_owned());
    let payload: Value = serde_json::from_str(delivery.payload.get()).unwrap_or_default();
    html! {
        p.trail { a href="/?view=deliveries" { "Deliveries" } }
        div.head { h1 { (delivery.event_type) } (badge(status(&delivery))) }
        p.faint { code { (delivery.id) } " · " (time(delivery.created_at)) }
        @if delivery.status != DeliveryStatus::Pending { div.acts.bar { (button("replay", "Replay", "solid", &back, &[("id", id)])) } }
        section.card aria-labelledby="attempts" {
            h2 #attempts { "Attempts" }
            @if delivery.attempts.is_empty() { p.empty { "None." } } @else {
                div.table { table {
                    thead { tr { th scope="col" { "Time" } th scope="col" { "Answer" } th scope="col" { "Took" } th scope="col" { "Body" } } }
                    tbody { @for it in &delivery.attempts { tr {
                        td.num { (time(it.timestamp * 1000)) }
                        td {
                            @match it.status { Some(code) => (code), None => (it.error.as_deref().unwrap_or("none")) }
                            @if it.corrupt { " " span.badge.odd { "signed wrong" } }
                        }
                        td.num { (it.duration_ms) " ms" }
                        td { code.wrap { (it.answer) } }
                    } } }
                } }
            }
        }
        section.card aria-labelledby="body" {
            h2 #body { "Body" }
            pre.code tabindex="0" { (format!("{payload:#}")) }
        }
    }
}

fn status(delivery: &Delivery) -> &'static str {
    match delivery.status {
        DeliveryStatus::Unsent => "unsent",
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
        DeliveryStatus::Dropped => "dropped",
    }
}
