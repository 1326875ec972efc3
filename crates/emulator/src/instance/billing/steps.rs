//! How each step changes a subscription, and what is to be told of it.

use super::{Terms, Told};
use crate::billing::{Item, Outcome, Payer, Plan, Subscription, SubscriptionStatus as Status};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn begin(state: &mut State, payer: Payer) -> Subscription {
    let now = state.now();
    Subscription {
        id: state.issue_id("csub_"),
        payer_id: state.issue_id("cpayer_"),
        payer,
        status: Status::Active,
        active_at: Some(now),
        canceled_at: None,
        ended_at: None,
        past_due_at: None,
        latest_payment_id: None,
        items: Vec::new(),
        created_at: now,
        updated_at: now,
    }
}

pub(super) fn subscribe(
    state: &mut State,
    subscription: &mut Subscription,
    terms: Terms,
    now: i64,
    told: &mut Vec<Told>,
) -> Result<(), Refusal> {
    let plan = plan(state, &subscription.payer, &terms)?;
    for item in &mut subscription.items {
        let renewed = item.plan == plan && item.status == Status::Canceled;
        if item.plan == plan && item.is_live() && !renewed {
            return Err(unfit("it has that plan already"));
        }
        if item.is_live() && !renewed {
            finish(item, Status::Ended, now);
            told.push(Told::Item("subscriptionItem.ended", item.id.clone()));
        } else if item.status == Status::Upcoming {
            finish(item, Status::Abandoned, now);
            told.push(Told::Item("subscriptionItem.abandoned", item.id.clone()));
        }
    }
    subscription.status = Status::Active;
    subscription.active_at.get_or_insert(now);
    (
        subscription.canceled_at,
        subscription.ended_at,
        subscription.past_due_at,
    ) = (None, None, None);
    if let Some(item) = subscription.items.iter_mut().find(|item| item.is_live()) {
        // Canceled and wanted again within the paid period: nothing is to pay.
        (item.status, item.canceled_at, item.updated_at) = (Status::Active, None, now);
        told.push(Told::Item("subscriptionItem.active", item.id.clone()));
        told.push(Told::Subscription("subscription.active"));
        return Ok(());
    }
    let item = item(state, plan, &terms, now, now);
    let price = state.billing.price(&item);
    told.push(Told::Item("subscriptionItem.created", item.id.clone()));
    if price > 0 && !terms.trial {
        told.push(Told::Payment(item.id.clone(), Outcome::Paid));
    }
    told.push(Told::Item("subscriptionItem.active", item.id.clone()));
    told.push(Told::Subscription("subscription.active"));
    subscription.items.push(item);
    Ok(())
}

pub(super) fn change_later(
    state: &mut State,
    subscription: &mut Subscription,
    terms: Terms,
    now: i64,
    told: &mut Vec<Told>,
) -> Result<(), Refusal> {
    let plan = plan(state, &subscription.payer, &terms)?;
    let mut items = subscription.items.iter_mut();
    let present = items
        .find(|item| item.status == Status::Active)
        .ok_or_else(|| unfit("nothing in it is active"))?;
    if present.plan == plan {
        return Err(unfit("it has that plan already"));
    }
    (present.status, present.canceled_at, present.updated_at) = (Status::Canceled, Some(now), now);
    told.push(Told::Item("subscriptionItem.canceled", present.id.clone()));
    let mut next = item(state, plan, &terms, now, present.period_end);
    next.status = Status::Upcoming;
    told.push(Told::Item("subscriptionItem.created", next.id.clone()));
    told.push(Told::Item("subscriptionItem.upcoming", next.id.clone()));
    told.push(Told::Subscription("subscription.updated"));
    subscription.items.push(next);
    Ok(())
}

pub(super) fn cancel(
    subscription: &mut Subscription,
    now: i64,
    told: &mut Vec<Told>,
) -> Result<(), Refusal> {
    for item in &mut subscription.items {
        match item.status {
            Status::Active | Status::PastDue => {
                (item.status, item.canceled_at, item.updated_at) =
                    (Status::Canceled, Some(now), now);
                told.push(Told::Item("subscriptionItem.canceled", item.id.clone()));
            }
            Status::Upcoming => {
                finish(item, Status::Abandoned, now);
                told.push(Told::Item("subscriptionItem.abandoned", item.id.clone()));
            }
            _ => {}
        }
    }
    if told.is_empty() {
        return Err(unfit("nothing in it can be canceled"));
    }
    subscription.canceled_at = Some(now);
    told.push(Told::Subscription("subscription.updated"));
    Ok(())
}

