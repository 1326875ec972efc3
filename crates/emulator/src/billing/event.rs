//! Billing as webhooks show it: `items` instead of `subscription_items`, `interval` instead of `plan_period`, a smaller
//! plan, and empty strings where the Backend API has null.

use serde_json::{Map, Value, json};

use super::{CURRENCY, Item, Payer, Subscription, money, shown};
use crate::state::State;
use crate::user::User;

/// A payment attempt, which only webhooks tell of.
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) payment_id: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) outcome: Outcome,
    /// Whether it is the first for its item.
    pub(crate) is_checkout: bool,
}

/// How a payment attempt went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Paid,
    Failed,
}

impl Subscription {
    /// The `data` of `subscription.*`.
    pub(crate) fn event(&self, state: &State) -> Value {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|item| Value::Object(members(item, state, Value::Null)))
            .collect();
        json!({
            "object": "commerce_subscription",
            "id": self.id,
            "status": self.status,
            "active_at": self.active_at,
            "canceled_at": self.canceled_at,
            "created_at": self.created_at,
            "ended_at": self.ended_at,
            "past_due_at": self.past_due_at,
            "updated_at": self.updated_at,
            "latest_payment_id": self.latest_payment_id,
            "payer_id": self.payer_id,
            "payer": self.payer_in_event(state),
            "payment_source_id": self.payment_source_id(),
            "items": items,
        })
    }

    /// The `data` of `subscriptionItem.*`.
    pub(crate) fn item_event(&self, item: &Item, state: &State) -> Value {
        let mut data = members(item, state, self.id.as_str().into());
        data.insert("payer".to_owned(), self.payer_in_event(state));
        data.into()
    }

    /// The `data` of `paymentAttempt.*`.
    pub(crate) fn payment_event(&self, payment: &Payment, item: &Item, state: &State) -> Value {
        let price = state.billing.price(item);
        let mut of = members(item, state, self.id.as_str().into());
        of.insert("plan_period".to_owned(), item.interval().into());
        of.insert("amount".to_owned(), money(price));
        of.insert("lifetime_paid".to_owned(), item.lifetime_paid.into());
        of.insert("next_payment_amount".to_owned(), price.into());
        of.insert("next_payment_date".to_owned(), item.period_end.into());
        of.insert("canceled_at".to_owned(), item.canceled_at.into());
        of.insert("past_due_at".to_owned(), item.past_due_at.into());
        let (status, failed) = match payment.outcome {
            Outcome::Pending => ("pending", false),
            Outcome::Paid => ("paid", false),
            Outcome::Failed => ("failed", true),
        };
        let paid = payment.outcome == Outcome::Paid;
        let reason = failed
            .then(|| json!({ "code": "card_declined", "decline_code": "insufficient_funds" }));
        json!({
            "object": "commerce_payment_attempt",
            "id": payment.id,
            "instance_id": crate::INSTANCE_ID,
            "payment_id": payment.payment_id,
            "invoice_id": payment.payment_id.replacen("cpa_", "cinv_", 1),
            "statement_id": payment.payment_id.replacen("cpa_", "stmt_", 1),
            "gateway_external_id": "pi_emulated",
            "status": status,
            "created_at": payment.created_at,
            "updated_at": payment.updated_at,
            "paid_at": paid.then_some(payment.updated_at),
            "failed_at": failed.then_some(payment.updated_at),
            "failed_reason": reason,
            "billing_date": payment.created_at,
            "charge_type": if payment.is_checkout { "checkout" } else { "recurring" },
            "payee": {
                "id": format!("cpayee_{}", crate::INSTANCE_ID), "gateway_type": "stripe",
                "gateway_external_id": "acct_emulated", "gateway_status": "active",
            },
            "payer": self.payer_in_event(state),
            "totals": { "subtotal": money(price), "tax_total": money(0), "grand_total": money(price) },
            "payment_source": {
                "id": self.payment_source_id(), "gateway": "stripe", "gateway_external_id": "pm_emulated",
                "gateway_external_account_id": "acct_emulated", "payment_method": "card", "status": "active",
                "card_type": "visa", "last4": "4242",
            },
            "subscription_items": [of],
        })
    }

    fn payment_source_id(&self) -> String {
        self.payer_id.replacen("cpayer_", "cps_", 1)
    }

    /// The unused half of the payer is empty here.
    fn payer_in_event(&self, state: &State) -> Value {
        let (user, organization) = self.payer.faces(state);
        let (user_id, organization_id) = match &self.payer {
            Payer::User(id) => (id.as_str(), ""),
            Payer::Organization(id) => ("", id.as_str()),
        };
        let first_name = user.and_then(|it| it.first_name.as_deref());
        let last_name = user.and_then(|it| it.last_name.as_deref());
        let image_url = user
            .map(|it| it.image_url.as_str())
            .or(organization.map(|it| it.image_url.as_str()));
        json!({
            "object": "commerce_payer",
            "id": self.payer_id,
            "user_id": user_id,
            "first_name": first_name.unwrap_or(""),
            "last_name": last_name.unwrap_or(""),
            "email": user.and_then(User::primary_email).unwrap_or(""),
            "organization_id": organization_id,
            "organization_name": organization.map_or("", |it| it.name.as_str()),
            "image_url": image_url.unwrap_or(""),
            "created_at": self.created_at,
            "updated_at": self.created_at,
        })
    }
}

/// What all events show of an item.
fn members(item: &Item, state: &State, subscription_id: Value) -> Map<String, Value> {
    let plan = state.billing.plans.get(&item.plan);
    let plan_shown = plan.map(|plan| {
        json!({
            "id": plan.id, "instance_id": crate::INSTANCE_ID, "product_id": shown::product_id(), "name": plan.name,
            "slug": plan.slug, "is_default": false, "is_recurring": true, "amount": plan.amount, "currency": CURRENCY,
            "publicly_visible": true,
        })
    });
    let shown = json!({
        "object": "commerce_subscription_item",
        "id": item.id,
        "status": item.status,
        "is_free_trial": item.is_free_trial,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "period_start": item.period_start,
        "period_end": item.period_end,
        "interval": item.interval(),
        "plan_id": plan.map(|plan| &plan.id),
        "plan": plan_shown,
        "subscription_id": subscription_id,
    });
    match shown {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
