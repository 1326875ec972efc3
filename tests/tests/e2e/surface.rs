//! What anybody may see: health, the document of the API, and where nothing is.

use e2e::{ME, TestDatabase, WEBHOOKS, World};
use reqwest::Method;

e2e::on_both! {
    health_tells_how_things_stand,
    what_is_not_there_is_a_problem,
    answers_name_their_request_and_are_guarded,
}

async fn health_tells_how_things_stand(database: TestDatabase) {
    let world = World::start(database).await;
    let visitor = world.anonymous();
    let live = visitor.get("/health/live").await.expect_json(200);
    assert_eq!(live["status"], "alive");
    let ready = visitor.get("/health/ready").await.expect_json(200);
    assert_eq!(ready["status"], "ready");
    world.caller("ann").await.get(ME).await.expect(200);
    let health = visitor.get("/health").await.expect_json(200);
    assert_eq!(health["status"], "healthy", "{health}");
    for name in [
        "clerk_configured",
        "database_configured",
        "webhook_configured",
    ] {
        assert_eq!(health[name], true, "{name}");
    }
    for check in ["database", "migrations", "clerk_keys"] {
        assert_eq!(health["checks"][check]["status"], "healthy", "{health}");
    }
    assert!(health["last_event_at"].is_string(), "{health}");
}

async fn what_is_not_there_is_a_problem(database: TestDatabase) {
    let world = World::start(database).await;
    let visitor = world.anonymous();
    for path in [
        "/nowhere",
        "/api",
        "/api/auth",
        "/api/v2/auth/me",
        "/api/auth/me/",
        "//api/auth/me",
        "/api/docs/nothing.js",
    ] {
        visitor.get(path).await.expect_problem(404, "not_found");
    }
    for (method, path) in [
        (Method::GET, WEBHOOKS),
        (Method::PUT, WEBHOOKS),
        (Method::POST, ME),
        (Method::DELETE, "/api/v1/auth/me"),
    ] {
        let answer = visitor.ask(method, path).await;
        let answer = answer.expect_problem(405, "method_not_allowed");
        assert!(answer.header("allow").is_some(), "{path}");
    }
}

async fn answers_name_their_request_and_are_guarded(database: TestDatabase) {
    let world = World::start(database).await;
    let named = world.anonymous().with("x-request-id", "req-42");
    let answer = named.get(ME).await.expect_problem(401, "token_missing");
    assert_eq!(answer.json()["instance"], "req-42");
    let long = "x".repeat(200);
    let unfit = world.anonymous().with("x-request-id", &long);
    assert_ne!(
        unfit.get(ME).await.header("x-request-id"),
        Some(long.as_str())
    );

    for path in ["/health/live", ME, "/nowhere", "/api/openapi.json"] {
        let answer = world.anonymous().get(path).await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
    let page = world.anonymous().get("/api/docs/").await.expect(200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
}
