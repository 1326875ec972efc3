use serde_json::{Value, json};

use crate::running::{Running, running};
use crate::tokens::part;

/// The newest event of this type.
fn last(clerk: &Running, event_type: &str) -> Value {
    let deliveries = clerk.deliveries();
    let found = deliveries
        .iter()
        .rev()
        .find(|it| it.event_type == event_type);
    let found = found.unwrap_or_else(|| panic!("no {event_type} in {:?}", clerk.events()));
    serde_json::from_str::<Value>(found.payload.get()).unwrap()["data"].clone()
}

async fn step(clerk: &Running, step: &str, body: Value) -> Value {
    clerk
        .post(&format!("/__emu/billing/{step}"), body)
        .await
        .ok()
}

/// What `work` makes happen.
async fn events_of(clerk: &Running, name: &str, body: Value) -> Vec<String> {
    let before = clerk.events().len();
    step(clerk, name, body).await;
    clerk.events().split_off(before)
}

#[tokio::test]
async fn a_subscription_is_paid_and_shown_in_both_shapes() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let path = format!("/v1/users/{}/billing/subscription", user.id);
    let none = clerk.get(&path).await;
    assert_eq!((none.status, none.code()), (404, "resource_not_found"));
    let body = json!({"user_id": user.id, "plan": "pro", "amount": 2_000, "period_end": 1_900_000_000_000_i64});
    let events = events_of(&clerk, "subscribe", body).await;
    assert_eq!(
        events,
        [
            "subscription.created",
            "subscriptionItem.created",
            "paymentAttempt.created",
            "paymentAttempt.updated",
            "subscriptionItem.active",
            "subscription.active"
        ]
    );
    let shown = clerk.get(&path).await.ok();
    assert_eq!(
        (&shown["object"], &shown["status"]),
        (&json!("commerce_subscription"), &json!("active"))
    );
    let item = &shown["subscription_items"][0];
    assert_eq!(
        (&item["plan_period"], &item["plan"]["slug"]),
        (&json!("month"), &json!("pro"))
    );
    assert_eq!(item["payer"]["organization_id"], Value::Null);
    assert_eq!(item["lifetime_paid"]["amount_formatted"], "$20.00");
    let told = last(&clerk, "subscription.active");
    assert_eq!(
        (&told["id"], &told["updated_at"]),
        (&shown["id"], &shown["updated_at"])
    );
    assert_eq!(
        (&told["payer"]["user_id"], &told["payer"]["organization_id"]),
        (&json!(user.id), &json!(""))
    );
    assert_eq!(told["items"][0]["interval"], "month");
    assert!(told["items"][0].get("payer").is_none());
    let told = last(&clerk, "subscriptionItem.active");
    assert_eq!(
        (&told["id"], &told["subscription_id"]),
        (&item["id"], &shown["id"])
    );
    assert_eq!(
        (&told["period_end"], &told["plan"]["amount"]),
        (&json!(1_900_000_000_000_i64), &json!(2_000))
    );
    let paid = last(&clerk, "paymentAttempt.updated");
    assert_eq!(
        (&paid["status"], &paid["totals"]["grand_total"]["amount"]),
        (&json!("paid"), &json!(2_000))
    );
    assert_eq!(paid["charge_type"], "checkout");
    let first = last(&clerk, "paymentAttempt.created");
    assert_eq!(
        (&first["id"], &first["status"]),
        (&paid["id"], &json!("pending"))
    );
    let session = clerk.new_session(&user.id).unwrap();
    let token = clerk.session_token(&session.id, None, None, None).unwrap();
    assert_eq!(part(&token, 1)["pla"], "u:pro");
    let twice = clerk
        .post(
            "/__emu/billing/subscribe",
            json!({"user_id": user.id, "plan": "pro"}),
        )
        .await;
    assert_eq!((twice.status, twice.code()), (409, "subscription_unfit"));
    assert_eq!(clerk.snapshot()["subscriptions"], json!([shown]));
}

