//! What events of subscriptions and the plans within them change.

use domain::{ClerkId, Payer, SubscriptionItemWrite, SubscriptionWrite, Write};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{NOW, at_millis, deliver, only_write, quarantine_reason, writes_of},
};

fn subscription(event: &Value) -> (SubscriptionWrite, Vec<SubscriptionItemWrite>) {
    let delivery = deliver(event);
    let [Write::Subscription(subscription), items @ ..] = writes_of(&delivery) else {
        panic!("no write of a subscription: {:?}", delivery.effect);
    };
    let items = items.iter().map(|write| match write {
        Write::SubscriptionItem(item) => (**item).clone(),
        other => panic!("no write of an item: {other:?}"),
    });
    ((**subscription).clone(), items.collect())
}

fn item(event: &Value) -> SubscriptionItemWrite {
    match only_write(event) {
        Write::SubscriptionItem(write) => *write,
        other => panic!("no write of an item: {other:?}"),
    }
}

fn id(text: &str) -> ClerkId {
    ClerkId::parse(text).unwrap()
}

const USER: &str = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S";
const SUBSCRIPTION: &str = "csub_2g7np7Hrk0SN6kj5EDMLDaKNL0S";

#[test]
fn a_subscription_is_read_with_its_items() {
    let (subscription, items) = subscription(&sample("subscription.created"));
    assert_eq!(subscription.clerk_subscription_id, id(SUBSCRIPTION));
    assert_eq!(subscription.payer, Some(Payer::User(id(USER))));
    assert_eq!(subscription.status.as_deref(), Some("active"));
    assert_eq!(subscription.active_at, Some(at_millis(1_716_883_200_000)));
    assert_eq!(subscription.canceled_at, None);

    let [item] = items.as_slice() else {
        panic!("one item");
    };
    assert_eq!(item.clerk_subscription_id, Some(id(SUBSCRIPTION)));
    assert_eq!(item.payer, Some(Payer::User(id(USER))));
    assert_eq!(item.plan_slug.as_deref(), Some("pro-plan"));
    assert_eq!(
        item.clerk_plan_id.as_deref(),
        Some("cplan_2g7np7Hrk0SN6kj5EDMLDaKNL0S")
    );
    assert_eq!(item.interval.as_deref(), Some("month"));
    assert_eq!(item.period_end, Some(at_millis(1_719_561_600_000)));
    assert!(!item.is_free_trial);
}

#[test]
fn an_item_has_its_own_time_then_the_subscriptions_then_the_envelopes() {
    let mut event = sample("subscription.updated");
    event["timestamp"] = json!(1_716_883_400_000_i64);
    event["data"]["updated_at"] = json!(1_716_883_300_000_i64);
    event["data"]["items"] = json!([
        {"id": "csub_item_1", "updated_at": 1_716_883_250_000_i64},
        {"id": "csub_item_2"},
        null,
        {"id": "csub_item_3", "updated_at": "soon"},
    ]);
    let versions = |event: &Value| -> Vec<i64> {
        let (_, items) = subscription(event);
        for item in &items {
            assert_eq!(
                item.updated_at.timestamp_millis(),
                item.precedence.version_millis()
            );
        }
        let places = items.iter().map(|item| item.precedence.version_millis());
        places.collect()
    };
    assert_eq!(
        versions(&event),
        [1_716_883_250_000, 1_716_883_300_000, 1_716_883_300_000]
    );
    event["data"]["updated_at"] = json!(null);
    assert_eq!(
        versions(&event),
        [1_716_883_250_000, 1_716_883_400_000, 1_716_883_400_000]
    );
    event["timestamp"] = json!(null);
    assert_eq!(versions(&event)[1], NOW * 1000);
}

#[test]
fn an_item_keeps_its_own_payer_and_subscription() {
    let mut event = sample("subscription.updated");
    event["data"]["items"] = json!([
        {"id": "csub_item_1", "subscription_id": "csub_9", "payer": {"user_id": "", "organization_id": "org_9"}},
        {"id": "csub_item_2", "subscription_id": "", "payer": {"user_id": "", "organization_id": ""}},
    ]);
    let (_, items) = subscription(&event);
    assert_eq!(items[0].clerk_subscription_id, Some(id("csub_9")));
    assert_eq!(items[0].payer, Some(Payer::Organization(id("org_9"))));
    assert_eq!(items[1].clerk_subscription_id, Some(id(SUBSCRIPTION)));
    assert_eq!(items[1].payer, Some(Payer::User(id(USER))));
}

