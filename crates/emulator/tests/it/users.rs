use serde_json::{Value, json};

use crate::running::running;

/// What the Python and Rust clients of Clerk need to parse a user at all.
const USER_FIELDS: [&str; 38] = [
    "id",
    "object",
    "external_id",
    "primary_email_address_id",
    "primary_phone_number_id",
    "primary_web3_wallet_id",
    "username",
    "first_name",
    "last_name",
    "has_image",
    "image_url",
    "public_metadata",
    "private_metadata",
    "unsafe_metadata",
    "email_addresses",
    "phone_numbers",
    "web3_wallets",
    "passkeys",
    "password_enabled",
    "two_factor_enabled",
    "totp_enabled",
    "backup_code_enabled",
    "mfa_enabled_at",
    "mfa_disabled_at",
    "external_accounts",
    "saml_accounts",
    "enterprise_accounts",
    "last_sign_in_at",
    "banned",
    "locked",
    "lockout_expires_in_seconds",
    "verification_attempts_remaining",
    "updated_at",
    "created_at",
    "delete_self_enabled",
    "create_organization_enabled",
    "last_active_at",
    "legal_accepted_at",
];

#[tokio::test]
async fn a_created_user_has_every_field() {
    let clerk = running().await;
    let user = clerk
        .post(
            "/v1/users",
            json!({
                "email_address": ["first@example.com", "second@example.com"],
                "email_address_identification_status": ["verified", "reserved"],
                "phone_number": ["+15555550100"],
                "first_name": "Given", "last_name": null, "username": "given", "external_id": "crm-7",
                "public_metadata": {"role": "growth"}, "created_at": "2024-02-29T12:00:00Z",
            }),
        )
        .await
        .ok();
    for field in USER_FIELDS {
        assert!(user.get(field).is_some(), "{field} is absent");
    }
    assert_eq!(user["object"], "user");
    assert!(user["id"].as_str().unwrap().starts_with("user_"));
    assert_eq!(user["created_at"], 1_709_208_000_000_i64);
    let [first, second] = [&user["email_addresses"][0], &user["email_addresses"][1]];
    assert_eq!(user["primary_email_address_id"], first["id"]);
    assert_eq!(first["verification"]["status"], "verified");
    assert_eq!(first["verification"]["object"], "verification_admin");
    assert_eq!(
        (&second["reserved"], &second["verification"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        user["primary_phone_number_id"],
        user["phone_numbers"][0]["id"]
    );
    let path = format!("/v1/users/{}", user["id"].as_str().unwrap());
    assert_eq!(clerk.get(&path).await.ok(), user);
}

#[tokio::test]
async fn bad_parameters_are_refused_by_name_and_make_nothing() {
    let clerk = running().await;
    clerk.new_user("taken@example.com").unwrap();
    let cases = [
        (
            json!({"email_address": ["TAKEN@example.com"]}),
            422,
            "form_identifier_exists",
            "email_address",
        ),
        (
            json!({"email_address": ["nobody"]}),
            422,
            "form_param_format_invalid",
            "email_address",
        ),
        (
            json!({"email_address": [1]}),
            422,
            "form_param_format_invalid",
            "email_address",
        ),
        (
            json!({"first_name": 7}),
            422,
            "form_param_format_invalid",
            "first_name",
        ),
        (
            json!({"public_metadata": "x"}),
            422,
            "form_param_format_invalid",
            "public_metadata",
        ),
        (
            json!({"password": "short"}),
            422,
            "form_password_length_too_short",
            "password",
        ),
        (
            json!({"created_at": "once"}),
            422,
            "form_param_format_invalid",
            "created_at",
        ),
    ];
    for (body, status, code, param) in cases {
        let answer = clerk.post("/v1/users", body.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}");
        assert_eq!(
            answer.body["errors"][0]["meta"]["param_name"], param,
            "{body}"
        );
    }
    let malformed = clerk
        .request(reqwest::Method::POST, "/v1/users")
        .bearer_auth("sk_test_x")
        .body("{");
    let answer = crate::running::Running::send(malformed).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "request_body_invalid")
    );
    assert_eq!(clerk.get("/v1/users/count").await.ok()["total_count"], 1);
    assert_eq!(clerk.events(), ["user.created"]);
}

