//! Tiers: what a plan gives, to whom, and until when.

use chrono::{DateTime, Utc};
use domain::Delivery;
use domain::Outcome::{Applied, Stale};
use serde_json::{Value, json};

use crate::facts::{
    RECEIVED, at, deleted_organization, deleted_user, id, item, organization, user,
};
use crate::store::{TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    an_active_plan_makes_a_user_paid,
    user_and_plan_may_come_in_either_order,
    a_plan_that_is_not_known_or_not_in_force_gives_nothing,
    a_cancelled_plan_lasts_until_its_end_and_then_the_metadata_counts,
    a_plan_that_has_lapsed_already_gives_nothing,
    an_overdue_plan_has_seven_days_of_grace,
    an_organization_that_pays_has_a_tier,
    of_two_plans_the_one_that_lasts_longer_counts,
    a_plan_that_passes_to_another_payer_leaves_the_first,
    a_profile_does_not_take_away_what_is_paid_for,
    a_row_from_a_token_knows_what_is_paid_for,
    the_deleted_are_settled_and_nobody_is_told,
    lapsed_tiers_are_settled_a_few_at_a_time,
}

const DAY: i64 = 24 * 3_600_000;

/// Tier and end of a user's.
async fn tier(store: &TestStore, clerk_user_id: &str) -> (Value, Value) {
    let mut row = store.user(clerk_user_id).await;
    (row["tier"].take(), row["tier_until"].take())
}

async fn organization_tier(store: &TestStore) -> (Value, Value) {
    let mut row = store.organization("org_1").await;
    (row["tier"].take(), row["tier_until"].take())
}

fn free() -> (Value, Value) {
    (json!("free"), Value::Null)
}

fn paid(until: Option<i64>) -> (Value, Value) {
    (json!("paid"), json!(until))
}

async fn settle(store: &TestStore, now: DateTime<Utc>) -> u64 {
    store
        .store
        .housekeeping
        .settle_tiers(now, 100)
        .await
        .unwrap()
}

/// The last change, as kind, id and the tier that it tells.
async fn last_told(store: &TestStore) -> (Value, Value, Value) {
    let mut change = store.rows(&tables::CHANGES).await.pop().unwrap();
    let tier = change["data"]["tier"].take();
    (change["kind"].take(), change["clerk_id"].take(), tier)
}

async fn an_active_plan_makes_a_user_paid(store: TestStore) {
    store.apply(user("user_1").updated(1)).await;
    store.apply(user("user_2").updated(1)).await;
    assert_eq!(
        store
            .apply(item("csub_item_1", "active", "pro").updated(2))
            .await,
        Applied
    );
    assert_eq!(tier(&store, "user_1").await, paid(None));
    assert_eq!(tier(&store, "user_2").await, free());
    let feed = [
        "upsert user user_1",
        "upsert user user_2",
        "upsert subscription_item csub_item_1",
        "upsert user user_1",
    ];
    assert_eq!(store.feed().await, feed);
    assert_eq!(last_told(&store).await.2, "paid");
    // Told again, nothing changes and nobody is told.
    let before = store.everything().await;
    assert_eq!(
        store
            .apply(item("csub_item_1", "active", "pro").updated(2))
            .await,
        Stale
    );
    assert_eq!(store.everything().await, before);
    store
        .apply(item("csub_item_1", "ended", "pro").updated(3))
        .await;
    assert_eq!(tier(&store, "user_1").await, free());
    assert_eq!(
        last_told(&store).await,
        (json!("user"), json!("user_1"), json!("free"))
    );
}

async fn user_and_plan_may_come_in_either_order(store: TestStore) {
    let profile = |id: &str| user(id).updated(1).digest([1; 8]);
    let plan =
        |item_id: &str, user_id: &str| item(item_id, "active", "pro").of_user(user_id).updated(2);
    store.apply(profile("user_1")).await;
    store.apply(plan("csub_item_1", "user_1")).await;
    store.apply(plan("csub_item_2", "user_2")).await;
    store.apply(profile("user_2")).await;
    let (mut first, mut second) = (store.user("user_1").await, store.user("user_2").await);
    assert_eq!(first["tier"], "paid");
    for row in [&mut first, &mut second] {
        row["clerk_user_id"] = Value::Null;
    }
    assert_eq!(first, second);
    assert_eq!(
        last_told(&store).await,
        (json!("user"), json!("user_2"), json!("paid"))
    );
}

async fn a_plan_that_is_not_known_or_not_in_force_gives_nothing(store: TestStore) {
    store
        .apply(user("user_1").updated(1).metadata(json!({"tier": "free"})))
        .await;
    for (time, (status, plan)) in (2..).zip([
        ("active", "hobby"),
        ("active", "PRO"),
        ("active", ""),
        ("upcoming", "pro"),
        ("ended", "pro"),
        ("incomplete", "pro"),
        ("something_new", "pro"),
        ("", "pro"),
    ]) {
        store
            .apply(item("csub_item_1", status, plan).updated(time))
            .await;
        assert_eq!(tier(&store, "user_1").await, free(), "{status} {plan}");
    }
}

