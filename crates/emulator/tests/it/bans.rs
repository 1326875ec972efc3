use emulator::SessionStatus;
use serde_json::json;

use crate::running::running;

#[tokio::test]
async fn several_users_are_banned_together_or_not_at_all() {
    let clerk = running().await;
    let users = ["a@example.com", "b@example.com"].map(|it| clerk.new_user(it).unwrap().id);
    let session = clerk.new_session(&users[0]).unwrap();
    let half = json!({"user_ids": [users[0], "user_404"]});
    assert_eq!(clerk.post("/v1/users/ban", half).await.status, 404);
    assert!(!clerk.user(&users[0]).unwrap().banned);
    let banned = clerk
        .post("/v1/users/ban", json!({"user_ids": users}))
        .await
        .ok();
    assert_eq!(
        (&banned[0]["banned"], &banned[1]["banned"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        clerk.session(&session.id).unwrap().status,
        SessionStatus::Revoked
    );
    let lifted = clerk
        .post("/v1/users/unban", json!({"user_ids": users}))
        .await
        .ok();
    assert_eq!(lifted[1]["banned"], false);
    assert_eq!(
        clerk.post("/v1/users/ban", json!({})).await.code(),
        "form_param_missing"
    );
    assert_eq!(
        clerk.events()[3..],
        [
            "session.revoked",
            "user.updated",
            "user.updated",
            "user.updated",
            "user.updated"
        ]
    );
}

#[tokio::test]
async fn a_password_goes_once_and_takes_sessions_along_when_told() {
    let clerk = running().await;
    let body = json!({"email_address": ["a@example.com"], "password": "a long enough one"});
    let user = clerk.post("/v1/users", body).await.ok();
    let id = user["id"].as_str().unwrap();
    let session = clerk.new_session(id).unwrap();
    let path = format!("/v1/users/{id}/remove_password");
    let without = clerk
        .post(&path, json!({"sign_out_of_other_sessions": true}))
        .await
        .ok();
    assert_eq!(without["password_enabled"], false);
    assert_eq!(
        clerk.session(&session.id).unwrap().status,
        SessionStatus::Revoked
    );
    let again = clerk.post(&path, json!({})).await.ok();
    assert_eq!(again["updated_at"], without["updated_at"]);
    let verified = clerk
        .post(
            &format!("/v1/users/{id}/verify_password"),
            json!({"password": "a long enough one"}),
        )
        .await;
    assert_eq!((verified.status, verified.code()), (400, "no_password_set"));
    let session = clerk.new_session(id).unwrap();
    let body = json!({"password": "another long one", "sign_out_of_other_sessions": true});
    clerk.patch(&format!("/v1/users/{id}"), body).await.ok();
    assert_eq!(
        clerk.session(&session.id).unwrap().status,
        SessionStatus::Revoked
    );
    assert_eq!(
        clerk.events(),
        [
            "user.created",
            "session.created",
            "user.updated",
            "session.revoked",
            "session.created",
            "user.updated",
            "session.revoked"
        ]
    );
    let off = clerk.delete(&format!("/v1/users/{id}/mfa")).await.ok();
    assert_eq!(off, json!({"user_id": id}));
    assert_eq!(
        clerk
            .delete(&format!("/v1/users/{id}/external_accounts/eac_1"))
            .await
            .status,
        404
    );
}
