//! Operations on subscriptions. The Backend API has none that begin one; they are what checkouts and clocks do.

mod steps;

use serde::Deserialize;
use serde_json::Value;

use steps::unfit;

use super::{Caller, Change, Instance};
use crate::billing::{Item, Outcome, Payer, Payment, Subscription};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::state::State;

/// What happens to a payer's subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BillingStep {
    /// Begins a plan now; other plans end. Pays, unless it is a trial or free.
    Subscribe(Terms),
    /// Begins a plan when the period of the present one ends.
    ChangeAtPeriodEnd(Terms),
    /// Lets everything run out at the end of its period.
    Cancel,
    /// A payment failed.
    PastDue,
    /// The next period begins and is paid; a trial becomes a plan, and what was past due is so no longer.
    Renew,
    /// The period is over: what is there ends, what is upcoming begins.
    End,
    /// A trial is about to end. Changes nothing.
    TrialEnding,
}

/// What is subscribed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// The plan's slug. A new slug makes a new plan.
    pub plan: String,
    /// What a new plan costs a month, in cents; 1500 by default, zero for slugs that begin with `free`.
    pub amount: Option<i64>,
    /// Billed by the year.
    pub annual: bool,
    /// Begins as a free trial.
    pub trial: bool,
    /// When the first period ends, in milliseconds since 1970; 30 or 365 days after its start by default.
    pub period_end: Option<i64>,
}