async fn a_cancelled_plan_lasts_until_its_end_and_then_the_metadata_counts(store: TestStore) {
    let end = RECEIVED + 3 * DAY;
    store.apply(user("user_1").updated(1)).await;
    store
        .apply(
            item("csub_item_1", "active", "pro")
                .until(at(end))
                .updated(2),
        )
        .await;
    store
        .apply(
            item("csub_item_1", "canceled", "pro")
                .until(at(end))
                .updated(3),
        )
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(Some(end)));
    let before = store.everything().await;
    assert_eq!(settle(&store, at(end - 1)).await, 0);
    assert_eq!(
        store.everything().await,
        before,
        "it lasts to the last millisecond"
    );

    assert_eq!(settle(&store, at(end)).await, 1);
    assert_eq!(tier(&store, "user_1").await, free());
    assert_eq!(
        last_told(&store).await,
        (json!("user"), json!("user_1"), json!("free"))
    );
    let change = store.rows(&tables::CHANGES).await.pop().unwrap();
    assert_eq!(
        (&change["op"], &change["at"]),
        (&json!("upsert"), &json!(end))
    );
    let before = store.everything().await;
    assert_eq!(settle(&store, at(end + DAY)).await, 0);
    assert_eq!(store.everything().await, before);

    // What the team's own metadata gives is no plan's to take away.
    store
        .apply(user("user_2").updated(1).metadata(json!({"tier": "paid"})))
        .await;
    let plan = item("csub_item_2", "canceled", "pro")
        .of_user("user_2")
        .until(at(end))
        .updated(2);
    store.apply(plan).await;
    assert_eq!(tier(&store, "user_2").await, paid(Some(end)));
    assert_eq!(settle(&store, at(end)).await, 1);
    assert_eq!(tier(&store, "user_2").await, paid(None));
}

async fn a_plan_that_has_lapsed_already_gives_nothing(store: TestStore) {
    store.apply(user("user_1").updated(1)).await;
    for (time, plan) in (2..).zip([
        item("csub_item_1", "canceled", "pro").until(at(RECEIVED)),
        item("csub_item_1", "canceled", "pro"),
        item("csub_item_1", "past_due", "pro").past_due(at(RECEIVED - 7 * DAY)),
    ]) {
        assert_eq!(store.apply(plan.updated(time)).await, Applied);
        assert_eq!(tier(&store, "user_1").await, free(), "{time}");
    }
}

async fn an_overdue_plan_has_seven_days_of_grace(store: TestStore) {
    store.apply(user("user_1").updated(1)).await;
    // Since when Clerk says, or else since it changed the plan.
    let since = RECEIVED - DAY;
    store
        .apply(
            item("csub_item_1", "past_due", "pro")
                .past_due(at(since))
                .updated(2),
        )
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(Some(since + 7 * DAY)));
    store
        .apply(item("csub_item_1", "past_due", "pro").updated(3))
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(Some(3 + 7 * DAY)));
    assert_eq!(settle(&store, at(2 + 7 * DAY)).await, 0);
    assert_eq!(settle(&store, at(3 + 7 * DAY)).await, 1);
    assert_eq!(tier(&store, "user_1").await, free());
    // The payment came through after all.
    store
        .apply(item("csub_item_1", "active", "pro").updated(4))
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(None));
}

async fn an_organization_that_pays_has_a_tier(store: TestStore) {
    let end = RECEIVED + DAY;
    let plan = || item("csub_item_1", "active", "pro").of_organization("org_1");
    store.apply(user("user_1").updated(1)).await;
    store.apply(plan().updated(2)).await;
    assert_eq!(
        store.organization("org_1").await,
        Value::Null,
        "a plan makes no organization"
    );
    store
        .apply(organization("org_1").named("A").updated(1))
        .await;
    assert_eq!(organization_tier(&store).await, paid(None));
    assert_eq!(
        last_told(&store).await,
        (json!("organization"), json!("org_1"), json!("paid"))
    );
    assert_eq!(
        tier(&store, "user_1").await,
        free(),
        "it is not the user who pays"
    );
    store
        .apply(organization("org_1").named("B").updated(3))
        .await;
    assert_eq!(organization_tier(&store).await, paid(None));

    let cancelled = item("csub_item_1", "canceled", "pro")
        .of_organization("org_1")
        .until(at(end));
    store.apply(cancelled.updated(4)).await;
    assert_eq!(organization_tier(&store).await, paid(Some(end)));
    assert_eq!(settle(&store, at(end)).await, 1);
    assert_eq!(organization_tier(&store).await, (Value::Null, Value::Null));
    assert_eq!(
        last_told(&store).await,
        (json!("organization"), json!("org_1"), Value::Null)
    );
}

