use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn a_filter_takes_a_hundred_values() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let ids = |count: usize| {
        let others = (1..count).map(|number| format!("&user_id=user_{number}"));
        format!("?user_id={}{}", user.id, others.collect::<String>())
    };
    let found = clerk.get(&format!("/v1/users{}", ids(100))).await.ok();
    assert_eq!(found[0]["id"], user.id);
    for path in ["/v1/users", "/v1/users/count"] {
        let refused = clerk.get(&format!("{path}{}", ids(101))).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.body["errors"][0]["meta"]["param_name"], "user_id");
    }
}

#[tokio::test]
async fn a_provider_and_its_id_filter_together() {
    let clerk = running().await;
    clerk.new_user("a@example.com").unwrap();
    let both = "/v1/users?provider=oauth_google&provider_user_id=1";
    assert_eq!(clerk.get(both).await.ok(), json!([]));
    for half in ["provider=oauth_google", "provider_user_id=1"] {
        let refused = clerk.get(&format!("/v1/users?{half}")).await;
        assert_eq!(
            (refused.status, refused.code()),
            (422, "form_param_missing")
        );
    }
}

#[tokio::test]
async fn since_a_time_is_at_it_too() {
    let clerk = running().await;
    let count = async |query: &str| {
        let answer = clerk.get(&format!("/v1/users/count?{query}")).await.ok();
        answer["total_count"].as_i64().unwrap()
    };
    clerk.new_user("never@example.com").unwrap();
    assert_eq!(
        count("last_active_at_since=0").await,
        0,
        "who was never active is in no span"
    );
    assert_eq!(count("").await, 1);
}
