use emulator::{TokenKey, TokenRequest};
use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn a_session_has_clerks_shape() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk
        .post("/v1/sessions", json!({"user_id": user.id}))
        .await
        .ok();
    for field in [
        "object",
        "id",
        "user_id",
        "client_id",
        "actor",
        "status",
        "last_active_organization_id",
        "last_active_at",
        "latest_activity",
        "expire_at",
        "abandon_at",
        "updated_at",
        "created_at",
        "tasks",
    ] {
        assert!(session.get(field).is_some(), "{field} is absent");
    }
    assert_eq!(
        (&session["object"], &session["status"]),
        (&json!("session"), &json!("active"))
    );
    assert!(session["id"].as_str().unwrap().starts_with("sess_"));
    assert!(
        session["client_id"]
            .as_str()
            .unwrap()
            .starts_with("client_")
    );
    assert!(session["expire_at"].as_i64() > session["created_at"].as_i64());
    let path = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(clerk.get(&path).await.ok(), session);
    let unknown = clerk
        .post("/v1/sessions", json!({"user_id": "user_404"}))
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (404, "resource_not_found")
    );
    let nobody = clerk.post("/v1/sessions", json!({})).await;
    assert_eq!((nobody.status, nobody.code()), (422, "form_param_missing"));
}

#[tokio::test]
async fn the_list_is_bare_or_paginated_and_wants_an_owner() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let other = clerk.new_user("b@example.com").unwrap();
    for owner in [&user, &user, &other] {
        clerk.new_session(&owner.id).unwrap();
    }
    let path = format!("/v1/sessions?user_id={}", user.id);
    assert_eq!(clerk.get(&path).await.ok().as_array().unwrap().len(), 2);
    let page = clerk
        .get(&format!("{path}&paginated=true&limit=1"))
        .await
        .ok();
    assert_eq!(
        (page["data"].as_array().unwrap().len(), &page["total_count"]),
        (1, &json!(2))
    );
    let ended = clerk.get(&format!("{path}&status=ended")).await.ok();
    assert_eq!(ended, json!([]));
    let everyone = clerk.get("/v1/sessions").await;
    assert_eq!(
        (everyone.status, everyone.code()),
        (422, "form_param_missing")
    );
    let strange = clerk.get(&format!("{path}&status=tired")).await;
    assert_eq!(
        (strange.status, strange.code()),
        (422, "form_param_format_invalid")
    );
}

#[tokio::test]
async fn revoking_ends_a_session_once() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let path = format!("/v1/sessions/{}/revoke", session.id);
    let revoked = clerk.post(&path, json!({})).await.ok();
    assert_eq!(revoked["status"], "revoked");
    assert!(revoked["updated_at"].as_i64().unwrap() > session.updated_at);
    assert_eq!(clerk.post(&path, json!({})).await.ok(), revoked);
    assert_eq!(
        clerk.events(),
        ["user.created", "session.created", "session.revoked"]
    );
}

#[tokio::test]
async fn signing_out_has_events_of_its_own() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    for (body, event) in [
        (json!({}), "session.ended"),
        (json!({"status": "removed"}), "session.removed"),
    ] {
        let session = clerk.new_session(&user.id).unwrap();
        clerk
            .post(&format!("/__emu/sessions/{}/end", session.id), body)
            .await
            .ok();
        assert_eq!(clerk.events().last().unwrap(), event);
    }
}

#[tokio::test]
async fn a_pending_session_lives_and_its_tokens_say_so() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let path = format!("/__emu/sessions/{}/end", session.id);
    clerk.post(&path, json!({"status": "pending"})).await.ok();
    assert_eq!(clerk.events().last().unwrap(), "session.pending");
    let jwt = clerk.session_token(&session.id, None, None, None).unwrap();
    assert_eq!(crate::tokens::part(&jwt, 1)["sts"], "pending");
    let ended = clerk.post(&path, json!({"status": "ended"})).await.ok();
    assert_eq!(ended["status"], "ended");
}

#[tokio::test]
async fn an_expired_token_is_exchanged_while_its_session_lives() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let expired = clerk
        .mint(TokenRequest::for_session(&session.id).expires_in(-60))
        .unwrap();
    let forged = clerk
        .mint(TokenRequest::for_session(&session.id).signed_with(TokenKey::Other))
        .unwrap();
    let path = format!("/v1/sessions/{}/refresh", session.id);
    let body = |token: &str, refresh: &str| json!({"expired_token": token, "refresh_token": refresh, "request_origin": "http://localhost:3000"});
    let fresh = clerk
        .post(&path, body(&expired, &session.client_id))
        .await
        .ok();
    assert_eq!(fresh["object"], "token");
    let mut cookie = body(&expired, &session.client_id);
    cookie["format"] = json!("cookie");
    let cookies = clerk.post(&path, cookie).await.ok();
    assert!(
        cookies["cookies"][0]
            .as_str()
            .unwrap()
            .starts_with("__session=")
    );
    for bad in [
        body(&forged, &session.client_id),
        body(&expired, "other"),
        body("x.y.z", &session.client_id),
    ] {
        let refused = clerk.post(&path, bad).await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "authentication_invalid")
        );
    }
    let verify = format!("/v1/sessions/{}/verify", session.id);
    assert_eq!(
        clerk.post(&verify, json!({"token": expired})).await.ok()["id"],
        session.id
    );
    assert_eq!(
        clerk.post(&verify, json!({"token": forged})).await.status,
        401
    );
    clerk
        .post(&format!("/v1/sessions/{}/revoke", session.id), json!({}))
        .await
        .ok();
    assert_eq!(
        clerk
            .post(&path, body(&expired, &session.client_id))
            .await
            .status,
        401
    );
    assert_eq!(
        clerk
            .post("/v1/sessions/sess_404/refresh", body(&expired, "x"))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_session_has_a_client() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let path = format!("/v1/clients/{}", session.client_id);
    let client = clerk.get(&path).await.ok();
    assert_eq!(client["session_ids"], json!([session.id]));
    assert_eq!(client["sessions"][0]["user_id"], user.id);
    assert_eq!(client["last_active_session_id"], session.id);
    assert_eq!(clerk.get("/v1/clients/client_404").await.status, 404);
    for token in ["client_404.x", "x", "a.b.c"] {
        let refused = clerk
            .post("/v1/clients/verify", json!({"token": token}))
            .await;
        assert_eq!(
            (refused.status, refused.code()),
            (401, "authentication_invalid")
        );
    }
}

#[tokio::test]
async fn a_browsers_cookie_names_its_client() {
    let clerk = running().await;
    clerk.new_user("a@example.com").unwrap();
    let begun = clerk
        .request(reqwest::Method::POST, "/__clerk/v1/client/sign_ins")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("identifier=a%40example.com")
        .send()
        .await
        .unwrap();
    let cookies = begun.headers().get_all("set-cookie").iter();
    let mut own = cookies.filter_map(|it| it.to_str().ok()?.strip_prefix("__client="));
    let token = own.next().unwrap().split(';').next().unwrap();
    let client = clerk
        .post("/v1/clients/verify", json!({"token": token}))
        .await
        .ok();
    assert!(token.starts_with(client["id"].as_str().unwrap()));
    assert!(client["sign_in_id"].is_string() && client["last_active_session_id"].is_null());
    let altered = format!("{token}x");
    assert_eq!(
        clerk
            .post("/v1/clients/verify", json!({"token": altered}))
            .await
            .status,
        401
    );
}