async fn of_two_plans_the_one_that_lasts_longer_counts(store: TestStore) {
    let (soon, later) = (RECEIVED + DAY, RECEIVED + 2 * DAY);
    store.apply(user("user_1").updated(1)).await;
    let cancelled = |id: &str, end| item(id, "canceled", "pro").until(at(end)).updated(2);
    store.apply(cancelled("csub_item_1", later)).await;
    store.apply(cancelled("csub_item_2", soon)).await;
    assert_eq!(tier(&store, "user_1").await, paid(Some(later)));
    // A lesser plan without an end neither shortens nor prolongs it.
    store
        .apply(item("csub_item_3", "active", "hobby").updated(2))
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(Some(later)));
    store
        .apply(item("csub_item_2", "active", "paid").updated(3))
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(None));
    store
        .apply(item("csub_item_2", "ended", "paid").updated(4))
        .await;
    assert_eq!(tier(&store, "user_1").await, paid(Some(later)));
    assert_eq!(settle(&store, at(later)).await, 1);
    assert_eq!(tier(&store, "user_1").await, free());
}

async fn a_plan_that_passes_to_another_payer_leaves_the_first(store: TestStore) {
    store.apply(user("user_1").updated(1)).await;
    store.apply(user("user_2").updated(1)).await;
    store.apply(organization("org_1").updated(1)).await;
    let plan = |time| item("csub_item_1", "active", "pro").updated(time);
    store.apply(plan(2).of_user("user_1")).await;
    store.apply(plan(3).of_organization("org_1")).await;
    assert_eq!(tier(&store, "user_1").await, free());
    assert_eq!(organization_tier(&store).await, paid(None));
    store.apply(plan(4).of_user("user_2")).await;
    assert_eq!(organization_tier(&store).await, (Value::Null, Value::Null));
    assert_eq!(tier(&store, "user_2").await, paid(None));
    store.apply(plan(5).paid_by(None)).await;
    assert_eq!(tier(&store, "user_2").await, free());
    // One that comes too late gives nobody anything.
    assert_eq!(
        store
            .apply(plan(4).of_user("user_1").message("msg_late"))
            .await,
        Stale
    );
    assert_eq!(tier(&store, "user_1").await, free());
}

async fn a_profile_does_not_take_away_what_is_paid_for(store: TestStore) {
    let end = RECEIVED + DAY;
    store
        .apply(
            item("csub_item_1", "canceled", "pro")
                .until(at(end))
                .updated(2),
        )
        .await;
    for time in 1..4 {
        let profile = user("user_1")
            .updated(time)
            .metadata(json!({"tier": "free", "n": time}));
        assert_eq!(store.apply(profile).await, Applied);
        assert_eq!(tier(&store, "user_1").await, paid(Some(end)), "{time}");
    }
}

async fn a_row_from_a_token_knows_what_is_paid_for(store: TestStore) {
    store
        .apply(item("csub_item_1", "active", "pro").updated(2))
        .await;
    let thin = domain::ThinUser {
        clerk_user_id: id("user_1"),
        email: None,
        first_name: None,
        last_name: None,
        image_url: None,
        seen_at: at(RECEIVED),
    };
    let made = store.store.users.provision(thin).await.unwrap();
    assert_eq!(made.tier.as_str(), "paid");
    store
        .apply(item("csub_item_1", "ended", "pro").updated(3))
        .await;
    assert_eq!(tier(&store, "user_1").await, free());
}

async fn the_deleted_are_settled_and_nobody_is_told(store: TestStore) {
    let end = RECEIVED + DAY;
    let of_user: Delivery = item("csub_item_1", "canceled", "pro")
        .until(at(end))
        .updated(2)
        .into();
    let of_organization: Delivery = item("csub_item_2", "canceled", "pro")
        .of_organization("org_1")
        .until(at(end))
        .updated(2)
        .into();
    store.apply(deleted_user("user_1").updated(1)).await;
    store.apply(deleted_organization("org_1").updated(1)).await;
    store.apply(of_user).await;
    store.apply(of_organization).await;
    let told = store.feed().await;
    let expected = [
        "delete user user_1",
        "delete organization org_1",
        "upsert subscription_item csub_item_1",
        "upsert subscription_item csub_item_2",
    ];
    assert_eq!(told, expected);
    assert_eq!(tier(&store, "user_1").await, paid(Some(end)));
    assert_eq!(settle(&store, at(end)).await, 2);
    assert_eq!(
        settle(&store, at(end)).await,
        0,
        "they are not looked at for ever"
    );
    assert_eq!(store.feed().await, told);
}

async fn lapsed_tiers_are_settled_a_few_at_a_time(store: TestStore) {
    let end = RECEIVED + DAY;
    for number in 0..5 {
        let user_id = format!("user_{number}");
        store.apply(user(&user_id).updated(1)).await;
        let plan = item(&format!("csub_item_{number}"), "canceled", "pro").of_user(&user_id);
        store.apply(plan.until(at(end)).updated(2)).await;
    }
    let settle = async || {
        store
            .store
            .housekeeping
            .settle_tiers(at(end), 2)
            .await
            .unwrap()
    };
    assert_eq!(
        [
            settle().await,
            settle().await,
            settle().await,
            settle().await
        ],
        [2, 2, 1, 0]
    );
    let still = store
        .rows_where(&tables::USERS, "tier <> 'free' or tier_until is not null")
        .await;
    assert_eq!(still, Vec::<Value>::new());
    assert_eq!(store.feed().await.len(), 20);
}
