//! Where a token may stand in a request, and where not.

use auth::PublishableKey;
use e2e::{ME, TestDatabase, World};
use emulator::TokenRequest;

e2e::on_both! {
    a_request_without_a_token_is_told_so,
    header_and_session_cookies_are_read,
    nothing_else_is_read,
    two_answers_to_one_question_are_refused,
}

fn suffixed_cookie() -> String {
    let key = PublishableKey::parse(&emulator::publishable_key()).unwrap();
    format!("__session_{}", key.cookie_suffix())
}

fn token(world: &World) -> String {
    world.token(TokenRequest::for_user("user_cookie"))
}

async fn a_request_without_a_token_is_told_so(database: TestDatabase) {
    let world = World::start(database).await;
    let answer = world.anonymous().get(ME).await;
    let answer = answer.expect_problem(401, "token_missing");
    // RFC 6750 3.1: whoever shows no credential is told no error.
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer") && !challenge.contains("error"));
    for authorization in ["Basic dXNlcjpwYXNz", ""] {
        let visitor = world.anonymous().with("authorization", authorization);
        visitor.get(ME).await.expect_problem(401, "token_missing");
    }
    for authorization in ["Bearer", "Bearer ", "token"] {
        let visitor = world.anonymous().with("authorization", authorization);
        visitor.get(ME).await.expect_problem(401, "token_malformed");
    }
}

async fn header_and_session_cookies_are_read(database: TestDatabase) {
    let world = World::start(database).await;
    let token = token(&world);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {token}");
        let visitor = world.anonymous().with("authorization", value);
        visitor.get(ME).await.expect(200);
    }
    let suffixed = suffixed_cookie();
    for cookie in [
        format!("__session={token}"),
        format!("{suffixed}={token}"),
        format!("theme=dark; __session={token}; __client_uat=1"),
        format!("__session={token}; {suffixed}={token}"),
    ] {
        let visitor = world.anonymous().with("cookie", &cookie);
        let me = visitor.get(ME).await.expect(200);
        assert_eq!(me.header("cache-control"), Some("no-store"));
        let vary = me.header("vary").unwrap();
        assert!(vary.contains("Authorization") && vary.contains("Cookie"));
    }
}

async fn nothing_else_is_read(database: TestDatabase) {
    let world = World::start(database).await;
    let token = token(&world);
    for cookie in [
        format!("__client={token}"),
        format!("__session_AAAAAAAA={token}"),
        format!("__SESSION={token}"),
        format!("x__session={token}"),
        "__session=".to_owned(),
    ] {
        let visitor = world.anonymous().with("cookie", &cookie);
        visitor.get(ME).await.expect_problem(401, "token_missing");
    }
    for query in [
        "token",
        "access_token",
        "__session",
        "ticket",
        "__clerk_db_jwt",
    ] {
        let path = format!("{ME}?{query}={token}");
        let answer = world.anonymous().get(&path).await;
        answer.expect_problem(401, "token_missing");
    }
    for name in ["x-authorization", "proxy-authorization", "x-forwarded-user"] {
        let visitor = world.anonymous().with(name, format!("Bearer {token}"));
        visitor.get(ME).await.expect_problem(401, "token_missing");
    }
    assert_eq!(world.known("user_cookie", "sess_none").await, None);
}

async fn two_answers_to_one_question_are_refused(database: TestDatabase) {
    let world = World::start(database).await;
    let (one, other) = (token(&world), token(&world));
    let twice = world.anonymous().bearer(&one).bearer(&one);
    twice.get(ME).await.expect_problem(401, "token_malformed");
    let cookies = format!("__session={one}; __session={other}");
    let planted = world.anonymous().with("cookie", cookies);
    planted.get(ME).await.expect_problem(401, "token_malformed");
    let same = format!("__session={one}; __session={one}");
    world
        .anonymous()
        .with("cookie", same)
        .get(ME)
        .await
        .expect(200);
    // A wrong header is not made good by a right cookie.
    let mixed = world
        .anonymous()
        .bearer("x")
        .with("cookie", format!("__session={one}"));
    mixed.get(ME).await.expect_problem(401, "token_malformed");
}
