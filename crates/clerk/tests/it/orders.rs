//! What Clerk is asked to do, and the questions before it.

use chrono::DateTime;
use domain::{Directory as _, DirectoryError, LiveSession};
use serde_json::{Value, json};

use crate::{
    rows::{UPDATED_AT, id, user},
    stub::{Stub, fault, ok, raw},
};

#[tokio::test]
async fn sessions_that_go_on_are_listed_bare_or_in_an_envelope() {
    let list = json!([
        {"id": "sess_1", "created_at": UPDATED_AT, "status": "active"}, {"id": "sess_2"},
        {"id": "sess_3", "status": "ended"}, {"id": "sess_4", "status": "pending"},
    ]);
    for body in [list.clone(), json!({"data": list, "total_count": 2})] {
        let stub = Stub::start(move |_| ok(body.clone())).await;
        let sessions = stub.client().live_sessions(&id("user_1")).await.unwrap();
        let session = |text: &str, created_at| LiveSession {
            clerk_session_id: id(text),
            created_at,
        };
        let begun = DateTime::from_timestamp_millis(UPDATED_AT);
        assert_eq!(
            sessions,
            [
                session("sess_1", begun),
                session("sess_2", None),
                session("sess_4", None)
            ]
        );
        assert_eq!(
            stub.targets(),
            ["/v1/sessions?user_id=user_1&limit=500&offset=0"]
        );
    }
    let absent = Stub::start(|_| fault(404, "resource_not_found")).await;
    let none = absent.client().live_sessions(&id("user_1")).await.unwrap();
    assert_eq!(none, []);
    for body in [json!({}), json!([{"status": "active"}]), json!("none")] {
        let stub = Stub::start(move |_| ok(body.clone())).await;
        let read = stub.client().live_sessions(&id("user_1")).await;
        assert!(
            matches!(read, Err(DirectoryError::Unreadable(_))),
            "{read:?}"
        );
    }
}

#[tokio::test]
async fn long_lists_of_sessions_are_read_to_their_end() {
    let full: Vec<Value> = (0..500)
        .map(|n| json!({"id": format!("sess_{n}"), "status": "ended"}))
        .collect();
    let stub = Stub::start(move |asked| match asked.before {
        0 => ok(json!(full)),
        _ => ok(json!([{"id": "sess_last", "status": "active"}])),
    })
    .await;
    let sessions = stub.client().live_sessions(&id("user_1")).await.unwrap();
    let ids: Vec<&str> = sessions
        .iter()
        .map(|session| session.clerk_session_id.as_str())
        .collect();
    assert_eq!(ids, ["sess_last"]);
    let second = "/v1/sessions?user_id=user_1&limit=500&offset=500";
    assert_eq!(stub.targets().last().map(String::as_str), Some(second));
}

#[tokio::test]
async fn a_session_is_ended_again_and_again_until_it_is_over() {
    let stub = Stub::start(|asked| match asked.before {
        0 => raw(503, &[("retry-after", "0")], "busy"),
        _ => ok(json!({"id": "sess_1", "status": "revoked"})),
    })
    .await;
    stub.client().revoke_session(&id("sess_1")).await.unwrap();
    let asked = stub.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.target, "/v1/sessions/sess_1/revoke");
    }
    let absent = Stub::start(|_| fault(404, "resource_not_found")).await;
    absent.client().revoke_session(&id("sess_1")).await.unwrap();
    let refused = Stub::start(|_| fault(403, "authorization_invalid")).await;
    let answer = refused.client().revoke_session(&id("sess_1")).await;
    assert!(
        matches!(answer, Err(DirectoryError::Refused(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn metadata_is_merged_as_it_was_given() {
    let stub = Stub::start(|asked| match asked.path() {
        "/v1/users/user_1/metadata" => ok(user("user_1")),
        _ => fault(404, "resource_not_found"),
    })
    .await;
    let client = stub.client();
    let patch = json!({"access": {"role": null}, "role": "growth"});
    let user_1 = id("user_1");
    let merged = client.merge_public_metadata(&user_1, patch.clone()).await;
    assert!(merged.unwrap());
    let [asked] = &stub.asked()[..] else {
        panic!("one question");
    };
    assert_eq!(asked.method, "PATCH");
    assert_eq!(asked.headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body, json!({ "public_metadata": patch }));
    let merged = client.merge_public_metadata(&id("user_2"), patch).await;
    assert!(!merged.unwrap());
}
