use emulator::{Caller, EmulatorConfig};
use reqwest::Method;
use serde_json::{Value, json};

use crate::running::{Running, config, running, running_with};

#[tokio::test]
async fn any_event_can_be_emitted_with_data_and_only_known_ones_without() {
    let clerk = running().await;
    let data = json!({"id": "thing_1", "odd": [null]});
    clerk
        .post(
            "/__emu/events",
            json!({"type": "thing.happened", "data": data}),
        )
        .await
        .ok();
    let listed = clerk
        .get("/__emu/deliveries?type=thing.happened")
        .await
        .ok();
    let [delivery] = listed["deliveries"].as_array().unwrap().as_slice() else {
        panic!("{listed}")
    };
    assert_eq!(delivery["payload"]["data"], data);
    assert_eq!(
        (&delivery["object_id"], &delivery["status"]),
        (&json!("thing_1"), &json!("unsent"))
    );
    let unknown = clerk
        .post("/__emu/events", json!({"type": "thing.happened"}))
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (422, "form_param_missing")
    );
}

#[tokio::test]
async fn deliveries_can_be_filtered_and_counted() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    clerk.new_session(&user.id).unwrap();
    clerk
        .update_user(&user.id, json!({}), &Caller::default())
        .unwrap();
    let about_user = clerk
        .get(&format!("/__emu/deliveries?object_id={}", user.id))
        .await
        .ok();
    assert_eq!(
        (&about_user["total_count"], &about_user["pending"]),
        (&json!(2), &json!(0))
    );
    let newest = clerk.get("/__emu/deliveries?limit=1").await.ok();
    assert_eq!(newest["deliveries"][0]["type"], "user.updated");
    assert_eq!(newest["total_count"], 3);
    let id = newest["deliveries"][0]["id"].as_str().unwrap();
    assert_eq!(
        clerk.get(&format!("/__emu/deliveries/{id}")).await.ok(),
        newest["deliveries"][0]
    );
    assert_eq!(
        clerk.get("/__emu/deliveries?status=failed").await.ok()["total_count"],
        0
    );
}

#[tokio::test]
async fn seeding_makes_users_with_or_without_events() {
    let clerk = running().await;
    clerk.new_user("user2@example.com").unwrap();
    let made = clerk.post("/__emu/seed", json!({"users": 3})).await.ok();
    assert_eq!((&made["users"], clerk.events().len()), (&json!(3), 4));
    clerk
        .post("/__emu/seed", json!({"users": 30, "webhooks": false}))
        .await
        .ok();
    assert_eq!(clerk.events().len(), 4);
    assert_eq!(clerk.get("/v1/users/count").await.ok()["total_count"], 34);
}

#[tokio::test]
async fn reset_forgets_objects_and_deliveries_but_not_the_key() {
    let clerk = running().await;
    let jwks = clerk.jwks();
    let user = clerk.new_user("a@example.com").unwrap();
    let state = clerk.get("/__emu/state").await.ok();
    assert_eq!(state["users"], json!([user]));
    assert_eq!(clerk.post("/__emu/reset", json!({})).await.status, 204);
    let state = clerk.get("/__emu/state").await.ok();
    assert_eq!(
        (&state["users"], &state["sessions"]),
        (&json!([]), &json!([]))
    );
    assert!(clerk.events().is_empty());
    assert_eq!(clerk.jwks(), jwks);
    assert!(clerk.new_user("a@example.com").is_ok());
}

#[tokio::test]
async fn a_seed_gives_the_same_objects_again() {
    let run = || async {
        let clerk = running_with(EmulatorConfig {
            seed: Some(7),
            public_url: Some("http://localhost:4100".to_owned()),
            ..config()
        })
        .await;
        let user = clerk.new_user("a@example.com").unwrap();
        clerk.new_session(&user.id).unwrap();
        let messages: Vec<_> = clerk.deliveries().into_iter().map(|it| it.id).collect();
        (clerk.snapshot(), messages)
    };
    let ((first, first_messages), (second, second_messages)) = (run().await, run().await);
    assert_eq!(first, second);
    assert_ne!(
        first_messages, second_messages,
        "a receiver would take them for duplicates"
    );
    let other = running_with(EmulatorConfig {
        seed: Some(8),
        ..config()
    })
    .await;
    assert_ne!(
        json!(other.new_user("a@example.com").unwrap().id),
        first["users"][0]["id"]
    );
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_control_api() {
    let clerk = running().await;
    let attempt = |origin: &str| {
        let request = clerk
            .request(Method::POST, "/__emu/tokens")
            .header("origin", origin);
        Running::send(request.json(&json!({"user_id": "user_1"})))
    };
    let foreign = attempt("https://evil.example").await;
    assert_eq!((foreign.status, foreign.code()), (403, "origin_invalid"));
    assert!(foreign.body.get("jwt").is_none_or(Value::is_null));
    assert_eq!(attempt("http://localhost:3000").await.status, 200);
}

#[tokio::test]
async fn settings_are_given_for_each_client() {
    let clerk = running().await;
    let all = clerk.get("/__emu/settings").await.ok();
    assert_eq!(all.as_object().unwrap().len(), 7);
    assert_eq!(all["backend"]["CLERK_API_URL"], clerk.origin());
    assert_eq!(all["python"]["CLERK_JWT_KEY"], clerk.jwt_key_pem());
    assert_eq!(
        all["clerk-sync"]["CLERK_WEBHOOK_SECRET"],
        clerk.webhook_secret()
    );
    let one = clerk.get("/__emu/settings?client=next").await.ok();
    assert_eq!(
        (one.as_object().unwrap().len(), &one["next"]),
        (1, &all["next"])
    );
    assert_eq!(clerk.get("/__emu/settings?client=vue").await.status, 422);
}
