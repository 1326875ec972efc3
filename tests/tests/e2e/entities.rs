//! Organizations, memberships and subscriptions: what happens at Clerk is so here, and stands in the change feed.

use e2e::{ME, TestDatabase, World};
use emulator::{BillingStep, Caller, Payer, Terms};
use serde_json::json;

use crate::likeness::{at_clerk, mirrored};

e2e::on_both! {
    organizations_and_memberships_are_followed,
    a_subscription_decides_the_tier,
}

/// What the feed tells of an object: operations, oldest first.
async fn told(world: &World, id: &str) -> Vec<&'static str> {
    let items = world.store().changes.after(0, 1000).await.unwrap();
    let about = items.iter().filter(|item| item.change.clerk_id == id);
    about.map(|item| item.change.op.as_str()).collect()
}

async fn organizations_and_memberships_are_followed(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let (clerk, by) = (world.clerk(), Caller::default());
    let params = json!({"name": "Engines", "created_by": ann.user_id()});
    let organization = clerk.create_organization(params, &by).unwrap().id;
    let params = json!({"user_id": bob.user_id(), "role": "org:member"});
    let membership = clerk.create_membership(&organization, params, &by).unwrap();
    let membership = membership["id"].as_str().unwrap();
    world.settled().await;
    assert_eq!(mirrored(world.store()).await, at_clerk(clerk));
    assert_eq!(at_clerk(clerk).sizes(), [2, 1, 2]);
    assert_eq!(told(&world, membership).await, ["upsert"]);

    clerk
        .update_organization(&organization, json!({"name": "Looms"}), &by)
        .unwrap();
    let admin = json!({"role": "org:admin"});
    clerk
        .update_membership(&organization, bob.user_id(), admin, &by)
        .unwrap();
    world.settled().await;
    assert_eq!(mirrored(world.store()).await, at_clerk(clerk));
    assert_eq!(told(&world, membership).await, ["upsert", "upsert"]);
    // What somebody is in an organization is not what he is in the service.
    assert_eq!(bob.get(ME).await.expect_json(200)["role"], "solo");

    clerk
        .delete_membership(&organization, bob.user_id(), &by)
        .unwrap();
    world.settled().await;
    assert_eq!(mirrored(world.store()).await, at_clerk(clerk));
    assert_eq!(
        told(&world, membership).await,
        ["upsert", "upsert", "delete"]
    );

    clerk.delete_organization(&organization, &by).unwrap();
    world.settled().await;
    assert_eq!(mirrored(world.store()).await, at_clerk(clerk));
    assert_eq!(at_clerk(clerk).sizes(), [2, 0, 0]);
    assert_eq!(told(&world, &organization).await.last(), Some(&"delete"));
}

async fn a_subscription_decides_the_tier(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let bill = async |step| {
        let payer = Payer::User(ann.user_id().to_owned());
        let subscription = world.clerk().bill(payer, step, &Caller::default()).unwrap();
        world.settled().await;
        let tier = ann.get(ME).await.expect_json(200)["tier"].clone();
        (subscription["id"].as_str().unwrap().to_owned(), tier)
    };
    let terms = Terms {
        plan: "pro".to_owned(),
        ..Terms::default()
    };
    let (subscription, tier) = bill(BillingStep::Subscribe(terms)).await;
    assert_eq!(tier, "paid");
    let items = world.store().changes.after(0, 1000).await.unwrap();
    let about = |id: &str| {
        let found = items.iter().rfind(|item| item.change.clerk_id == id);
        found.unwrap().change.clone()
    };
    assert_eq!(about(ann.user_id()).data["tier"], "paid");
    let change = about(&subscription);
    assert_eq!(
        (change.kind.as_str(), &change.data["status"]),
        ("subscription", &json!("active"))
    );
    // What is paid for lasts to the end of its period.
    assert_eq!(bill(BillingStep::Cancel).await.1, "paid");
    assert_eq!(bill(BillingStep::End).await.1, "free");
}
