//! Streams: tickets that open one, what they tell, and what ends them.

use e2e::{TestDatabase, Visitor, Wire, World, eventually};
use emulator::{Caller, SessionStatus, TokenRequest};
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

e2e::on_both! {
    a_ticket_opens_one_stream_once,
    a_ticket_is_taken_on_streams_only,
    of_many_who_redeem_a_ticket_one_does,
    a_ticket_dies_with_its_session,
    a_stream_tells_the_callers_own_changes,
    a_stream_ends_with_its_session_and_no_other,
    a_stream_ends_with_its_user,
    an_admins_feed_ends_with_the_role,
    a_stream_outlives_its_token,
    a_user_has_so_many_streams,
}

pub(crate) const EVENTS: &str = "/api/v1/me/events";
const CHANGES: &str = "/api/v1/changes";
pub(crate) const TICKET: &str = "/api/auth/stream-ticket";

/// A ticket of the caller's.
pub(crate) async fn ticket(caller: &Visitor) -> String {
    let answer = caller.ask(Method::POST, TICKET).await.expect_json(200);
    let (ticket, expires_at) = (&answer["ticket"], &answer["expires_at"]);
    let life = expires_at
        .as_str()
        .unwrap()
        .parse::<chrono::DateTime<chrono::Utc>>()
        .unwrap()
        - chrono::Utc::now();
    assert!((0..=30).contains(&life.num_seconds()), "{life}");
    ticket.as_str().unwrap().to_owned()
}

/// Asks for a stream.
pub(crate) async fn open(world: &World, path: &str, headers: &str) -> Wire {
    let mut wire = Wire::to(world.address()).await;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nconnection: close\r\n{headers}\r\n"
    );
    wire.send(request.as_bytes()).await;
    wire
}

/// A stream that has begun.
async fn listening(world: &World, path: &str, headers: &str) -> Wire {
    begun(world, path, headers).await.0
}

/// A stream that has begun, with what it told first.
async fn begun(world: &World, path: &str, headers: &str) -> (Wire, String) {
    let mut wire = open(world, path, headers).await;
    let begun = wire.until("\"updated_at\":").await;
    assert!(begun.starts_with("HTTP/1.1 200 "), "{begun}");
    assert!(begun.contains("content-type: text/event-stream"), "{begun}");
    assert!(begun.contains("event: user\n"), "{begun}");
    (wire, begun)
}

/// The token of a session, as a header's line.
pub(crate) fn bearer(world: &World, session_id: &str) -> String {
    let token = world.token(TokenRequest::for_session(session_id));
    format!("authorization: Bearer {token}\r\n")
}

async fn ended(mut wire: Wire, code: &str) {
    let rest = wire.rest().await;
    assert!(
        rest.contains(&format!("event: end\ndata: {{\"code\":\"{code}\"}}")),
        "{rest}"
    );
}

async fn a_ticket_opens_one_stream_once(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let ticket = ticket(&ann).await;
    let path = format!("{EVENTS}?ticket={ticket}");
    let (_stream, first) = begun(&world, &path, "").await;
    assert!(first.contains(ann.user_id()), "{first}");
    let again = world.anonymous().get(&path).await;
    again.expect_problem(401, "ticket_invalid");
    // A ticket that opens nothing is not made good by what comes with it.
    ann.get(&path).await.expect_problem(401, "ticket_invalid");
    for wrong in ["", "x", &ticket[1..], &"A".repeat(43), "%00"] {
        let path = format!("{EVENTS}?ticket={wrong}");
        ann.get(&path).await.expect_problem(401, "ticket_invalid");
    }
    let twice = format!("{path}&ticket={ticket}");
    ann.get(&twice).await.expect_problem(401, "ticket_invalid");
    let stranger = world.anonymous();
    let stranger = stranger.ask(Method::POST, TICKET).await;
    stranger.expect_problem(401, "token_missing");
}

async fn a_ticket_is_taken_on_streams_only(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let ticket = ticket(&ann).await;
    for (method, path) in [
        (Method::GET, e2e::ME),
        (Method::POST, TICKET),
        (Method::GET, "/api/auth/verify"),
    ] {
        let path = format!("{path}?ticket={ticket}");
        let answer = world.anonymous().ask(method, &path).await;
        answer.expect_problem(401, "token_missing");
    }
    let bearing = world.anonymous().bearer(&ticket).get(EVENTS).await;
    bearing.expect_problem(401, "token_malformed");
    // The feed is a stream, and for admins.
    let path = format!("{CHANGES}?ticket={ticket}");
    let answer = world.anonymous().get(&path).await;
    answer.expect_problem(403, "role_required");
}

async fn of_many_who_redeem_a_ticket_one_does(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let address = world.address();
    for _ in 0..3 {
        let path = format!("{EVENTS}?ticket={}", ticket(&ann).await);
        let mut tries = JoinSet::new();
        for _ in 0..16 {
            let path = path.clone();
            tries.spawn(async move {
                let mut wire = Wire::to(address).await;
                let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
                wire.send(request.as_bytes()).await;
                wire.until("\r\n\r\n").await.contains("HTTP/1.1 200 ")
            });
        }
        let opened = tries.join_all().await;
        assert_eq!(opened.iter().filter(|opened| **opened).count(), 1);
    }
}

fn end(world: &World, session_id: &str, status: SessionStatus) {
    let by = Caller::default();
    world.clerk().end_session(session_id, status, &by).unwrap();
}

async fn a_ticket_dies_with_its_session(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let path = format!("{EVENTS}?ticket={}", ticket(&ann).await);
    end(&world, ann.session_id(), SessionStatus::Ended);
    world.settled().await;
    let answer = world.anonymous().get(&path).await;
    answer.expect_problem(401, "session_revoked");
}