/// What has to be told after a step, in this order.
enum Told {
    Subscription(&'static str),
    Item(&'static str, String),
    Payment(String, Outcome),
}

impl Instance {
    /// Takes a step with a payer's subscription and emits the events of Clerk's catalogue for it (`subscription.*`,
    /// `subscriptionItem.*`, `paymentAttempt.*`). Returns the subscription as the Backend API shows it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for the payer, [`Refusal::SubscriptionUnfit`] for a step that cannot be taken from where
    /// the subscription stands, [`Refusal::ParamInvalid`] for a plan of the other kind of payer.
    pub fn bill(&self, payer: Payer, step: BillingStep, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        let payer = match payer {
            Payer::User(id) => Payer::User(state.user(&id)?.user.id.clone()),
            Payer::Organization(id) => Payer::Organization(state.organization(&id)?.id.clone()),
        };
        let held = state.billing.subscriptions.get(payer.id()).cloned();
        let mut told = Vec::new();
        let mut subscription = match held {
            Some(held) => held,
            None if matches!(step, BillingStep::Subscribe(_)) => {
                told.push(Told::Subscription("subscription.created"));
                steps::begin(&mut state, payer)
            }
            None => return Err(unfit("there is none")),
        };
        let now = state.after(subscription.updated_at);
        match step {
            BillingStep::Subscribe(terms) => {
                steps::subscribe(&mut state, &mut subscription, terms, now, &mut told)?;
            }
            BillingStep::ChangeAtPeriodEnd(terms) => {
                steps::change_later(&mut state, &mut subscription, terms, now, &mut told)?;
            }
            BillingStep::Cancel => steps::cancel(&mut subscription, now, &mut told)?,
            BillingStep::PastDue => steps::past_due(&mut subscription, now, &mut told)?,
            BillingStep::Renew => steps::renew(&mut subscription, now, &mut told)?,
            BillingStep::End => steps::end(&mut subscription, now, &mut told)?,
            BillingStep::TrialEnding => return self.trial_ending(&state, &subscription, caller),
        }
        subscription.updated_at = now;
        self.tell(&mut state, subscription, told, caller)
    }

    /// The subscription as the Backend API shows it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also for a payer who has never subscribed.
    pub fn subscription(&self, payer: &Payer) -> Result<Value, Refusal> {
        self.read(|state| {
            let found = state.billing.subscriptions.get(payer.id());
            found
                .map(|subscription| subscription.shown(state))
                .ok_or_else(|| Refusal::NotFound {
                    kind: "subscription",
                    id: payer.id().to_owned(),
                })
        })
    }

    /// Cancels an item at the end of its period, or ends it now, by the steps above. Returns the item as the Backend
    /// API shows it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], and as [`Self::bill`].
    pub fn cancel_item(&self, id: &str, now: bool, caller: &Caller) -> Result<Value, Refusal> {
        let payer = self.read(|state| Ok::<_, Refusal>(find_item(state, id)?.0.payer.clone()))?;
        let step = if now {
            BillingStep::End
        } else {
            BillingStep::Cancel
        };
        self.bill(payer, step, caller)?;
        self.read(|state| {
            let (subscription, item) = find_item(state, id)?;
            Ok(subscription.item_shown(item, state))
        })
    }

    /// Moves the end of a trial, in milliseconds; emits `subscriptionItem.updated`. Asked again it does nothing.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::SubscriptionUnfit`] for an item that is no trial, [`Refusal::ParamInvalid`]
    /// for a time that is not in the next 365 days.
    pub fn extend_trial(&self, id: &str, until: i64, caller: &Caller) -> Result<Value, Refusal> {
        let mut state = self.change();
        let now = state.now();
        let (subscription, item) = find_item(&state, id)?;
        if !item.is_free_trial || !item.is_live() {
            return Err(unfit("it is no trial"));
        }
        let last = item.period_end.saturating_add(Item::period(true));
        if until <= now || until > last {
            let expected = "in the future and at most 365 days behind the end of the trial";
            return Err(invalid("extend_to", expected));
        }
        if item.period_end == until {
            return Ok(subscription.item_shown(item, &state));
        }
        let mut subscription = subscription.clone();
        let at = state.after(subscription.updated_at);
        subscription.updated_at = at;
        for item in subscription.items.iter_mut().filter(|item| item.id == id) {
            (item.period_end, item.updated_at) = (until, at);
        }
        state.billing.subscriptions.put(subscription.clone());
        let (subscription, item) = find_item(&state, id)?;
        let data = subscription.item_event(item, &state);
        self.emit(&state, caller, "subscriptionItem.updated", at, &data);
        Ok(subscription.item_shown(item, &state))
    }

    fn trial_ending(
        &self,
        state: &State,
        subscription: &Subscription,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let mut items = subscription.items.iter();
        let item = items
            .find(|item| item.is_free_trial && item.is_live())
            .ok_or_else(|| unfit("it is no trial"))?;
        let data = subscription.item_event(item, state);
        let at = item.updated_at;
        self.emit(state, caller, "subscriptionItem.freeTrialEnding", at, &data);
        Ok(subscription.shown(state))
    }

    /// Settles payments, keeps the subscription, and emits what is to be told of it.
    fn tell(
        &self,
        state: &mut Change<'_>,
        mut subscription: Subscription,
        told: Vec<Told>,
        caller: &Caller,
    ) -> Result<Value, Refusal> {
        let at = subscription.updated_at;
        let mut events = Vec::new();
        for telling in told {
            match telling {
                Told::Subscription(event) => events.push((event, None)),
                Told::Item(event, id) => events.push((event, Some((id, None)))),
                Told::Payment(id, outcome) => {
                    let mut items = subscription.items.iter_mut();
                    let Some(item) = items.find(|item| item.id == id) else {
                        continue;
                    };
                    let price = state.billing.price(item);
                    if price == 0 {
                        continue;
                    }
                    let is_checkout = item.lifetime_paid == 0;
                    if outcome == Outcome::Paid {
                        item.lifetime_paid = item.lifetime_paid.saturating_add(price);
                    }
                    let payment_id = state.issue_id("cpa_");
                    subscription.latest_payment_id = Some(payment_id.clone());
                    let payment = |outcome, attempt: &str| Payment {
                        id: attempt.to_owned(),
                        payment_id: payment_id.clone(),
                        created_at: at,
                        updated_at: at,
                        outcome,
                        is_checkout,
                    };
                    let attempt = state.issue_id("cpat_");
                    let (first, last) = (
                        payment(Outcome::Pending, &attempt),
                        payment(outcome, &attempt),
                    );
                    events.push(("paymentAttempt.created", Some((id.clone(), Some(first)))));
                    events.push(("paymentAttempt.updated", Some((id, Some(last)))));
                }
            }
        }
        state.billing.subscriptions.put(subscription.clone());
        for (event, about) in events {
            let data = match about {
                None => subscription.event(state),
                Some((id, payment)) => {
                    let Some(item) = subscription.items.iter().find(|item| item.id == id) else {
                        continue;
                    };
                    match payment {
                        None => subscription.item_event(item, state),
                        Some(payment) => subscription.payment_event(&payment, item, state),
                    }
                }
            };
            self.emit(state, caller, event, at, &data);
        }
        Ok(subscription.shown(state))
    }
}

fn find_item<'a>(state: &'a State, id: &str) -> Result<(&'a Subscription, &'a Item), Refusal> {
    let mut all = state
        .billing
        .subscriptions
        .iter()
        .flat_map(|it| it.items.iter().map(move |item| (it, item)));
    all.find(|(_, item)| item.id == id)
        .ok_or_else(|| Refusal::NotFound {
            kind: "subscription_item",
            id: id.to_owned(),
        })
}
