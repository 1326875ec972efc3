//! The main job: what happens at Clerk is so here, and decides who may enter.

use e2e::{ME, TestDatabase, World};
use emulator::{Caller, SessionStatus};
use serde_json::json;

e2e::on_both! {
    a_new_user_can_enter,
    a_change_at_clerk_is_followed,
    a_banned_user_may_not_enter,
    a_deleted_user_is_gone,
    a_session_that_is_over_lets_nobody_in,
}

async fn a_new_user_can_enter(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let me = ann.get(ME).await.expect_json(200);
    assert_eq!(me["clerk_user_id"], ann.user_id());
    assert_eq!(me["email"], "ann@example.com");
    assert_eq!(me["email_verified"], true);
    assert_eq!(me["first_name"], "ann");
    assert_eq!(me["is_active"], true);
    assert_eq!((&me["role"], &me["tier"]), (&json!("solo"), &json!("free")));

    let row = world.known(ann.user_id(), ann.session_id()).await.unwrap();
    assert_eq!(me["id"], row.user.id.to_string());
    assert_eq!(ann.get("/api/v1/auth/me").await.expect_json(200), me);
}

async fn a_change_at_clerk_is_followed(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let before = ann.get(ME).await.expect_json(200);
    let change = json!({"first_name": "Grace", "last_name": "Hopper"});
    world
        .clerk()
        .update_user(ann.user_id(), change, &Caller::default())
        .unwrap();
    world.settled().await;
    let after = ann.get(ME).await.expect_json(200);
    assert_eq!(after["full_name"], "Grace Hopper");
    assert_eq!(after["id"], before["id"]);
}

async fn a_banned_user_may_not_enter(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    // A session that the ban does not end, as one of which no event has told: the ban alone must do.
    let elsewhere = world.token(emulator::TokenRequest {
        session_id: Some("sess_untold".to_owned()),
        ..emulator::TokenRequest::for_user(ann.user_id())
    });
    let elsewhere = world.anonymous().bearer(&elsewhere);
    elsewhere.get(ME).await.expect(200);
    world
        .clerk()
        .set_banned(ann.user_id(), true, &Caller::default())
        .unwrap();
    world.settled().await;
    elsewhere.get(ME).await.expect_problem(403, "user_inactive");
    ann.get(ME).await.expect_problem(401, "session_revoked");
    bob.get(ME).await.expect(200);

    world
        .clerk()
        .set_banned(ann.user_id(), false, &Caller::default())
        .unwrap();
    world.settled().await;
    elsewhere.get(ME).await.expect(200);
    ann.get(ME).await.expect_problem(401, "session_revoked");
}

async fn a_deleted_user_is_gone(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    world
        .clerk()
        .delete_user(ann.user_id(), &Caller::default())
        .unwrap();
    world.settled().await;
    ann.get(ME).await.expect_problem(401, "user_deleted");
    bob.get(ME).await.expect(200);
    let row = world.known(ann.user_id(), ann.session_id()).await.unwrap();
    assert!(row.user.deleted_at.is_some() && !row.user.is_active);
}

async fn a_session_that_is_over_lets_nobody_in(database: TestDatabase) {
    let world = World::start(database).await;
    for (name, over) in [
        ("ann", SessionStatus::Revoked),
        ("bob", SessionStatus::Ended),
        ("cay", SessionStatus::Removed),
    ] {
        let caller = world.caller(name).await;
        caller.get(ME).await.expect(200);
        world
            .clerk()
            .end_session(caller.session_id(), over, &Caller::default())
            .unwrap();
        world.settled().await;
        caller.get(ME).await.expect_problem(401, "session_revoked");

        let again = world.clerk().new_session(caller.user_id()).unwrap();
        let token = world.token(emulator::TokenRequest::for_session(&again.id));
        world.settled().await;
        world.anonymous().bearer(&token).get(ME).await.expect(200);
    }
}