async fn a_stream_tells_the_callers_own_changes(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let bob = world.caller("bob").await;
    let headers = bearer(&world, ann.session_id());
    let (mut stream, first) = begun(&world, EVENTS, &headers).await;
    assert!(first.contains(r#""role":"solo""#), "{first}");
    let (clerk, by) = (world.clerk(), Caller::default());
    // Another's change comes first, and is not told.
    let growth = json!({"public_metadata": {"role": "growth"}});
    for user in [bob.user_id(), ann.user_id()] {
        clerk
            .update_metadata(user, growth.clone(), false, &by)
            .unwrap();
        world.settled().await;
    }
    let told = stream.until(r#""role":"growth""#).await;
    assert!(!told.contains(bob.user_id()), "{told}");
    let paid = json!({"public_metadata": {"tier": "paid"}});
    clerk
        .update_metadata(ann.user_id(), paid, false, &by)
        .unwrap();
    stream.until(r#""tier":"paid""#).await;
    clerk
        .update_user(ann.user_id(), json!({"first_name": "Anna"}), &by)
        .unwrap();
    stream.until(r#""first_name":"Anna""#).await;
    let other = clerk.new_session(ann.user_id()).unwrap();
    let told = stream.until(r#""current":false"#).await;
    assert!(
        told.contains("event: session\n") && told.contains(&other.id),
        "{told}"
    );
    assert!(!told.contains("event: end"), "{told}");
}

async fn a_stream_ends_with_its_session_and_no_other(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    for status in [
        SessionStatus::Ended,
        SessionStatus::Removed,
        SessionStatus::Revoked,
    ] {
        let session = world.clerk().new_session(ann.user_id()).unwrap();
        world.settled().await;
        let mine = bearer(&world, ann.session_id());
        let mut stays = listening(&world, EVENTS, &mine).await;
        let headers = bearer(&world, &session.id);
        let by_header = listening(&world, EVENTS, &headers).await;
        let (_, token) = headers.trim().split_once("Bearer ").unwrap();
        let cookie = format!("cookie: __session={token}\r\n");
        let by_cookie = listening(&world, EVENTS, &cookie).await;
        let ticket = ticket(&world.anonymous().bearer(token)).await;
        let path = format!("{EVENTS}?ticket={ticket}");
        let by_ticket = listening(&world, &path, "").await;
        end(&world, &session.id, status);
        for stream in [by_header, by_cookie, by_ticket] {
            ended(stream, "session_revoked").await;
        }
        // The other session goes on, and is told.
        let told = stays.until(&session.id).await;
        assert!(!told.contains("event: end"), "{told}");
    }
}

async fn a_stream_ends_with_its_user(database: TestDatabase) {
    let world = World::start(database).await;
    let by = Caller::default();
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let anns = listening(&world, EVENTS, &bearer(&world, ann.session_id())).await;
    let bobs = listening(&world, EVENTS, &bearer(&world, bob.session_id())).await;
    world.clerk().delete_user(ann.user_id(), &by).unwrap();
    ended(anns, "user_deleted").await;
    world.clerk().set_banned(bob.user_id(), true, &by).unwrap();
    let mut bobs = bobs;
    // A ban ends the sessions too: whichever is told first ends the stream.
    let rest = bobs.rest().await;
    assert!(
        rest.contains("user_inactive") || rest.contains("session_revoked"),
        "{rest}"
    );
}

async fn an_admins_feed_ends_with_the_role(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let (clerk, by) = (world.clerk(), Caller::default());
    let role = |role: &str| json!({"public_metadata": {"role": role}});
    clerk
        .update_metadata(ann.user_id(), role("admin"), false, &by)
        .unwrap();
    world.settled().await;
    let path = format!("{CHANGES}?ticket={}", ticket(&ann).await);
    let mut by_ticket = open(&world, &path, "").await;
    let begun = by_ticket.until("\nid: 1\n").await;
    assert!(begun.contains("text/event-stream"), "{begun}");
    let mut by_header = open(&world, CHANGES, &bearer(&world, ann.session_id())).await;
    by_header.until("\nid: 1\n").await;
    clerk
        .update_metadata(ann.user_id(), role("growth"), false, &by)
        .unwrap();
    by_ticket.rest().await;
    by_header.rest().await;
    let refused = ann.get(CHANGES).await;
    refused.expect_problem(403, "role_required");
}

async fn a_stream_outlives_its_token(database: TestDatabase) {
    let world = World::with(database, &[("CLERK_LEEWAY_SECONDS", "0")]).await;
    let ann = world.caller("ann").await;
    let short = world.token(TokenRequest::for_session(ann.session_id()).expires_in(2));
    let headers = format!("authorization: Bearer {short}\r\n");
    let mut stream = listening(&world, EVENTS, &headers).await;
    let visitor = world.anonymous().bearer(&short);
    eventually("the token's end", async || {
        (visitor.get(e2e::ME).await.status == 401).then_some(())
    })
    .await;
    let by = Caller::default();
    let change = json!({"first_name": "Anna"});
    world
        .clerk()
        .update_user(ann.user_id(), change, &by)
        .unwrap();
    stream.until(r#""first_name":"Anna""#).await;
    end(&world, ann.session_id(), SessionStatus::Revoked);
    ended(stream, "session_revoked").await;
}

async fn a_user_has_so_many_streams(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let headers = bearer(&world, ann.session_id());
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(listening(&world, EVENTS, &headers).await);
    }
    ann.get(EVENTS)
        .await
        .expect_problem(429, "too_many_streams");
    listening(&world, EVENTS, &bearer(&world, bob.session_id())).await;
    streams.pop();
    eventually("room", async || {
        let mut wire = open(&world, EVENTS, &headers).await;
        let head = wire.until("\r\n\r\n").await;
        head.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;
}