#[tokio::test]
async fn a_subscription_goes_past_due_recovers_and_runs_out() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let payer = json!({"user_id": user.id});
    let body = json!({"user_id": user.id, "plan": "pro", "trial": true});
    let begun = events_of(&clerk, "subscribe", body).await;
    assert!(
        !begun.iter().any(|event| event.starts_with("payment")),
        "{begun:?}"
    );
    assert_eq!(
        events_of(&clerk, "trial_ending", payer.clone()).await,
        ["subscriptionItem.freeTrialEnding"]
    );
    let renewed = events_of(&clerk, "renew", payer.clone()).await;
    assert_eq!(
        renewed[2..],
        ["subscriptionItem.updated", "subscription.updated"]
    );
    assert_eq!(
        last(&clerk, "subscriptionItem.updated")["is_free_trial"],
        false
    );
    let late = events_of(&clerk, "past_due", payer.clone()).await;
    assert_eq!(
        late[2..],
        ["subscriptionItem.pastDue", "subscription.pastDue"]
    );
    assert_eq!(last(&clerk, "paymentAttempt.updated")["status"], "failed");
    assert!(last(&clerk, "subscription.pastDue")["past_due_at"].is_i64());
    let again = events_of(&clerk, "renew", payer.clone()).await;
    assert_eq!(
        again[2..],
        ["subscriptionItem.active", "subscription.active"]
    );
    let paid = last(&clerk, "paymentAttempt.updated");
    assert_eq!(
        (&paid["status"], &paid["charge_type"]),
        (&json!("paid"), &json!("recurring"))
    );
    assert_eq!(paid["subscription_items"][0]["lifetime_paid"], 3_000);
    let canceled = events_of(&clerk, "cancel", payer.clone()).await;
    assert_eq!(
        canceled,
        ["subscriptionItem.canceled", "subscription.updated"]
    );
    let told = last(&clerk, "subscription.updated");
    assert_eq!(
        (&told["status"], &told["items"][0]["status"]),
        (&json!("active"), &json!("canceled"))
    );
    let twice = clerk.post("/__emu/billing/cancel", payer.clone()).await;
    assert_eq!(twice.status, 409);
    let over = events_of(&clerk, "end", payer.clone()).await;
    assert_eq!(over, ["subscriptionItem.ended", "subscription.updated"]);
    assert_eq!(last(&clerk, "subscription.updated")["status"], "ended");
    let deliveries = clerk.deliveries();
    let versions: Vec<i64> = deliveries
        .iter()
        .filter(|it| it.event_type.starts_with("subscription."))
        .map(|it| {
            serde_json::from_str::<Value>(it.payload.get()).unwrap()["data"]["updated_at"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert!(
        versions.windows(2).all(|pair| pair[0] <= pair[1]),
        "{versions:?}"
    );
    clerk.delete(&format!("/v1/users/{}", user.id)).await.ok();
    assert_eq!(clerk.snapshot()["subscriptions"], json!([]));
}

#[tokio::test]
async fn an_organization_changes_its_plan_now_or_later() {
    let clerk = running().await;
    let organization = clerk
        .post("/v1/organizations", json!({"name": "Payers"}))
        .await
        .ok();
    let id = organization["id"].as_str().unwrap();
    let with = |plan: &str| json!({"organization_id": id, "plan": plan, "annual": true});
    step(&clerk, "subscribe", with("team")).await;
    let later = events_of(&clerk, "change", with("business")).await;
    assert_eq!(
        later,
        [
            "subscriptionItem.canceled",
            "subscriptionItem.created",
            "subscriptionItem.upcoming",
            "subscription.updated"
        ]
    );
    let upcoming = last(&clerk, "subscriptionItem.upcoming");
    assert_eq!(
        upcoming["period_start"],
        last(&clerk, "subscriptionItem.canceled")["period_end"]
    );
    assert_eq!(
        (
            &upcoming["payer"]["user_id"],
            &upcoming["payer"]["organization_id"]
        ),
        (&json!(""), &json!(id))
    );
    let begun = events_of(&clerk, "end", json!({"organization_id": id})).await;
    assert_eq!(begun[0], "subscriptionItem.ended");
    assert_eq!(
        begun[3..],
        ["subscriptionItem.active", "subscription.active"]
    );
    let now = events_of(&clerk, "subscribe", with("team")).await;
    assert_eq!(now[0], "subscriptionItem.ended");
    let list = clerk.get("/v1/billing/subscription_items").await.ok();
    assert_eq!(list["total_count"], 3);
    assert_eq!(list["data"][0]["plan"]["slug"], "team");
    let user = clerk.new_user("free@example.com").unwrap();
    step(
        &clerk,
        "subscribe",
        json!({"user_id": user.id, "plan": "free_user"}),
    )
    .await;
    for (query, count) in [
        ("", 3),
        ("?include_free=true", 4),
        ("?status=active", 1),
        ("?status=ended", 2),
        ("?payer_type=user&include_free=true", 1),
        ("?query=payers", 3),
        ("?query=FREE%40&include_free=true", 1),
    ] {
        let list = clerk
            .get(&format!("/v1/billing/subscription_items{query}"))
            .await
            .ok();
        assert_eq!(list["total_count"], count, "{query}");
    }
    let plans = clerk.get("/v1/billing/plans?payer_type=org").await.ok();
    assert_eq!(plans["total_count"], 2);
    for (step, body) in [
        ("subscribe", json!({"plan": "pro"})),
        ("subscribe", json!({"user_id": user.id, "plan": "team"})),
        ("subscribe", json!({"user_id": user.id, "plan": "No Slug"})),
        ("cancel", json!({"user_id": user.id, "plan": "pro"})),
        ("explode", json!({"user_id": user.id})),
    ] {
        assert_eq!(
            clerk
                .post(&format!("/__emu/billing/{step}"), body)
                .await
                .status,
            422,
            "{step}"
        );
    }
}

#[tokio::test]
async fn an_item_is_cancelled_or_ended_by_its_id_and_a_trial_is_extended() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let body = json!({"user_id": user.id, "plan": "pro", "trial": true});
    let subscription = clerk.post("/__emu/billing/subscribe", body).await.ok();
    let item = subscription["subscription_items"][0].clone();
    let path = format!(
        "/v1/billing/subscription_items/{}",
        item["id"].as_str().unwrap()
    );
    let later =
        chrono::DateTime::from_timestamp_millis(item["period_end"].as_i64().unwrap() + 86_400_000)
            .unwrap();
    let extend = json!({"extend_to": later.to_rfc3339()});
    let extended = clerk
        .post(&format!("{path}/extend_free_trial"), extend.clone())
        .await
        .ok();
    assert_eq!(extended["period_end"], later.timestamp_millis());
    assert_eq!(
        clerk
            .post(&format!("{path}/extend_free_trial"), extend)
            .await
            .ok(),
        extended
    );
    let past = json!({"extend_to": "2001-01-01T00:00:00Z"});
    assert_eq!(
        clerk
            .post(&format!("{path}/extend_free_trial"), past)
            .await
            .status,
        422
    );
    assert_eq!(clerk.delete(&path).await.ok()["status"], "canceled");
    assert_eq!(
        clerk.delete(&format!("{path}?end_now=true")).await.ok()["status"],
        "ended"
    );
    assert_eq!(clerk.delete(&path).await.status, 409);
    assert_eq!(
        clerk
            .delete("/v1/billing/subscription_items/csub_item_404")
            .await
            .status,
        404
    );
    let told = clerk.events();
    assert_eq!(
        told[told.len() - 5..],
        [
            "subscriptionItem.updated",
            "subscriptionItem.canceled",
            "subscription.updated",
            "subscriptionItem.ended",
            "subscription.updated"
        ]
    );
}
