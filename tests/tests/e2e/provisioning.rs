//! Users whom a token tells of before any webhook does.

use std::collections::BTreeSet;

use e2e::{ME, Tables, TestDatabase, World, sample};
use emulator::{Caller, DeliveryStatus, TokenRequest};
use serde_json::json;

e2e::on_both! {
    a_hundred_first_requests_make_one_row,
    a_webhook_that_comes_later_wins,
    a_webhook_that_came_before_is_not_overwritten,
    without_provisioning_an_unknown_user_is_not_found,
    a_deleted_user_is_never_resurrected_by_a_token,
}

async fn a_hundred_first_requests_make_one_row(database: TestDatabase) {
    let world = World::start(database).await;
    world.disconnect();
    let ann = world.newcomer("ann");
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let ann = ann.clone();
        requests.spawn(async move { ann.get(ME).await });
    }
    let answers = requests.join_all().await;
    let ids: BTreeSet<String> = answers
        .into_iter()
        .map(|answer| answer.expect_json(200)["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    if let Some(tables) = Tables::of(world.database()).await {
        assert_eq!(tables.count("users", "true").await, 1);
    }
}

/// Sends what Clerk could not send before.
async fn catch_up(world: &World) {
    world.connect();
    for delivery in world.clerk().deliveries() {
        if delivery.status == DeliveryStatus::Unsent {
            world.clerk().replay(&delivery.id).unwrap();
        }
    }
    world.settled().await;
}

async fn a_webhook_that_comes_later_wins(database: TestDatabase) {
    let world = World::start(database).await;
    world.disconnect();
    let ann = world.newcomer("ann");
    let request = TokenRequest::for_session(ann.session_id())
        .claim("email", "thin@example.com")
        .claim("first_name", "Thin");
    let token = world.token(request);
    let first = world.anonymous().bearer(&token).get(ME).await;
    let first = first.expect_json(200);
    assert_eq!(first["email"], "thin@example.com");
    assert_eq!(first["email_verified"], false, "a claim proves no address");

    catch_up(&world).await;
    let told = ann.get(ME).await.expect_json(200);
    assert_eq!(told["email"], "ann@example.com");
    assert_eq!(told["first_name"], "ann");
    assert_eq!(told["email_verified"], true);
    assert_eq!(told["id"], first["id"]);
    // The thin token again changes nothing.
    let again = world.anonymous().bearer(&token).get(ME).await;
    assert_eq!(again.expect_json(200)["email"], "ann@example.com");
}

async fn a_webhook_that_came_before_is_not_overwritten(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let request = TokenRequest::for_session(ann.session_id())
        .claim("email", "evil@example.com")
        .claim("role", "admin")
        .claim("public_metadata", json!({"role": "admin"}));
    let token = world.token(request);
    let me = world.anonymous().bearer(&token).get(ME).await;
    let me = me.expect_json(200);
    assert_eq!(
        (&me["email"], &me["role"]),
        (&json!("ann@example.com"), &json!("solo"))
    );
}

async fn without_provisioning_an_unknown_user_is_not_found(database: TestDatabase) {
    let world = World::with(database, &[("JIT_PROVISIONING", "false")]).await;
    world.disconnect();
    let ann = world.newcomer("ann");
    ann.get(ME).await.expect_problem(404, "user_not_found");
    assert_eq!(world.known(ann.user_id(), ann.session_id()).await, None);
    catch_up(&world).await;
    ann.get(ME).await.expect(200);
}

async fn a_deleted_user_is_never_resurrected_by_a_token(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    world
        .clerk()
        .delete_user(ann.user_id(), &Caller::default())
        .unwrap();
    world.settled().await;
    let request = TokenRequest {
        session_id: Some("sess_new".to_owned()),
        ..TokenRequest::for_user(ann.user_id())
    };
    let token = world.token(request);
    for visitor in [ann, world.anonymous().bearer(&token)] {
        visitor.get(ME).await.expect_problem(401, "user_deleted");
    }

    // Nor when the deletion is all that was ever told of the user.
    let event = sample("user.deleted").set("data.id", "user_unheard");
    world.deliver(event).await.expect(204);
    let token = world.token(TokenRequest::for_user("user_unheard"));
    let unheard = world.anonymous().bearer(&token);
    unheard.get(ME).await.expect_problem(401, "user_deleted");
    let row = world.known("user_unheard", "sess_none").await;
    assert!(row.is_none_or(|caller| caller.user.deleted_at.is_some()));
}
