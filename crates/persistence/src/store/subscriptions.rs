//! The rows of subscriptions and of the plans within them.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, Queryable, Selectable};
use domain::{
    ChangeOp, ClerkId, ObjectKind, Payer, Subscription, SubscriptionItem, SubscriptionItemWrite,
    SubscriptionWrite,
};

use super::Conn;
use super::changes::{About, News};
use super::guarded::{Context, define_upsert, on_conflict, upsert_guarded};
use crate::column::Time;
use crate::schema::{subscription_items, subscriptions};

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscriptions)]
struct SubscriptionRow {
    clerk_subscription_id: String,
    payer_user_id: Option<String>,
    payer_organization_id: Option<String>,
    status: Option<String>,
    active_at: Option<Time>,
    past_due_at: Option<Time>,
    canceled_at: Option<Time>,
    ended_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    version: i64,
}

super::insertion::insertable! {
    struct NewSubscription<'a> for subscriptions {
        clerk_subscription_id: &'a str,
        payer_user_id: Option<&'a str>,
        payer_organization_id: Option<&'a str>,
        status: Option<&'a str>,
        active_at: Option<Time>,
        past_due_at: Option<Time>,
        canceled_at: Option<Time>,
        ended_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = subscription_items)]
struct ItemRow {
    clerk_subscription_item_id: String,
    clerk_subscription_id: Option<String>,
    payer_user_id: Option<String>,
    payer_organization_id: Option<String>,
    status: Option<String>,
    clerk_plan_id: Option<String>,
    plan_slug: Option<String>,
    plan_interval: Option<String>,
    is_free_trial: bool,
    period_start: Option<Time>,
    period_end: Option<Time>,
    past_due_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    version: i64,
}

super::insertion::insertable! {
    struct NewItem<'a> for subscription_items {
        clerk_subscription_item_id: &'a str,
        clerk_subscription_id: Option<&'a str>,
        payer_user_id: Option<&'a str>,
        payer_organization_id: Option<&'a str>,
        status: Option<&'a str>,
        clerk_plan_id: Option<&'a str>,
        plan_slug: Option<&'a str>,
        plan_interval: Option<&'a str>,
        is_free_trial: bool,
        period_start: Option<Time>,
        period_end: Option<Time>,
        past_due_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
}

/// The payer's id as a user, and as an organization.
pub(super) fn halves(payer: Option<&Payer>) -> (Option<&str>, Option<&str>) {
    match payer {
        Some(Payer::User(id)) => (Some(id.as_str()), None),
        Some(Payer::Organization(id)) => (None, Some(id.as_str())),
        None => (None, None),
    }
}

impl<'a> NewSubscription<'a> {
    fn told(write: &'a SubscriptionWrite, now: DateTime<Utc>) -> Self {
        let (payer_user_id, payer_organization_id) = halves(write.payer.as_ref());
        Self {
            clerk_subscription_id: write.clerk_subscription_id.as_str(),
            payer_user_id,
            payer_organization_id,
            status: write.status.as_deref(),
            active_at: write.active_at.map(Time),
            past_due_at: write.past_due_at.map(Time),
            canceled_at: write.canceled_at.map(Time),
            ended_at: write.ended_at.map(Time),
            created_at: Time(write.created_at),
            updated_at: Time(write.updated_at),
            version: write.precedence.version_millis(),
            precedence: write.precedence.to_bytes(),
            mirrored_at: Time(now),
        }
    }
}

impl<'a> NewItem<'a> {
    fn told(write: &'a SubscriptionItemWrite, now: DateTime<Utc>) -> Self {
        let (payer_user_id, payer_organization_id) = halves(write.payer.as_ref());
        Self {
            clerk_subscription_item_id: write.clerk_subscription_item_id.as_str(),
            clerk_subscription_id: write.clerk_subscription_id.as_ref().map(ClerkId::as_str),
            payer_user_id,
            payer_organization_id,
            status: write.status.as_deref(),
            clerk_plan_id: write.clerk_plan_id.as_deref(),
            plan_slug: write.plan_slug.as_deref(),
            plan_interval: write.interval.as_deref(),
            is_free_trial: write.is_free_trial,
            period_start: write.period_start.map(Time),
            period_end: write.period_end.map(Time),
            past_due_at: write.past_due_at.map(Time),
            created_at: Time(write.created_at),
            updated_at: Time(write.updated_at),
            version: write.precedence.version_millis(),
            precedence: write.precedence.to_bytes(),
            mirrored_at: Time(now),
        }
    }
}

define_upsert! {
    upsert(SubscriptionWrite) into subscriptions by [clerk_subscription_id] of NewSubscription,
    [
        payer_user_id, payer_organization_id, status, active_at, past_due_at, canceled_at, ended_at, created_at,
        updated_at,
    ],
    SubscriptionRow to subscription_change unless |_| false
}

define_upsert! {
    upsert_items(SubscriptionItemWrite) into subscription_items by [clerk_subscription_item_id] of NewItem,
    [
        clerk_subscription_id, payer_user_id, payer_organization_id, status, clerk_plan_id, plan_slug, plan_interval,
        is_free_trial, period_start, period_end, past_due_at, created_at, updated_at,
    ],
    ItemRow to item_change unless |_| false
}

fn subscription_change(row: SubscriptionRow, op: ChangeOp, at: DateTime<Utc>) -> Option<News> {
    let SubscriptionRow {
        clerk_subscription_id,
        payer_user_id,
        payer_organization_id,
        status,
        active_at,
        past_due_at,
        canceled_at,
        ended_at,
        created_at,
        updated_at,
        version,
    } = row;
    let shown = Subscription {
        clerk_subscription_id: ClerkId::parse(clerk_subscription_id).ok()?,
        payer_user_id,
        payer_organization_id,
        status,
        active_at: active_at.map(|at| at.0),
        past_due_at: past_due_at.map(|at| at.0),
        canceled_at: canceled_at.map(|at| at.0),
        ended_at: ended_at.map(|at| at.0),
        created_at: created_at.0,
        updated_at: updated_at.0,
        version,
    };
    let about = About {
        kind: ObjectKind::Subscription.into(),
        clerk_id: shown.clerk_subscription_id.as_str(),
        clerk_user_id: None,
    };
    News::of(about, op, at, &shown).ok()
}

fn item_change(row: ItemRow, op: ChangeOp, at: DateTime<Utc>) -> Option<News> {
    let ItemRow {
        clerk_subscription_item_id,
        clerk_subscription_id,
        payer_user_id,
        payer_organization_id,
        status,
        clerk_plan_id,
        plan_slug,
        plan_interval,
        is_free_trial,
        period_start,
        period_end,
        past_due_at,
        created_at,
        updated_at,
        version,
    } = row;
    let shown = SubscriptionItem {
        clerk_subscription_item_id: ClerkId::parse(clerk_subscription_item_id).ok()?,
        clerk_subscription_id,
        payer_user_id,
        payer_organization_id,
        status,
        clerk_plan_id,
        plan_slug,
        interval: plan_interval,
        is_free_trial,
        period_start: period_start.map(|at| at.0),
        period_end: period_end.map(|at| at.0),
        past_due_at: past_due_at.map(|at| at.0),
        created_at: created_at.0,
        updated_at: updated_at.0,
        version,
    };
    let about = About {
        kind: ObjectKind::SubscriptionItem.into(),
        clerk_id: shown.clerk_subscription_item_id.as_str(),
        clerk_user_id: None,
    };
    News::of(about, op, at, &shown).ok()
}
