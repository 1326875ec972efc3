//! Subscriptions, their items and payments. Amounts are in minor units.

use serde_json::{Value, json};

use super::{DAY_MS, Times, id, with};

pub(super) fn subscription_event(verb: &str, at: Times) -> Value {
    let past_due = verb == "pastDue";
    let item = with(item(verb, at), json!({ "subscription_id": null }));
    json!({
        "object": "commerce_subscription",
        "id": id("csub_"),
        "status": if past_due { "past_due" } else { "active" },
        "active_at": at.created,
        "canceled_at": null,
        "created_at": at.created,
        "ended_at": null,
        "past_due_at": past_due.then_some(at.updated),
        "updated_at": at.updated,
        "latest_payment_id": id("cpa_"),
        "payer_id": id("cpayer_"),
        "payer": payer(at),
        "payment_source_id": id("cps_"),
        "items": [item],
    })
}

pub(super) fn item_event(verb: &str, at: Times) -> Value {
    with(item(verb, at), json!({ "payer": payer(at) }))
}

pub(super) fn payment_event(verb: &str, at: Times) -> Value {
    let paid = verb == "updated";
    let item = with(
        item("active", at),
        json!({
            "plan_period": "month", "amount": money(1500), "lifetime_paid": 1500, "next_payment_amount": 1500,
            "next_payment_date": at.created + 30 * DAY_MS, "canceled_at": null, "past_due_at": null,
        }),
    );
    json!({
        "object": "commerce_payment_attempt",
        "id": id("cpat_"),
        "instance_id": crate::INSTANCE_ID,
        "payment_id": id("cpa_"),
        "invoice_id": id("cinv_"),
        "statement_id": id("stmt_"),
        "gateway_external_id": "pi_sample",
        "status": if paid { "paid" } else { "pending" },
        "created_at": at.created,
        "updated_at": at.updated,
        "paid_at": paid.then_some(at.updated),
        "failed_at": null,
        "failed_reason": null,
        "billing_date": at.created,
        "charge_type": "recurring",
        "payee": {
            "id": id("cpayee_"), "gateway_type": "stripe", "gateway_external_id": "acct_sample", "gateway_status": "active",
        },
        "payer": payer(at),
        "totals": { "subtotal": money(1500), "tax_total": money(0), "grand_total": money(1500) },
        "payment_source": {
            "id": id("cps_"), "gateway": "stripe", "gateway_external_id": "pm_sample",
            "gateway_external_account_id": "acct_sample", "payment_method": "card", "status": "active",
            "card_type": "visa", "last4": "0000",
        },
        "subscription_items": [item],
    })
}

fn item(verb: &str, at: Times) -> Value {
    let status = match verb {
        "pastDue" => "past_due",
        "created" | "updated" | "freeTrialEnding" => "active",
        other => other,
    };
    let start = if verb == "upcoming" {
        at.created + 30 * DAY_MS
    } else {
        at.created
    };
    json!({
        "object": "commerce_subscription_item",
        "id": id("csub_item_"),
        "status": status,
        "is_free_trial": verb == "freeTrialEnding",
        "created_at": at.created,
        "updated_at": at.updated,
        "period_start": start,
        "period_end": start + 30 * DAY_MS,
        "interval": "month",
        "plan_id": id("cplan_"),
        "plan": {
            "id": id("cplan_"), "slug": "pro", "name": "Pro", "is_recurring": true, "amount": 1500, "currency": "EUR",
        },
        "subscription_id": id("csub_"),
    })
}

/// A user as payer: the organization's half is the empty string, as Clerk sends it.
fn payer(at: Times) -> Value {
    json!({
        "object": "commerce_payer",
        "id": id("cpayer_"),
        "user_id": id("user_"),
        "first_name": "Sample",
        "last_name": "Person",
        "email": "sample.person@example.com",
        "organization_id": "",
        "organization_name": "",
        "image_url": format!("https://img.clerk.com/{}", id("user_")),
        "created_at": at.created,
        "updated_at": at.created,
    })
}

fn money(amount: i64) -> Value {
    let formatted = format!("€{}.{:02}", amount / 100, amount % 100);
    json!({ "amount": amount, "amount_formatted": formatted, "currency": "EUR", "currency_symbol": "€" })
}
