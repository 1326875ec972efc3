//! Subscriptions and the plans within them.
//!
//! Clerk's sources disagree about these more than about anything else: the same field has two names, the payer's unused
//! half is an empty string, and a plan within a subscription leaves out what the subscription says already.

use chrono::{DateTime, Utc};
use domain::{ClerkId, Payer, SubscriptionItemWrite, SubscriptionWrite, Write};

use crate::{Fields, MAX_NAME, Notes, Placing, Unmappable};

/// What a plan takes from the subscription that it came in.
#[derive(Default)]
struct Whole {
    clerk_subscription_id: Option<ClerkId>,
    payer: Option<Payer>,
    updated_at: Option<DateTime<Utc>>,
}

/// Reads a subscription and every plan within it, each a write of its own: they have ids and times of their own, and
/// are told of by events of their own.
///
/// # Errors
/// When the subscription or one of its plans has no usable id, or something that a row must not lose is of the wrong
/// type.
pub fn read_subscription(
    data: &Fields<'_>,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<Vec<Write>, Unmappable> {
    let clerk_subscription_id = data.id("id")?;
    let payer = payer(data, notes)?;
    let updated_at = placing.past_time(data, "updated_at", notes);
    let subscription = SubscriptionWrite {
        clerk_subscription_id: clerk_subscription_id.clone(),
        payer: payer.clone(),
        status: data.text_within("status", MAX_NAME, notes),
        active_at: data.time("active_at", notes),
        past_due_at: placing.past_time(data, "past_due_at", notes),
        canceled_at: data.time("canceled_at", notes),
        ended_at: data.time("ended_at", notes),
        created_at: placing
            .past_time(data, "created_at", notes)
            .unwrap_or(placing.happened_at()),
        updated_at: updated_at.unwrap_or(placing.happened_at()),
        precedence: placing.place(updated_at),
    };
    let whole = Whole {
        clerk_subscription_id: Some(clerk_subscription_id),
        payer,
        updated_at,
    };
    let mut writes = vec![Write::Subscription(Box::new(subscription))];
    // The Backend API calls them by the second name.
    for key in ["items", "subscription_items"] {
        for entry in data.objects(key)? {
            let item = item(&entry, &whole, placing, notes)?;
            writes.push(Write::SubscriptionItem(Box::new(item)));
        }
    }
    Ok(writes)
}

/// Reads a plan that came by itself.
///
/// # Errors
/// When it has no usable id, or something that a row must not lose is of the wrong type.
pub fn read_subscription_item(
    data: &Fields<'_>,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<SubscriptionItemWrite, Unmappable> {
    item(data, &Whole::default(), placing, notes)
}

fn item(
    data: &Fields<'_>,
    whole: &Whole,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<SubscriptionItemWrite, Unmappable> {
    let clerk_subscription_item_id = data.id("id")?;
    let plan = data.object("plan")?;
    let updated_at = placing
        .past_time(data, "updated_at", notes)
        .or(whole.updated_at);
    let happened_at = updated_at.unwrap_or(placing.happened_at());
    Ok(SubscriptionItemWrite {
        clerk_subscription_item_id,
        clerk_subscription_id: data
            .optional_id("subscription_id", notes)
            .or_else(|| whole.clerk_subscription_id.clone()),
        payer: payer(data, notes)?.or_else(|| whole.payer.clone()),
        status: data.text_within("status", MAX_NAME, notes),
        clerk_plan_id: data.text_within("plan_id", MAX_NAME, notes).or_else(|| {
            plan.as_ref()
                .and_then(|plan| plan.text_within("id", MAX_NAME, notes))
        }),
        plan_slug: plan
            .as_ref()
            .and_then(|plan| plan.text_within("slug", MAX_NAME, notes)),
        interval: data
            .text_within("interval", MAX_NAME, notes)
            .or_else(|| data.text_within("plan_period", MAX_NAME, notes)),
        is_free_trial: data.flag("is_free_trial", notes),
        // An upcoming plan begins in the future, and a paid one ends there.
        period_start: data.time("period_start", notes),
        period_end: data.time("period_end", notes),
        past_due_at: placing.past_time(data, "past_due_at", notes),
        created_at: placing
            .past_time(data, "created_at", notes)
            .unwrap_or(happened_at),
        updated_at: happened_at,
        precedence: placing.place(updated_at),
    })
}

/// Who pays. An organization that pays may come with the user who ordered: it still is the organization.
fn payer(data: &Fields<'_>, notes: &mut Notes) -> Result<Option<Payer>, Unmappable> {
    let Some(payer) = data.object("payer")? else {
        return Ok(None);
    };
    let organization = payer.optional_id("organization_id", notes);
    let user = payer.optional_id("user_id", notes);
    if organization.is_some() && user.is_some() {
        payer.note(
            "user_id",
            "is given beside an organization, which counts",
            notes,
        );
    }
    Ok(organization
        .map(Payer::Organization)
        .or_else(|| user.map(Payer::User)))
}
