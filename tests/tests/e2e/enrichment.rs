//! Users whom a token tells of first: Clerk is asked for the rest, while nobody waits.

use std::sync::Arc;

use domain::User;
use e2e::{ME, PARTY, TestDatabase, Visitor, World, eventually, sample};
use emulator::{Caller, Chaos, TokenRequest};
use persistence::Store;
use serde_json::json;

e2e::on_both! {
    clerk_tells_soon_what_the_token_did_not,
    clerk_is_asked_until_it_answers_and_nobody_comes_back,
    whoever_was_left_behind_is_found_again,
}

async fn user(store: &Store, id: &str) -> Option<User> {
    let caller = store.users.caller(id, "sess_none").await.unwrap();
    caller.map(|caller| Arc::unwrap_or_clone(caller.user))
}

/// Waits until the row knows what Clerk knows.
async fn told(store: &Store, id: &str) -> User {
    eventually("Clerk's word", async || {
        user(store, id).await.filter(|user| user.version > 0)
    })
    .await
}

async fn clerk_tells_soon_what_the_token_did_not(database: TestDatabase) {
    let world = World::start(database).await;
    world.disconnect();
    let ann = world.newcomer("ann");
    let growth = json!({"public_metadata": {"role": "growth", "seat": 7}});
    world
        .clerk()
        .update_metadata(ann.user_id(), growth, false, &Caller::default())
        .unwrap();
    let first = ann.get(ME).await.expect_json(200);
    let told = told(world.store(), ann.user_id()).await;
    assert_eq!(told.email.as_deref(), Some("ann@example.com"));
    assert!(told.email_verified);
    assert_eq!(told.public_metadata["seat"], 7);
    let me = ann.get(ME).await.expect_json(200);
    assert_eq!(
        (&me["id"], &me["first_name"], &me["role"]),
        (&first["id"], &json!("ann"), &json!("growth"))
    );
    // The change is told like any other.
    let items = world.store().changes.after(0, 100).await.unwrap();
    let ops = items.iter().map(|item| item.change.op.as_str());
    assert_eq!(ops.collect::<Vec<_>>(), ["upsert", "upsert"]);
}

async fn clerk_is_asked_until_it_answers_and_nobody_comes_back(database: TestDatabase) {
    let world = World::start(database).await;
    // The keys are known from now on.
    world.caller("bob").await.get(ME).await.expect(200);
    world.disconnect();
    let (ann, eve) = (world.newcomer("ann"), world.newcomer("eve"));
    let away = Chaos {
        error_5xx: 1.0,
        ..Chaos::default()
    };
    world.clerk().set_chaos(away).unwrap();
    let me = ann.get(ME).await.expect_json(200);
    assert_eq!(me["email"], json!(null), "nobody waits for Clerk");
    eve.get(ME).await.expect(200);
    let gone = sample("user.deleted").set("data.id", eve.user_id());
    world.deliver(gone).await.expect(204);
    world.clerk().set_chaos(Chaos::default()).unwrap();
    let ann = told(world.store(), ann.user_id()).await;
    assert_eq!(ann.email.as_deref(), Some("ann@example.com"));
    let eve_row = told(world.store(), eve.user_id()).await;
    assert!(eve_row.deleted_at.is_some() && !eve_row.is_active);
    eve.get(ME).await.expect_problem(401, "user_deleted");
}

async fn whoever_was_left_behind_is_found_again(database: TestDatabase) {
    let clerk = World::new_clerk().await;
    let params = json!({"email_address": ["ann@example.com"]});
    let ann = clerk.create_user(params, &Caller::default()).unwrap().id;
    let request = TokenRequest::for_user(&ann).authorized_party(PARTY);
    let token = clerk.mint(request).unwrap();
    // One that cannot ask.
    let keyless = [("CLERK_SECRET_KEY", "")];
    let keyless = World::new_server(database.url(), &clerk, &keyless).await;
    let caller = Visitor::of(keyless.address()).bearer(&token);
    caller.get(ME).await.expect(200);
    assert_eq!(user(keyless.store(), &ann).await.unwrap().version, 0);
    keyless.shutdown().await;
    let server = World::new_server(database.url(), &clerk, &[]).await;
    let told = told(server.store(), &ann).await;
    assert_eq!(told.email.as_deref(), Some("ann@example.com"));
    server.shutdown().await;
}