pub(super) fn past_due(
    subscription: &mut Subscription,
    now: i64,
    told: &mut Vec<Told>,
) -> Result<(), Refusal> {
    for item in &mut subscription.items {
        if item.status == Status::Active {
            (item.status, item.past_due_at, item.updated_at) = (Status::PastDue, Some(now), now);
            told.push(Told::Payment(item.id.clone(), Outcome::Failed));
            told.push(Told::Item("subscriptionItem.pastDue", item.id.clone()));
        }
    }
    if told.is_empty() {
        return Err(unfit("nothing in it is active"));
    }
    (subscription.status, subscription.past_due_at) = (Status::PastDue, Some(now));
    told.push(Told::Subscription("subscription.pastDue"));
    Ok(())
}

pub(super) fn renew(
    subscription: &mut Subscription,
    now: i64,
    told: &mut Vec<Told>,
) -> Result<(), Refusal> {
    let was_past_due = subscription.status == Status::PastDue;
    for item in &mut subscription.items {
        if !matches!(item.status, Status::Active | Status::PastDue) {
            continue;
        }
        item.period_start = item.period_end;
        item.period_end = item.period_start.saturating_add(Item::period(item.annual));
        item.is_free_trial = false;
        item.updated_at = now;
        told.push(Told::Payment(item.id.clone(), Outcome::Paid));
        let event = match item.status {
            Status::PastDue => "subscriptionItem.active",
            _ => "subscriptionItem.updated",
        };
        (item.status, item.past_due_at) = (Status::Active, None);
        told.push(Told::Item(event, item.id.clone()));
    }
    if told.is_empty() {
        return Err(unfit("nothing in it can be renewed"));
    }
    (subscription.status, subscription.past_due_at) = (Status::Active, None);
    told.push(Told::Subscription(if was_past_due {
        "subscription.active"
    } else {
        "subscription.updated"
    }));
    Ok(())
}

pub(super) fn end(
    subscription: &mut Subscription,
    now: i64,
    told: &mut Vec<Told>,
) -> Result<(), Refusal> {
    let mut goes_on = false;
    for item in &mut subscription.items {
        if item.is_live() {
            finish(item, Status::Ended, now);
            told.push(Told::Item("subscriptionItem.ended", item.id.clone()));
        } else if item.status == Status::Upcoming {
            goes_on = true;
            (item.status, item.updated_at) = (Status::Active, now);
            told.push(Told::Payment(item.id.clone(), Outcome::Paid));
            told.push(Told::Item("subscriptionItem.active", item.id.clone()));
        }
    }
    if told.is_empty() {
        return Err(unfit("nothing in it can end"));
    }
    (subscription.past_due_at, subscription.canceled_at) = (None, None);
    if goes_on {
        subscription.status = Status::Active;
        told.push(Told::Subscription("subscription.active"));
    } else {
        // Clerk has no event of its own for this.
        (subscription.status, subscription.ended_at) = (Status::Ended, Some(now));
        told.push(Told::Subscription("subscription.updated"));
    }
    Ok(())
}

fn finish(item: &mut Item, status: Status, now: i64) {
    (item.status, item.ended_at, item.updated_at) = (status, Some(now), now);
}

fn item(state: &mut State, plan: String, terms: &Terms, now: i64, period_start: i64) -> Item {
    let period_end = period_start.saturating_add(Item::period(terms.annual));
    Item {
        id: state.issue_id("csub_item_"),
        plan,
        status: Status::Active,
        is_free_trial: terms.trial,
        annual: terms.annual,
        period_start,
        period_end: terms.period_end.unwrap_or(period_end),
        canceled_at: None,
        past_due_at: None,
        ended_at: None,
        lifetime_paid: 0,
        created_at: now,
        updated_at: now,
    }
}

/// The slug of the plan, which is made when it is new.
fn plan(state: &mut State, payer: &Payer, terms: &Terms) -> Result<String, Refusal> {
    let slug = crate::organization::slug_of(&terms.plan);
    if terms.plan.is_empty() || slug != terms.plan.replace('_', "-") {
        return Err(invalid(
            "plan",
            "a slug of lower-case letters, digits, - and _",
        ));
    }
    match state.billing.plans.get(&terms.plan) {
        Some(plan) if plan.payer_type != payer.kind() => {
            return Err(invalid("plan", "a plan for this kind of payer"));
        }
        Some(_) => return Ok(terms.plan.clone()),
        None => {}
    }
    let usual = if slug.starts_with("free") { 0 } else { 1_500 };
    let amount = terms.amount.unwrap_or(usual);
    if amount < 0 {
        return Err(invalid("amount", "zero or more"));
    }
    let mut name = slug.replace('-', " ");
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let plan = Plan {
        id: state.issue_id("cplan_"),
        slug: terms.plan.clone(),
        name,
        amount,
        payer_type: payer.kind().to_owned(),
        created_at: state.now(),
    };
    state.billing.plans.put(plan);
    Ok(terms.plan.clone())
}

pub(super) fn unfit(reason: &'static str) -> Refusal {
    Refusal::SubscriptionUnfit { reason }
}
