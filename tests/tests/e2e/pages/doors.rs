//! The ways in and out: where people are sent, who is kept outside, and how a session ends.

use e2e::{Browser, PARTY, TestDatabase, World};
use emulator::TokenRequest;
use reqwest::Method;

e2e::on_both! {
    nobody_is_sent_to_another_site,
    a_portal_is_told_where_to_send_people_back,
    components_are_started_with_what_they_need,
    who_is_banned_or_has_been_signed_out_is_told_so,
    signing_out_needs_a_page_of_this_site_and_ends_the_session,
    without_keys_a_page_says_whose_fault_it_is,
}

async fn nobody_is_sent_to_another_site(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let token = world.token(TokenRequest::for_session(ann.session_id()));
    let mut browser = Browser::of(&world).holding(&token);
    for (target, expected) in [
        ("/settings", "/settings"),
        ("/admin/users%3Fq%3Da%2526b", "/admin/users?q=a%26b"),
        ("//evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("/%09/evil.example", "/"),
        ("/%0A/evil.example", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example/", "/"),
        ("http://localhost:3000@evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/%2e%2e//evil.example", "/"),
        ("%2F%2Fevil.example", "/"),
        ("/sign-in", "/"),
        ("", "/"),
    ] {
        for door in ["/sign-in", "/sign-up"] {
            let path = format!("{door}?redirect_url={target}");
            let answer = browser.get(&path).await.expect(303);
            assert_eq!(answer.header("location"), Some(expected), "{path}");
        }
    }
}

async fn a_portal_is_told_where_to_send_people_back(database: TestDatabase) {
    let portal = (
        "CLERK_SIGN_IN_URL",
        "https://accounts.example.com/sign-in?x=1",
    );
    let world = World::with(database, &[portal]).await;
    let mut browser = Browser::of(&world);
    for (door, target, back) in [
        ("/sign-in", "/settings", "/settings"),
        ("/sign-in", "//evil.example", "/"),
        ("/sign-up", "https://evil.example", "/"),
    ] {
        let answer = browser.get(&format!("{door}?redirect_url={target}")).await;
        let sent = Browser::target(&answer.expect(303));
        assert!(
            sent.as_str()
                .starts_with("https://accounts.example.com/sign-in?x=1")
        );
        let told = sent.query_pairs().find(|(name, _)| name == "redirect_url");
        assert_eq!(told.unwrap().1, format!("{PARTY}{back}"));
    }
    let page = browser.get("/").await.expect_page(200);
    assert!(!page.text().contains("clerk.browser.js"), "{}", page.text());
}

async fn components_are_started_with_what_they_need(database: TestDatabase) {
    let clerk = World::new_clerk().await;
    let proxy = format!("{}/__clerk", clerk.origin());
    let key = clerk.publishable_key();
    let world = World::of(clerk, database, &[("CLERK_PROXY_URL", &proxy)]).await;
    let page = Browser::of(&world)
        .get("/sign-up?redirect_url=/settings")
        .await;
    let page = page.expect_page(200);
    let text = page.text();
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    let ui = place("npm/@clerk/ui@1/dist/ui.browser.js");
    assert!(ui < place("npm/@clerk/clerk-js@6/dist/clerk.browser.js"));
    place(&format!("data-clerk-publishable-key=\"{key}\""));
    place(&format!("data-clerk-proxy-url=\"{proxy}\""));
    place("data-mount=\"sign-up\" data-target=\"/settings\"");
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap();
    let nonce = nonce.split('\'').next().unwrap();
    assert!(text.contains(&format!("nonce=\"{nonce}\"")), "{text}");
    let origin = world.clerk().origin();
    for rule in ["script-src 'self' ", "connect-src 'self' "] {
        assert!(policy.contains(&format!("{rule}{origin}")), "{policy}");
    }
    let again = Browser::of(&world).get("/sign-up").await;
    let other = again.header("content-security-policy").unwrap();
    assert!(!other.contains(nonce), "a nonce serves once");
}

async fn who_is_banned_or_has_been_signed_out_is_told_so(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let browser = |session: &str| {
        let token = world.token(TokenRequest::for_session(session));
        Browser::of(&world).holding(&token)
    };
    let (mut hers, mut his) = (browser(ann.session_id()), browser(bob.session_id()));
    his.cookies
        .insert("__client_uat".to_owned(), "7".to_owned());
    let key = domain::UserKey::Clerk(ann.user_id().to_owned());
    let by = domain::Attribution::system(chrono::Utc::now());
    world
        .store()
        .administration
        .deactivate(&key, by, &[])
        .await
        .unwrap();
    let closed = hers.get("/settings").await;
    closed.expect_failing_page(403, "user_inactive");
    hers.get("/").await.expect_page(200);

    // Elsewhere, by himself.
    bob.ask(Method::POST, "/api/auth/logout").await.expect(204);
    let over = his.get("/settings").await;
    over.expect_failing_page(401, "session_revoked");
    assert_eq!(his.cookies.get("__session"), None);
    assert_eq!(his.cookies["__client_uat"], "0");
    his.get("/settings").await.expect(303);
}

async fn signing_out_needs_a_page_of_this_site_and_ends_the_session(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let token = world.token(TokenRequest::for_session(ann.session_id()));
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let mut browser = Browser::of(&world).holding(&token);
        if let Some(origin) = origin {
            browser = browser.with("origin", origin);
        }
        let refused = browser.ask(Method::POST, "/sign-out").await;
        refused.expect_failing_page(403, "origin_not_allowed");
        assert!(browser.cookies.contains_key("__session"), "{origin:?}");
    }
    let mut browser = Browser::of(&world).holding(&token).with("origin", PARTY);
    let answer = browser.ask(Method::POST, "/sign-out").await.expect(303);
    assert_eq!(answer.header("location"), Some("/"));
    assert!(!browser.cookies.contains_key("__session"));
    let stale = world.anonymous().bearer(&token);
    stale
        .get(e2e::ME)
        .await
        .expect_problem(401, "session_revoked");
    // Once more does no harm.
    browser.ask(Method::POST, "/sign-out").await.expect(303);
    let entries = world.store().audit.entries(
        domain::AuditFilter::default(),
        domain::PageQuery {
            limit: 10,
            after: None,
        },
    );
    let entries = entries.await.unwrap().items;
    let ended = entries
        .iter()
        .filter(|entry| entry.action == "session.revoked");
    assert_eq!(ended.count(), 1);
}

async fn without_keys_a_page_says_whose_fault_it_is(database: TestDatabase) {
    let nowhere = ("CLERK_JWKS_URL", "http://127.0.0.1:9/jwks");
    let world = World::with(database, &[nowhere]).await;
    let stranger = world.newcomer("ann");
    let token = world.token(TokenRequest::for_session(stranger.session_id()));
    let page = Browser::of(&world).holding(&token).get("/settings").await;
    let page = page.expect_failing_page(503, "keys_unavailable");
    assert!(page.header("retry-after").is_some());
}
