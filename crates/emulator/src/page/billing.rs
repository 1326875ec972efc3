//! A payer's subscription, and what checkouts and clocks do to it.

use maud::{Markup, html};
use serde_json::Value;

use super::forms::{badge, button, field, form, time};
use super::view::View;
use crate::billing::Payer;
use crate::instance::Instance;

/// Steps that need nothing but the payer.
const STEPS: [(&str, &str); 4] = [
    ("past_due", "Payment fails"),
    ("renew", "Renew"),
    ("cancel", "Cancel"),
    ("end", "End the period"),
];

pub(super) fn card(instance: &Instance, payer: &Payer, back: &View) -> Markup {
    let held = instance.subscription(payer).ok();
    let whose = match payer {
        Payer::User(id) => ("user_id", id.as_str()),
        Payer::Organization(id) => ("organization_id", id.as_str()),
    };
    html! {
        section.card aria-labelledby="billing" {
            h2 #billing { "Subscription" }
            @match &held { Some(held) => (items(held)), None => p.faint { "None." } }
            (form("bill", back, html! {
                input type="hidden" name=(whose.0) value=(whose.1);
                input type="hidden" name="step" value="subscribe";
                div.fields { (field("Plan", "plan", "text", "pro", true)) }
                label.check { input type="checkbox" name="trial" value="true"; span { "as a trial" } }
                button { "Subscribe" }
            }))
            @if held.is_some() {
                div.acts.bar {
                    @for (step, label) in STEPS {
                        (button("bill", label, "small", back, &[whose, ("step", step)]))
                    }
                }
            }
        }
    }
}

fn items(subscription: &Value) -> Markup {
    let text = |of: &Value, pointer: &str| {
        of.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let all = subscription
        .get("subscription_items")
        .and_then(Value::as_array);
    html! {
        p { (badge(&text(subscription, "/status"))) }
        ul.plain.rows {
            @for item in all.into_iter().flatten().rev().take(6) {
                li {
                    strong { (text(item, "/plan/slug")) }
                    (badge(&text(item, "/status")))
                    @if item.get("is_free_trial") == Some(&Value::Bool(true)) { span.badge { "trial" } }
                    @if let Some(end) = item.get("period_end").and_then(Value::as_i64) { small.faint { "until " (time(end)) } }
                }
            }
        }
    }
}
