//! Organizations, memberships and subscriptions: what happens at Clerk is so here, and stands in the change feed.

use chrono::Utc;
use e2e::{ME, TestDatabase, Visitor, World, at_clerk, eventually, mirrored, sample};
use emulator::{BillingStep, Caller, Payer, Terms};
use serde_json::json;

e2e::on_both! {
    organizations_and_memberships_are_followed,
    a_subscription_decides_the_tier,
    a_payment_past_due_has_its_grace,
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

async fn a_payment_past_due_has_its_grace(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    // Nobody asks for this one: the upkeep alone settles the row.
    let bob = world.caller("bob").await;
    let tier = async || ann.get(ME).await.expect_json(200)["tier"].clone();
    let row = async || {
        let known = world.known(bob.user_id(), bob.session_id()).await;
        known.unwrap().user.tier.to_string()
    };
    let now = Utc::now().timestamp_millis();
    let past_due_since = |payer: &Visitor, item: &str, millis: i64| {
        sample("subscriptionItem.pastDue")
            .set("data.id", item)
            .set("data.plan.slug", "pro")
            .set("data.past_due_at", millis)
            .set("data.payer", json!({"user_id": payer.user_id()}))
    };
    let week = 7 * 24 * 3_600_000;
    // Longer ago than the grace.
    let long_ago = past_due_since(&ann, "csub_item_old", now - week - 1000);
    world.deliver(long_ago).await.expect(204);
    assert_eq!(tier().await, "free");
    // Its last seconds.
    for (payer, item) in [(&ann, "csub_item_ann"), (&bob, "csub_item_bob")] {
        let lately = past_due_since(payer, item, now - week + 5000);
        world.deliver(lately).await.expect(204);
    }
    assert_eq!(tier().await, "paid");
    assert_eq!(row().await, "paid");
    eventually("the end of the grace", async || {
        (tier().await == "free").then_some(())
    })
    .await;
    eventually("a settled row", async || {
        (row().await == "free").then_some(())
    })
    .await;
}
