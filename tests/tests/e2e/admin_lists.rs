//! What admins see, by pages that neither repeat nor skip.

use e2e::{TestDatabase, Visitor, World, sample};
use emulator::Caller;
use serde_json::{Value, json};

use crate::admin_access::admin;

e2e::on_both! {
    pages_are_stable_whatever_is_written_meanwhile,
    users_are_found_by_what_is_known_of_them,
    one_user_is_shown_with_all_that_belongs_to_him,
}

const USERS: &str = "/api/v1/admin/users";

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    let ids = items.map(|item| item["clerk_user_id"].as_str().unwrap().to_owned());
    ids.collect()
}

async fn found(boss: &Visitor, query: &str) -> Vec<String> {
    let path = format!("{USERS}?{query}");
    ids(&boss.get(&path).await.expect_json(200))
}

async fn pages_are_stable_whatever_is_written_meanwhile(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let (clerk, by) = (world.clerk(), Caller::default());
    let mut expected = clerk.seed_users(11, false, &by);
    world.settled().await;
    expected.push(boss.user_id().to_owned());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{USERS}?limit=3&cursor={cursor}");
        let page = boss.get(&path).await.expect_json(200);
        seen.extend(ids(&page));
        // One comes, one changes, one goes, while somebody pages.
        clerk.seed_users(1, false, &by);
        let change = json!({"first_name": format!("after {}", seen.len())});
        clerk.update_user(&seen[0], change.clone(), &by).unwrap();
        clerk.update_user(&expected[0], change, &by).unwrap();
        world.settled().await;
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

async fn users_are_found_by_what_is_known_of_them(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let (ann, bob) = (
        vec![ann.user_id().to_owned()],
        vec![bob.user_id().to_owned()],
    );
    assert_eq!(found(&boss, "q=ann@").await, ann);
    assert_eq!(found(&boss, "q=ANN").await, ann);
    assert_eq!(found(&boss, &format!("q={}", bob[0])).await, bob);
    assert_eq!(found(&boss, "role=admin").await, [boss.user_id()]);
    assert_eq!(found(&boss, "role=solo&q=bob").await, bob);
    assert_eq!(found(&boss, "tier=paid").await, Vec::<String>::new());
    assert_eq!(found(&boss, "q=&role=&tier=&limit=&cursor=").await.len(), 3);
    world
        .clerk()
        .delete_user(&ann[0], &Caller::default())
        .unwrap();
    world.settled().await;
    assert_eq!(found(&boss, "q=ann").await, Vec::<String>::new());
    let deleted = format!("include_deleted=true&q={}", ann[0]);
    assert_eq!(found(&boss, &deleted).await, ann);
}

async fn one_user_is_shown_with_all_that_belongs_to_him(database: TestDatabase) {
    let world = World::start(database).await;
    let (boss, ann) = (admin(&world, "boss").await, world.caller("ann").await);
    let params = json!({"name": "acme", "created_by": ann.user_id()});
    let made = world
        .clerk()
        .create_organization(params, &Caller::default());
    let organization = made.unwrap().id;
    world.settled().await;
    let event = sample("session.created")
        .set("data.id", "sess_of_ann")
        .set("data.user_id", ann.user_id());
    world.deliver(event).await.expect(204);
    let by_clerk = boss.get(&format!("{USERS}/{}", ann.user_id())).await;
    let by_clerk = by_clerk.expect_json(200);
    let ours = by_clerk["id"].as_str().unwrap();
    let by_ours = boss.get(&format!("{USERS}/{ours}")).await.expect_json(200);
    assert_eq!(by_ours, by_clerk);
    assert_eq!(by_clerk["email"], "ann@example.com");
    assert_eq!(by_clerk["emails"][0]["primary"], true);
    let sessions = by_clerk["sessions"].as_array().unwrap();
    assert!(
        sessions
            .iter()
            .any(|session| session["clerk_session_id"] == "sess_of_ann")
    );
    let place = &by_clerk["organizations"][0];
    assert_eq!(place["clerk_organization_id"], organization);
    assert_eq!(place["role"], "org:admin");
    assert_eq!(by_clerk["usage"], json!([]));
    assert_eq!(by_clerk["history"], json!([]));

    let list = boss.get("/api/v1/admin/organizations?q=ac").await;
    let list = list.expect_json(200);
    assert_eq!(list["items"][0]["clerk_organization_id"], organization);
    for unknown in [
        "user_none",
        "00000000-0000-0000-0000-000000000000",
        "%20",
        "a%2Fb",
    ] {
        let answer = boss.get(&format!("{USERS}/{unknown}")).await;
        answer.expect_problem(404, "user_not_found");
    }
}
