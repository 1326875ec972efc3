use std::collections::HashSet;

use emulator::{Caller, Seed};
use serde_json::{Value, json};

use crate::running::running;

#[tokio::test]
async fn a_seeded_instance_is_complete_with_and_without_events() {
    let clerk = running().await;
    clerk.new_user("user2@example.com").unwrap();
    let body = json!({
        "users": 5, "organizations": 2, "memberships_per_user": 9, "sessions_per_user": 2, "webhooks": false,
    });
    let made = clerk.post("/__emu/seed", body).await.ok();
    assert_eq!(
        (
            &made["users"],
            &made["organizations"],
            &made["memberships"],
            &made["sessions"]
        ),
        (&json!(5), &json!(2), &json!(10), &json!(10)),
        "nobody is twice in one organization"
    );
    assert_eq!(clerk.events(), ["user.created"]);
    let state = clerk.snapshot();
    let count = |name: &str| state[name].as_array().unwrap().len();
    assert_eq!(count("users"), 6);
    assert_eq!(count("organization_memberships"), 10);
    assert_eq!(count("sessions"), 10);
    clerk
        .post(
            "/__emu/seed",
            json!({"users": 1, "organizations": 1, "sessions_per_user": 1}),
        )
        .await
        .ok();
    assert_eq!(
        clerk.events()[1..],
        [
            "user.created",
            "organization.created",
            "organizationMembership.created",
            "session.created"
        ]
    );
    clerk.new_user("b@example.com").unwrap();
    assert_eq!(clerk.events().len(), 6, "quietness ends with the seeding");
    let joined = clerk
        .post("/__emu/seed", json!({"organizations": 1}))
        .await
        .ok();
    assert_eq!(
        joined["memberships"], 8,
        "without new users the old ones join"
    );
    for bad in [
        json!({"users": 1_000_001}),
        json!({"users": 1_000, "organizations": 2_000, "memberships_per_user": 2_000}),
    ] {
        assert_eq!(clerk.post("/__emu/seed", bad).await.status, 422);
    }
    assert_eq!(
        clerk.post("/__emu/seed", json!({"user": 1})).await.status,
        400
    );
}

#[tokio::test]
async fn a_large_instance_is_walked_whole_by_cursor_and_by_offset() {
    let clerk = running().await;
    let seed = Seed {
        users: 2_300,
        ..Seed::default()
    };
    let made = clerk.seed(seed, true, &Caller::default()).unwrap();
    let of = |page: &Value| -> Vec<String> {
        let page = page.as_array().unwrap();
        page.iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut by_cursor: Vec<String> = Vec::new();
    let mut path = "/v1/users?limit=500&order_by=%2Bcreated_at".to_owned();
    loop {
        let page = of(&clerk.get(&path).await.ok());
        by_cursor.extend(page.iter().cloned());
        let [.., last] = page.as_slice() else { break };
        path = format!("/v1/users?limit=500&order_by=%2Bcreated_at&starting_after={last}");
        if page.len() < 500 {
            break;
        }
    }
    assert_eq!(by_cursor, made.user_ids);
    let mut by_offset: Vec<String> = Vec::new();
    while by_offset.len() < 2_300 {
        let path = format!(
            "/v1/users?limit=500&offset={}&order_by=-updated_at",
            by_offset.len()
        );
        let page = of(&clerk.get(&path).await.ok());
        assert!(!page.is_empty());
        by_offset.extend(page);
    }
    by_offset.reverse();
    assert_eq!(by_offset, made.user_ids);
    assert_eq!(by_offset.iter().collect::<HashSet<_>>().len(), 2_300);
    let changed = &made.user_ids[7];
    clerk
        .update_user(changed, json!({"first_name": "New"}), &Caller::default())
        .unwrap();
    let newest = of(&clerk
        .get("/v1/users?limit=1&order_by=-updated_at")
        .await
        .ok());
    assert_eq!(newest, [changed.as_str()]);
}
