use reqwest::Method;
use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn the_instance_says_what_it_is() {
    let clerk = running().await;
    let instance = clerk.get("/v1/instance").await.ok();
    assert_eq!(
        (&instance["id"], &instance["environment_type"]),
        (&json!("ins_emulator"), &json!("development"))
    );
    let settings = clerk.get("/v1/instance/organization_settings").await.ok();
    assert_eq!(
        (&settings["object"], &settings["enabled"]),
        (&json!("organization_settings"), &json!(true))
    );
    let domains = clerk.get("/v1/domains").await.ok();
    assert_eq!(
        domains["data"][0]["proxy_url"],
        format!("{}/__clerk", clerk.origin())
    );
    let token = clerk.post("/v1/testing_tokens", json!({})).await.ok();
    assert!(token["token"].is_string() && token["expires_at"].is_i64());
    let svix = clerk.post("/v1/webhooks/svix", json!({})).await.ok();
    assert!(
        svix["svix_url"]
            .as_str()
            .unwrap()
            .starts_with(&clerk.origin())
    );
    assert_eq!(clerk.delete("/v1/webhooks/svix").await.status, 204);
}

#[tokio::test]
async fn what_is_not_emulated_is_named() {
    let clerk = running().await;
    for (path, what) in [
        ("/v1/machines", "machines"),
        ("/v1/m2m_tokens/verify", "M2M tokens"),
        ("/v1/redirect_urls/ru_1", "redirect URLs"),
        ("/v1/allowlist_identifiers", "allow-list"),
        ("/v1/nothing_of_clerks", "GET /v1/nothing_of_clerks"),
        ("/v1/users/user_1/nothing", "GET /v1/users/user_1/nothing"),
    ] {
        let answer = clerk.get(path).await;
        assert_eq!((answer.status, answer.code()), (404, "resource_not_found"));
        assert_eq!(answer.content_type, "application/json");
        let long = answer.body["errors"][0]["long_message"].as_str().unwrap();
        assert!(long.contains(what) && long.contains(path), "{long}");
    }
    let answer = clerk.put("/v1/users", json!({})).await;
    assert_eq!((answer.status, answer.code()), (405, "method_not_allowed"));
    let bare = crate::running::Running::send(clerk.request(Method::GET, "/v1/machines")).await;
    assert_eq!(bare.status, 401, "the key is asked for first");
}
