use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::running::{Running, running};

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn token(clerk: &Running, session: &str, template: &str) -> String {
    let path = format!("/v1/sessions/{session}/tokens/{template}");
    let answer = clerk.post(&path, json!({})).await.ok();
    answer["jwt"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_template_fills_its_claims_in_and_sets_the_lifetime() {
    let clerk = running().await;
    let body = json!({"email_address": ["a@example.com"], "first_name": "Ida", "public_metadata": {"level": 3}});
    let user = clerk.post("/v1/users", body).await.ok();
    let session = clerk.new_session(user["id"].as_str().unwrap()).unwrap().id;
    let claims = json!({"aud": "reports", "level": "{{user.public_metadata.level}}", "who": "{{user.first_name}} <{{user.primary_email_address}}>", "org": "{{org.id}}"});
    let body =
        json!({"name": "reports", "claims": claims, "lifetime": 600, "allowed_clock_skew": 10});
    let made = clerk.post("/v1/jwt_templates", body).await.ok();
    assert_eq!(
        (
            &made["object"],
            &made["signing_algorithm"],
            &made["custom_signing_key"]
        ),
        (&json!("jwt_template"), &json!("RS256"), &json!(false))
    );
    let claims = part(&token(&clerk, &session, "reports").await, 1);
    assert_eq!(claims["who"], "Ida <a@example.com>");
    assert_eq!(
        (&claims["level"], &claims["aud"], &claims["org"]),
        (&json!(3), &json!("reports"), &json!(null))
    );
    assert_eq!((&claims["sub"], claims.get("sid")), (&user["id"], None));
    let number = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(
        (number("exp") - number("iat"), number("iat") - number("nbf")),
        (600, 10)
    );
}

#[tokio::test]
async fn any_template_exists_until_there_is_one() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap().id;
    token(&clerk, &session, "whatever").await;
    let made = clerk
        .post("/v1/jwt_templates", json!({"name": "one", "claims": {}}))
        .await
        .ok();
    let path = format!("/v1/sessions/{session}/tokens/whatever");
    assert_eq!(clerk.post(&path, json!({})).await.status, 404);
    let one = format!("/v1/jwt_templates/{}", made["id"].as_str().unwrap());
    assert_eq!(clerk.get(&one).await.ok(), made);
    assert_eq!(clerk.get("/v1/jwt_templates").await.ok(), json!([made]));
    let paginated = clerk.get("/v1/jwt_templates?paginated=true").await.ok();
    assert_eq!(paginated["total_count"], 1);
    let renamed = clerk
        .patch(&one, json!({"name": "whatever", "claims": {"a": 1}}))
        .await
        .ok();
    assert_eq!(renamed["name"], "whatever");
    assert_eq!(part(&token(&clerk, &session, "whatever").await, 1)["a"], 1);
    assert_eq!(clerk.delete(&one).await.ok()["deleted"], true);
    assert_eq!(clerk.get(&one).await.status, 404);
    assert!(clerk.events().iter().all(|it| !it.contains("emplate")));
}

#[tokio::test]
async fn a_template_can_sign_with_a_key_of_its_own() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap().id;
    let body = json!({
        "name": "shared", "claims": {}, "custom_signing_key": true, "signing_algorithm": "HS256",
        "signing_key": "a secret that two services share",
    });
    let made = clerk.post("/v1/jwt_templates", body).await.ok();
    assert_eq!(
        (&made["signing_algorithm"], made.get("signing_key")),
        (&json!("HS256"), None)
    );
    let header = part(&token(&clerk, &session, "shared").await, 0);
    assert_eq!((&header["alg"], header.get("kid")), (&json!("HS256"), None));
}

#[tokio::test]
async fn what_no_template_may_have_is_named() {
    let clerk = running().await;
    for (param, body) in [
        ("name", json!({"claims": {}})),
        ("name", json!({"name": "a b", "claims": {}})),
        ("claims", json!({"name": "a"})),
        ("claims", json!({"name": "a", "claims": {"sub": "user_1"}})),
        ("claims", json!({"name": "a", "claims": []})),
        (
            "lifetime",
            json!({"name": "a", "claims": {}, "lifetime": 29}),
        ),
        (
            "allowed_clock_skew",
            json!({"name": "a", "claims": {}, "allowed_clock_skew": 301}),
        ),
        (
            "signing_algorithm",
            json!({"name": "a", "claims": {}, "custom_signing_key": true}),
        ),
        (
            "signing_key",
            json!({"name": "a", "claims": {}, "custom_signing_key": true, "signing_algorithm": "RS256", "signing_key": "no PEM"}),
        ),
        (
            "signing_key",
            json!({"name": "a", "claims": {}, "custom_signing_key": true, "signing_algorithm": "none", "signing_key": "x"}),
        ),
    ] {
        let refused = clerk.post("/v1/jwt_templates", body).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert_eq!(refused.body["errors"][0]["meta"]["param_name"], param);
    }
    assert_eq!(clerk.get("/v1/jwt_templates").await.ok(), json!([]));
    clerk
        .post("/v1/jwt_templates", json!({"name": "a", "claims": {}}))
        .await
        .ok();
    let twice = clerk
        .post("/v1/jwt_templates", json!({"name": "a", "claims": {}}))
        .await;
    assert_eq!(twice.code(), "form_identifier_exists");
}
