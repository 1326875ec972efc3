//! Subscriptions and the plans within them.

use chrono::{DateTime, Utc};
use domain::{
    ClerkId, Delivery, Payer, Precedence, Step, SubscriptionItemWrite, SubscriptionWrite, Write,
};

use super::{Envelope, at, envelope_words, fresh_message_id, id};

/// `subscription.…`
#[derive(Debug, Clone)]
pub(crate) struct SubscriptionFact {
    envelope: Envelope,
    clerk_subscription_id: ClerkId,
    payer: Option<Payer>,
    status: String,
}
envelope_words!(SubscriptionFact);

/// A subscription that `user_1` pays for.
pub(crate) fn subscription(clerk_subscription_id: &str, status: &str) -> SubscriptionFact {
    SubscriptionFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        clerk_subscription_id: id(clerk_subscription_id),
        payer: Some(Payer::User(id("user_1"))),
        status: status.to_owned(),
    }
}

impl SubscriptionFact {
    pub(crate) fn paid_by(mut self, payer: Option<Payer>) -> Self {
        self.payer = payer;
        self
    }
}

impl From<SubscriptionFact> for Delivery {
    fn from(fact: SubscriptionFact) -> Self {
        let place = fact.envelope.place(&(&fact.payer, &fact.status));
        let SubscriptionFact {
            envelope,
            clerk_subscription_id,
            payer,
            status,
        } = fact;
        let now = envelope.believed();
        let when = |named: &str| (status == named).then_some(now);
        envelope.telling(Write::Subscription(Box::new(SubscriptionWrite {
            clerk_subscription_id,
            payer,
            active_at: when("active"),
            past_due_at: when("past_due"),
            canceled_at: when("canceled"),
            ended_at: when("ended"),
            status: Some(status),
            created_at: at(0),
            updated_at: now,
            precedence: place,
        })))
    }
}

/// `subscriptionItem.…`
#[derive(Debug, Clone)]
pub(crate) struct ItemFact {
    envelope: Envelope,
    write: SubscriptionItemWrite,
}
envelope_words!(ItemFact);

/// A plan of this name in `csub_1` that `user_1` pays for.
pub(crate) fn item(clerk_subscription_item_id: &str, status: &str, plan_slug: &str) -> ItemFact {
    ItemFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        write: SubscriptionItemWrite {
            clerk_subscription_item_id: id(clerk_subscription_item_id),
            clerk_subscription_id: Some(id("csub_1")),
            payer: Some(Payer::User(id("user_1"))),
            status: Some(status.to_owned()),
            clerk_plan_id: Some("cplan_1".to_owned()),
            plan_slug: Some(plan_slug.to_owned()),
            interval: Some("month".to_owned()),
            is_free_trial: false,
            period_start: Some(at(0)),
            period_end: None,
            past_due_at: None,
            created_at: at(0),
            updated_at: at(0),
            precedence: Precedence::NOTHING_KNOWN,
        },
    }
}

impl ItemFact {
    pub(crate) fn within_subscription(mut self, clerk_subscription_id: &str) -> Self {
        self.write.clerk_subscription_id = Some(id(clerk_subscription_id));
        self
    }

    pub(crate) fn paid_by(mut self, payer: Option<Payer>) -> Self {
        self.write.payer = payer;
        self
    }

    pub(crate) fn of_user(self, clerk_user_id: &str) -> Self {
        self.paid_by(Some(Payer::User(id(clerk_user_id))))
    }

    pub(crate) fn of_organization(self, clerk_organization_id: &str) -> Self {
        self.paid_by(Some(Payer::Organization(id(clerk_organization_id))))
    }

    /// When what was paid for ends.
    pub(crate) fn until(mut self, end: DateTime<Utc>) -> Self {
        self.write.period_end = Some(end);
        self
    }

    /// When a payment failed.
    pub(crate) fn past_due(mut self, since: DateTime<Utc>) -> Self {
        self.write.past_due_at = Some(since);
        self
    }
}

impl From<ItemFact> for Delivery {
    fn from(fact: ItemFact) -> Self {
        let ItemFact {
            envelope,
            mut write,
        } = fact;
        write.updated_at = envelope.believed();
        write.precedence = envelope.place(&write);
        envelope.telling(Write::SubscriptionItem(Box::new(write)))
    }
}
