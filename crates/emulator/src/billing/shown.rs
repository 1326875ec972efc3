//! Billing as the Backend API shows it. Webhooks show it otherwise: see `event`.

use serde_json::{Value, json};

use super::{Billing, Item, Payer, Plan, Subscription, money};
use crate::state::State;
use crate::user::User;

impl Plan {
    /// The CommercePlan object.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "object": "commerce_plan",
            "id": self.id,
            "name": self.name,
            "slug": self.slug,
            "fee": money(self.amount),
            "annual_monthly_fee": money(self.amount),
            "annual_fee": money(self.amount.saturating_mul(12)),
            "description": null,
            "product_id": product_id(),
            "is_default": false,
            "is_recurring": true,
            "publicly_visible": true,
            "has_base_fee": self.amount > 0,
            "for_payer_type": self.payer_type,
            "avatar_url": null,
            "features": [],
            "free_trial_enabled": true,
            "free_trial_days": 14,
        })
    }
}

impl Subscription {
    /// The CommerceSubscription object.
    pub(crate) fn shown(&self, state: &State) -> Value {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|item| self.item_shown(item, state))
            .collect();
        let next = self.items.iter().find(|item| item.is_live());
        let mut shown = json!({
            "object": "commerce_subscription",
            "id": self.id,
            "instance_id": crate::INSTANCE_ID,
            "status": self.status,
            "payer_id": self.payer_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "active_at": self.active_at,
            "past_due_at": self.past_due_at,
            "subscription_items": items,
            "eligible_for_free_trial": false,
        });
        if let (Some(item), Some(members)) = (next, shown.as_object_mut()) {
            let payment =
                json!({ "date": item.period_end, "amount": money(state.billing.price(item)) });
            members.insert("next_payment".to_owned(), payment);
        }
        shown
    }

    /// The CommerceSubscriptionItem object.
    pub(crate) fn item_shown(&self, item: &Item, state: &State) -> Value {
        let Billing { plans, .. } = &state.billing;
        let plan = plans.get(&item.plan);
        json!({
            "object": "commerce_subscription_item",
            "id": item.id,
            "instance_id": crate::INSTANCE_ID,
            "status": item.status,
            "plan_id": plan.map(|plan| &plan.id),
            "plan": plan.map(Plan::shown),
            "plan_period": item.interval(),
            "payer_id": self.payer_id,
            "payer": self.payer_shown(state),
            "is_free_trial": item.is_free_trial,
            "lifetime_paid": money(item.lifetime_paid),
            "next_payment": { "amount": money(state.billing.price(item)), "date": item.period_end },
            "period_start": item.period_start,
            "period_end": item.period_end,
            "canceled_at": item.canceled_at,
            "past_due_at": item.past_due_at,
            "ended_at": item.ended_at,
            "created_at": item.created_at,
            "updated_at": item.updated_at,
        })
    }

    /// The unused half of the payer is null here.
    fn payer_shown(&self, state: &State) -> Value {
        let (user, organization) = self.payer.faces(state);
        let (user_id, organization_id) = match &self.payer {
            Payer::User(id) => (Some(id), None),
            Payer::Organization(id) => (None, Some(id)),
        };
        let image_url = user
            .map(|it| &it.image_url)
            .or(organization.map(|it| &it.image_url));
        json!({
            "object": "commerce_payer",
            "id": self.payer_id,
            "instance_id": crate::INSTANCE_ID,
            "user_id": user_id,
            "first_name": user.and_then(|it| it.first_name.as_ref()),
            "last_name": user.and_then(|it| it.last_name.as_ref()),
            "email": user.and_then(User::primary_email),
            "organization_id": organization_id,
            "organization_name": organization.map(|it| &it.name),
            "image_url": image_url.map_or("", String::as_str),
            "created_at": self.created_at,
            "updated_at": self.created_at,
        })
    }
}

pub(super) fn product_id() -> String {
    format!("cprd_{}", crate::INSTANCE_ID)
}