#[tokio::test]
async fn the_list_is_a_bare_array_that_pages_and_filters() {
    let clerk = running().await;
    let made: Vec<String> = (0..5)
        .map(|number| {
            clerk
                .new_user(&format!("u{number}@example.com"))
                .unwrap()
                .id
        })
        .collect();
    let ids = |list: Value| -> Vec<String> {
        let list = list.as_array().unwrap().clone();
        list.iter()
            .map(|user| user["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut walked = Vec::new();
    let mut path = "/v1/users?limit=2&order_by=%2Bcreated_at".to_owned();
    loop {
        let page = ids(clerk.get(&path).await.ok());
        let Some(last) = page.last() else { break };
        path = format!("/v1/users?limit=2&order_by=%2Bcreated_at&starting_after={last}");
        walked.extend(page);
    }
    assert_eq!(walked, made);
    let newest = ids(clerk.get("/v1/users?limit=1").await.ok());
    assert_eq!(newest, made[4..]);
    let two = "email_address=u1@example.com&email_address=U3@example.com";
    assert_eq!(
        ids(clerk.get(&format!("/v1/users?{two}")).await.ok()).len(),
        2
    );
    let count = clerk.get(&format!("/v1/users/count?{two}")).await.ok();
    assert_eq!(count, json!({"object": "total_count", "total_count": 2}));
    let by_id = format!("/v1/users?user_id={}&query=u2", made[2]);
    assert_eq!(ids(clerk.get(&by_id).await.ok()), made[2..3]);
    let wrong = clerk.get("/v1/users?limit=501").await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (422, "form_param_format_invalid")
    );
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_moves_updated_at() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let path = format!("/v1/users/{}", user.id);
    let mut before = user.updated_at;
    for body in [
        json!({"first_name": "One"}),
        json!({"last_name": "Two", "first_name": null}),
        json!({"public_metadata": {"role": "growth"}}),
        json!({}),
    ] {
        let changed = clerk.patch(&path, body).await.ok();
        let after = changed["updated_at"].as_i64().unwrap();
        assert!(after > before);
        before = after;
    }
    let user = clerk.user(&user.id).unwrap();
    assert_eq!(
        (user.first_name, user.last_name.as_deref()),
        (None, Some("Two"))
    );
    assert_eq!(user.public_metadata["role"], "growth");
    let unknown = clerk.patch("/v1/users/user_404", json!({})).await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (404, "resource_not_found")
    );
    let strange = clerk
        .patch(&path, json!({"primary_email_address_id": "idn_404"}))
        .await;
    assert_eq!(
        (strange.status, strange.code()),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn metadata_merges_with_patch_and_is_replaced_with_put() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let path = format!("/v1/users/{}/metadata", user.id);
    let first =
        json!({"public_metadata": {"a": {"x": 1, "y": 2}, "b": 1}, "private_metadata": {"p": 1}});
    clerk.patch(&path, first).await.ok();
    let merged = clerk
        .patch(
            &path,
            json!({"public_metadata": {"a": {"y": null}, "c": 3}}),
        )
        .await
        .ok();
    assert_eq!(
        merged["public_metadata"],
        json!({"a": {"x": 1}, "b": 1, "c": 3})
    );
    assert_eq!(merged["private_metadata"], json!({"p": 1}));
    let replaced = clerk
        .put(&path, json!({"public_metadata": {"only": true}}))
        .await
        .ok();
    assert_eq!(replaced["public_metadata"], json!({"only": true}));
    assert_eq!(replaced["private_metadata"], json!({"p": 1}));
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_his_address_free() {
    let clerk = running().await;
    let body = json!({"email_address": ["a@example.com"], "external_id": "crm-7"});
    let user = clerk.post("/v1/users", body.clone()).await.ok();
    let id = user["id"].as_str().unwrap();
    let session = clerk.new_session(id).unwrap();
    let path = format!("/v1/users/{id}");
    let deleted = clerk.delete(&path).await.ok();
    assert_eq!(
        deleted,
        json!({"id": id, "object": "user", "deleted": true, "external_id": "crm-7"})
    );
    for gone in [&path, &format!("/v1/sessions/{}", session.id)] {
        let answer = clerk.get(gone).await;
        assert_eq!((answer.status, answer.code()), (404, "resource_not_found"));
    }
    assert_eq!(clerk.delete(&path).await.status, 404);
    assert_eq!(clerk.post("/v1/users", body).await.status, 200);
    assert_eq!(
        clerk.events(),
        [
            "user.created",
            "session.created",
            "user.deleted",
            "user.created"
        ]
    );
}

#[tokio::test]
async fn a_ban_revokes_sessions_first_and_bars_new_ones() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let sessions = [
        clerk.new_session(&user.id).unwrap(),
        clerk.new_session(&user.id).unwrap(),
    ];
    let banned = clerk
        .post(&format!("/v1/users/{}/ban", user.id), json!({}))
        .await
        .ok();
    assert_eq!(banned["banned"], true);
    for session in sessions {
        let answer = clerk
            .get(&format!("/v1/sessions/{}", session.id))
            .await
            .ok();
        assert_eq!(answer["status"], "revoked");
    }
    assert_eq!(
        clerk.events()[3..],
        ["session.revoked", "session.revoked", "user.updated"]
    );
    let barred = clerk
        .post("/v1/sessions", json!({"user_id": user.id}))
        .await;
    assert_eq!(barred.status, 422);
    let unbanned = clerk
        .post(&format!("/v1/users/{}/unban", user.id), json!({}))
        .await
        .ok();
    assert_eq!(unbanned["banned"], false);
    assert!(clerk.new_session(&user.id).is_ok());
}

#[tokio::test]
async fn locking_and_unlocking_shows_in_the_user() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let locked = clerk
        .post(&format!("/v1/users/{}/lock", user.id), json!({}))
        .await
        .ok();
    assert_eq!(
        (
            &locked["locked"],
            &locked["verification_attempts_remaining"]
        ),
        (&json!(true), &json!(0))
    );
    let unlocked = clerk
        .post(&format!("/v1/users/{}/unlock", user.id), json!({}))
        .await
        .ok();
    assert_eq!(
        (
            &unlocked["locked"],
            &unlocked["verification_attempts_remaining"]
        ),
        (&json!(false), &json!(100))
    );
    assert_eq!(
        clerk.events(),
        ["user.created", "user.updated", "user.updated"]
    );
}

#[tokio::test]
async fn a_password_is_verified_and_never_shown() {
    let clerk = running().await;
    let body = json!({"email_address": ["a@example.com"], "password": "battery staple"});
    let user = clerk.post("/v1/users", body).await.ok();
    assert_eq!(user["password_enabled"], true);
    let path = format!("/v1/users/{}/verify_password", user["id"].as_str().unwrap());
    let right = clerk
        .post(&path, json!({"password": "battery staple"}))
        .await
        .ok();
    assert_eq!(right, json!({"verified": true}));
    let wrong = clerk
        .post(&path, json!({"password": "battery stable"}))
        .await;
    assert_eq!((wrong.status, wrong.code()), (422, "incorrect_password"));
    let missing = clerk.post(&path, json!({})).await;
    assert_eq!(
        (missing.status, missing.code()),
        (422, "form_param_missing")
    );
    let without = clerk.new_user("b@example.com").unwrap();
    let path = format!("/v1/users/{}/verify_password", without.id);
    let answer = clerk.post(&path, json!({"password": "x"})).await;
    assert_eq!((answer.status, answer.code()), (400, "no_password_set"));
    let everything = format!("{} {:?}", clerk.snapshot(), clerk.deliveries());
    assert!(!everything.contains("battery") && !everything.contains("digest"));
}