#[test]
fn the_unused_half_of_a_payer_is_none() {
    for (payer, expected) in [
        (
            json!({"user_id": "user_1", "organization_id": ""}),
            Some(Payer::User(id("user_1"))),
        ),
        (
            json!({"user_id": "", "organization_id": "org_1"}),
            Some(Payer::Organization(id("org_1"))),
        ),
        (
            json!({"user_id": "user_1"}),
            Some(Payer::User(id("user_1"))),
        ),
        (
            json!({"user_id": null, "organization_id": "org_1"}),
            Some(Payer::Organization(id("org_1"))),
        ),
        (
            json!({"user_id": "user_1", "organization_id": "org_1"}),
            Some(Payer::Organization(id("org_1"))),
        ),
        (json!({"user_id": "", "organization_id": ""}), None),
        (json!({}), None),
        (json!(null), None),
    ] {
        let mut event = sample("subscriptionItem.active");
        event["data"]["payer"] = payer.clone();
        assert_eq!(item(&event).payer, expected, "{payer}");
        let mut event = sample("subscription.active");
        event["data"]["payer"] = payer.clone();
        assert_eq!(subscription(&event).0.payer, expected, "{payer}");
    }
    let (past_due, _) = subscription(&sample("subscription.pastDue"));
    assert!(matches!(past_due.payer, Some(Payer::Organization(_))));
}

#[test]
fn an_item_in_the_shape_of_the_client_library_is_read_too() {
    let event = json!({"type": "subscriptionItem.active", "timestamp": 1_716_883_200_037_i64, "data": {
        "id": "csub_item_1", "status": "active", "plan_period": "annual", "proration_date": "2024-05-01",
        "amount": {"amount": 500}, "plan": {"id": "cplan_1", "slug": "pro-plan", "interval": 1},
        "past_due_at": 1_716_883_100_000_i64,
    }});
    let delivery = deliver(&event);
    assert_eq!(delivery.notes, [""; 0]);
    let item = item(&event);
    assert_eq!(item.interval.as_deref(), Some("annual"));
    assert_eq!(item.clerk_plan_id.as_deref(), Some("cplan_1"));
    assert_eq!(item.plan_slug.as_deref(), Some("pro-plan"));
    assert_eq!(item.clerk_subscription_id, None);
    assert_eq!(item.past_due_at, Some(at_millis(1_716_883_100_000)));
    assert_eq!(item.updated_at, at_millis(1_716_883_200_037));
    assert_eq!(item.precedence.version_millis(), 1_716_883_200_037);
}

#[test]
fn every_event_of_an_item_is_read() {
    for (verb, status) in [
        ("created", "active"),
        ("upcoming", "upcoming"),
        ("pastDue", "past_due"),
        ("ended", "ended"),
    ] {
        let item = item(&sample(&format!("subscriptionItem.{verb}")));
        assert_eq!(item.status.as_deref(), Some(status));
        assert_eq!(item.clerk_subscription_id, Some(id(SUBSCRIPTION)));
    }
    let expired = json!({"type": "subscriptionItem.expired", "data": {"id": "csub_item_1", "status": "expired"}});
    assert_eq!(item(&expired).status.as_deref(), Some("expired"));
    // The default plan never ends, and an upcoming one begins in the future.
    let mut upcoming = sample("subscriptionItem.upcoming");
    upcoming["data"]["period_start"] = json!((NOW + 864_000) * 1000);
    upcoming["data"]["period_end"] = json!(null);
    let upcoming = item(&upcoming);
    assert_eq!(
        upcoming.period_start,
        Some(at_millis((NOW + 864_000) * 1000))
    );
    assert_eq!(upcoming.period_end, None);
    assert!(item(&sample("subscriptionItem.freeTrialEnding")).is_free_trial);
}

#[test]
fn what_decides_about_money_is_not_guessed() {
    for (event_type, key, value, reason) in [
        (
            "subscriptionItem.active",
            "plan",
            json!("pro"),
            "data.plan is a string, not an object",
        ),
        (
            "subscriptionItem.active",
            "payer",
            json!("user_1"),
            "data.payer is a string, not an object",
        ),
        (
            "subscription.updated",
            "items",
            json!({}),
            "data.items is an object, not a list",
        ),
        (
            "subscription.updated",
            "items",
            json!([{"id": "csub_item_1"}, {}]),
            "data.items[1].id is missing",
        ),
        (
            "subscription.updated",
            "items",
            json!(["csub_item_1"]),
            "data.items[0] is a string, not an object",
        ),
        (
            "subscription.updated",
            "id",
            json!(""),
            "data.id is no usable id: the id is empty",
        ),
    ] {
        let mut event = sample(event_type);
        event["data"][key] = value;
        assert_eq!(quarantine_reason(&deliver(&event)), reason);
    }
}

#[test]
fn a_grace_does_not_begin_in_the_far_future() {
    let mut event = sample("subscriptionItem.pastDue");
    event["data"]["past_due_at"] = json!((NOW + 100_000) * 1000);
    assert_eq!(item(&event).past_due_at, None);
}
