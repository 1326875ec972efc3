//! Signing out, and requests that another site starts in a signed-in browser.

use e2e::{ME, PARTY, TestDatabase, Visitor, World, eventually};
use emulator::{SessionStatus, TokenRequest};
use reqwest::Method;
use serde_json::json;

e2e::on_both! {
    a_session_ends_here_at_once_and_then_at_clerk,
    without_a_secret_key_it_ends_here_alone,
    by_cookie_only_listed_origins_change_something,
}

const LOGOUT: &str = "/api/v1/auth/logout";
const PREFERENCES: &str = "/api/v1/me/preferences";

fn status_at_clerk(world: &World, session_id: &str) -> SessionStatus {
    world.clerk().session(session_id).unwrap().status
}

async fn a_session_ends_here_at_once_and_then_at_clerk(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let elsewhere = world.clerk().new_session(ann.user_id()).unwrap();
    let elsewhere = world
        .anonymous()
        .bearer(&world.token(TokenRequest::for_session(&elsewhere.id)));
    ann.get(ME).await.expect(200);
    ann.ask(Method::POST, LOGOUT).await.expect(204);
    // The token was remembered, and has an hour to live.
    ann.get(ME).await.expect_problem(401, "session_revoked");
    ann.ask(Method::POST, "/api/auth/logout")
        .await
        .expect_problem(401, "session_revoked");
    elsewhere.get(ME).await.expect(200);
    eventually("the session's end at Clerk", async || {
        let status = status_at_clerk(&world, ann.session_id());
        (status == SessionStatus::Revoked).then_some(())
    })
    .await;
    world.settled().await;
    ann.get(ME).await.expect_problem(401, "session_revoked");
}

async fn without_a_secret_key_it_ends_here_alone(database: TestDatabase) {
    let world = World::with(database, &[("CLERK_SECRET_KEY", "")]).await;
    let ann = world.caller("ann").await;
    ann.ask(Method::POST, LOGOUT).await.expect(204);
    ann.get(ME).await.expect_problem(401, "session_revoked");
    let status = status_at_clerk(&world, ann.session_id());
    assert_eq!(status, SessionStatus::Active);
}

async fn by_cookie_only_listed_origins_change_something(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let token = world.token(TokenRequest::for_session(ann.session_id()));
    let browser = || {
        let cookie = format!("__session={token}");
        world.anonymous().with("cookie", cookie)
    };
    let near = format!("{PARTY}.evil.example.com");
    let refused: Vec<Visitor> = vec![
        browser(),
        browser().with("origin", "null"),
        browser().with("origin", "https://evil.example.com"),
        browser().with("origin", near),
        browser().with("origin", PARTY.to_uppercase()),
        browser().with("origin", PARTY).with("origin", PARTY),
        browser().with("referer", PARTY),
    ];
    let patch = json!({"theme": "dark"});
    for site in &refused {
        for (method, path) in [
            (Method::POST, LOGOUT),
            (Method::PATCH, PREFERENCES),
            (Method::POST, "/api/v1/auth/stream-ticket"),
        ] {
            let answer = site.submit(method, path, &patch).await;
            answer.expect_problem(403, "origin_not_allowed");
        }
        site.get(ME).await.expect(200);
    }
    let kept = browser().get(PREFERENCES).await.expect_json(200);
    assert_eq!(kept, json!({}));
    // A header is not sent by a browser on its own: no origin is asked for.
    ann.submit(Method::PATCH, PREFERENCES, &patch)
        .await
        .expect(200);
    let own = browser().with("origin", PARTY);
    own.ask(Method::POST, LOGOUT).await.expect(204);
    own.get(ME).await.expect_problem(401, "session_revoked");
}
