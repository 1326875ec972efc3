//! The change feed: who may read it, and that it tells every change once and in order.

use std::sync::Arc;

use e2e::{Message, TestDatabase, Visitor, Wire, World, new_message_id, sample};
use emulator::Caller;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CHANGES: &str = "/api/v1/changes";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SERVICE: (&str, &str) = ("SERVICE_TOKENS", "search=0123456789abcdef0123456789abcdef");

e2e::on_both! {
    admins_and_machines_may_read,
    pages_leave_nothing_out_and_repeat_nothing,
    a_stream_tells_what_happens_once_and_in_order,
}

fn machine(world: &World) -> Visitor {
    world.anonymous().bearer(TOKEN)
}

async fn admins_and_machines_may_read(database: TestDatabase) {
    let world = World::with(database, &[SERVICE]).await;
    world
        .anonymous()
        .get(CHANGES)
        .await
        .expect_problem(401, "token_missing");
    let wrong = TOKEN.replace('f', "0");
    let wrong = world.anonymous().bearer(&wrong).get(CHANGES).await;
    wrong.expect_problem(401, "token_malformed");
    let ann = world.caller("ann").await;
    ann.get(CHANGES).await.expect_problem(403, "role_required");
    let admin = json!({"public_metadata": {"role": "admin"}});
    let clerk = world.clerk();
    clerk
        .update_metadata(ann.user_id(), admin, false, &Caller::default())
        .unwrap();
    world.settled().await;
    let page = ann.get(CHANGES).await.expect_json(200);
    assert_eq!(machine(&world).get(CHANGES).await.expect_json(200), page);
    assert_eq!(
        machine(&world).get("/api/changes").await.expect_json(200),
        page
    );
    // It opens nothing else.
    machine(&world).get(e2e::ME).await.expect(401);
    for (wrong, field) in [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("after=99999999999999999999", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("after=1&after=2", "after"),
    ] {
        let answer = machine(&world).get(&format!("{CHANGES}?{wrong}")).await;
        let answer = answer.expect_problem(400, "parameter_invalid");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{wrong}");
    }
}

fn cursors(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    let cursors = items.iter().map(|item| item["cursor"].as_str().unwrap());
    cursors.map(|cursor| cursor.parse().unwrap()).collect()
}

async fn page(world: &World, query: &str) -> Value {
    let answer = machine(world).get(&format!("{CHANGES}?{query}")).await;
    answer.expect_json(200)
}

async fn pages_leave_nothing_out_and_repeat_nothing(database: TestDatabase) {
    let world = World::with(database, &[SERVICE]).await;
    let ids = world.clerk().seed_users(25, false, &Caller::default());
    world.settled().await;
    let all = page(&world, "after=&limit=1000").await;
    let items = all["items"].as_array().unwrap();
    assert!(cursors(&all).is_sorted_by(|one, next| one < next));
    let (mut told, mut users) = (Vec::new(), ids);
    told.extend(
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned()),
    );
    told.sort();
    users.sort();
    assert_eq!(told, users);

    let (mut paged, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = page(&world, &format!("after={after}&limit=7")).await;
        let next = page["next_cursor"].as_str().unwrap().to_owned();
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            assert_eq!(next, after);
            break;
        }
        assert!(items.len() <= 7);
        paged.extend(items.clone());
        after = next;
    }
    assert_eq!(&paged, items);
}

/// Asks for a stream.
async fn follow(world: &World, header: &str) -> Wire {
    let mut wire = Wire::to(world.address()).await;
    let request = format!(
        "GET {CHANGES} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\naccept: text/event-stream\r\n{header}\r\n"
    );
    wire.send(request.as_bytes()).await;
    wire
}

/// The cursors that a stream tells, up to `last`.
async fn streamed(mut wire: Wire, last: i64) -> Vec<i64> {
    let read = wire.until(&format!("\nid: {last}\n")).await;
    let ids = read.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.map(|id| id.parse().unwrap()).collect()
}

async fn a_stream_tells_what_happens_once_and_in_order(database: TestDatabase) {
    let world = Arc::new(World::with(database, &[SERVICE]).await);
    let stream = follow(&world, "").await;
    let mut senders = JoinSet::new();
    for _ in 0..8 {
        let (clerk, secret) = (world.anonymous(), world.clerk().webhook_secret());
        senders.spawn(async move {
            for _ in 0..10 {
                let user = new_message_id().replace("msg_", "user_");
                let event = sample("user.created").set("data.id", user);
                clerk
                    .send(Message::signed(&secret, event))
                    .await
                    .expect(204);
            }
        });
    }
    senders.join_all().await;
    let told = cursors(&page(&world, "limit=1000").await);
    assert_eq!(told.len(), 80);
    let last = *told.last().unwrap();
    assert_eq!(streamed(stream, last).await, told);
    let (seen, rest) = told.split_at(50);
    let again = follow(&world, &format!("last-event-id: {}\r\n", seen[49])).await;
    assert_eq!(streamed(again, last).await, rest);
}
