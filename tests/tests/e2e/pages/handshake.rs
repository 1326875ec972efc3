//! Pages and Clerk's handshake: who comes back signed in, and what signs nobody in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Browser, PARTY, TestDatabase, World};
use emulator::{TokenKey, TokenRequest};
use serde_json::json;

e2e::on_both! {
    who_signed_in_at_the_portal_comes_back_signed_in,
    an_expired_session_is_renewed_on_the_way,
    who_is_signed_out_at_clerk_is_asked_to_sign_in,
    production_instances_answer_by_cookie,
    a_link_serves_one_browser_once,
    what_clerk_did_not_sign_signs_nobody_in,
    only_cookies_of_sign_in_are_set_whatever_clerk_says,
    who_is_sent_round_and_round_is_stopped,
    by_https_behind_a_trusted_proxy_cookies_are_for_https_alone,
}

/// A world whose pages reach Clerk where the emulator is.
async fn start(database: TestDatabase) -> World {
    let clerk = World::new_clerk().await;
    let proxy = format!("{}/__clerk", clerk.origin());
    World::of(clerk, database, &[("CLERK_PROXY_URL", &proxy)]).await
}

/// The link by which Clerk sends a browser back that has just signed in, not opened yet.
async fn link(world: &World, browser: &mut Browser) -> String {
    world.caller("ann").await;
    let known_by = browser.sign_in("ann@example.com").await;
    let path = format!("/settings?__clerk_db_jwt={known_by}");
    let answer = browser.get(&path).await.expect(307);
    browser.visit_clerk(&Browser::target(&answer)).await
}

async fn who_signed_in_at_the_portal_comes_back_signed_in(database: TestDatabase) {
    let world = start(database).await;
    world.caller("ann").await;
    let mut browser = Browser::of(&world);
    let known_by = browser.sign_in("ann@example.com").await;
    let path = format!("/settings?tab=1&__clerk_db_jwt={known_by}");
    let answer = browser.get(&path).await.expect(307);
    let sent = Browser::target(&answer);
    let told = sent.query_pairs().find(|(name, _)| name == "redirect_url");
    let (_, back) = told.unwrap();
    assert!(
        back.starts_with("http://localhost:3000/settings?tab=1&"),
        "{back}"
    );
    assert!(!back.contains(&known_by), "{back}");
    let path = browser.visit_clerk(&sent).await;
    let answer = browser.get(&path).await.expect(303);
    assert_eq!(answer.header("location"), Some("/settings?tab=1"));
    for line in answer.headers.get_all("set-cookie") {
        let line = line.to_str().unwrap();
        assert!(
            line.contains("; Path=/; ") && line.contains("SameSite=Lax"),
            "{line}"
        );
        assert!(
            !line.contains("Domain") && !line.contains("Secure"),
            "{line}"
        );
    }
    let page = browser.get("/settings?tab=1").await.expect_page(200);
    assert!(page.text().contains("ann@example.com"));
    assert!(!browser.cookies.contains_key("__clerk_sync_round"));
    assert_eq!(browser.cookies["__clerk_db_jwt"], known_by);
}

async fn an_expired_session_is_renewed_on_the_way(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    let back = link(&world, &mut browser).await;
    browser.open(&back).await.expect_page(200);
    let (name, session) = browser
        .cookies
        .iter()
        .find(|(name, _)| name.starts_with("__session_"))
        .map(|(name, token)| (name.clone(), session_of(token)))
        .unwrap();
    let request = TokenRequest::for_session(&session).expires_in(-60);
    let expired = world.token(request);
    browser
        .cookies
        .insert("__session".to_owned(), expired.clone());
    browser.cookies.insert(name, expired.clone());
    let page = browser.open("/admin/users?q=x").await;
    page.expect_failing_page(403, "role_required");
    browser.open("/settings").await.expect_page(200);
    assert_ne!(browser.cookies["__session"], expired);
    // The same without any session.
    browser.cookies.remove("__session");
    browser
        .cookies
        .retain(|name, _| !name.starts_with("__session_"));
    browser.open("/").await.expect_page(200);
    assert!(browser.cookies.contains_key("__session"));
}

fn session_of(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    payload["sid"].as_str().unwrap().to_owned()
}

async fn who_is_signed_out_at_clerk_is_asked_to_sign_in(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    // What is left of a sign-in that Clerk does not know any more.
    browser
        .cookies
        .insert("__client_uat".to_owned(), "1700000000".to_owned());
    let answer = browser.get("/settings").await.expect(307);
    let back = browser.visit_clerk(&Browser::target(&answer)).await;
    browser.get(&back).await.expect(303);
    assert_eq!(browser.cookies["__client_uat"], "0");
    let answer = browser.get("/settings").await.expect(303);
    let asked = answer.header("location").unwrap();
    assert_eq!(asked, "/sign-in?redirect_url=%2Fsettings");
}

async fn production_instances_answer_by_cookie(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    let back = link(&world, &mut browser).await;
    let (path, token) = back.split_once("&__clerk_handshake=").unwrap();
    let told = ("__clerk_handshake".to_owned(), token.to_owned());
    browser.cookies.extend([told.clone()]);
    // Somebody else, or at another time, the cookie means nothing.
    let mut other = Browser::of(&world);
    other.cookies.extend([told]);
    let asked = other.get("/settings").await.expect(303);
    assert_eq!(
        asked.header("location"),
        Some("/sign-in?redirect_url=%2Fsettings")
    );
    other.get(path).await.expect(303);
    assert!(!other.cookies.contains_key("__session"));
    let answer = browser.get(path).await.expect(303);
    assert_eq!(answer.header("location"), Some("/settings"));
    let page = browser.get("/settings").await.expect_page(200);
    assert!(page.text().contains("ann@example.com"));
    // Where Clerk has set the session itself, the address is made clean.
    let answer = browser.get("/settings?__clerk_sync_word=x").await;
    assert_eq!(answer.expect(303).header("location"), Some("/settings"));
}

async fn a_link_serves_one_browser_once(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    let back = link(&world, &mut browser).await;
    // Somebody else is sent the link.
    let mut other = Browser::of(&world);
    let refused = other.get(&back).await;
    refused.expect_failing_page(401, "token_missing");
    assert!(other.cookies.is_empty(), "{:?}", other.cookies);
    // Somebody else who is on his own way.
    other
        .cookies
        .insert("__client_uat".to_owned(), "7".to_owned());
    other.get("/settings").await.expect(307);
    let turned = other.get(&back).await.expect(303);
    assert_eq!(turned.header("location"), Some("/settings"));
    assert!(!other.cookies.contains_key("__session"));

    browser.get(&back).await.expect(303);
    assert!(browser.cookies.contains_key("__session"));
    browser
        .cookies
        .retain(|name, _| !name.starts_with("__session"));
    let again = browser.get(&back).await.expect(303);
    assert_eq!(again.header("location"), Some("/settings"));
    assert!(!browser.cookies.contains_key("__session"));
}

async fn what_clerk_did_not_sign_signs_nobody_in(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    let back = link(&world, &mut browser).await;
    let (before, token) = back.split_once("__clerk_handshake=").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let session = world.token(TokenRequest::for_user("user_x"));
    let expired = TokenRequest::for_user("user_x").expires_in(-60);
    let expired = world.token(expired);
    let directives = |session: &str| json!([format!("__session={session}; Path=/")]);
    let forged = json!({"handshake": directives(&session)});
    let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
    let handshake = |session: &str, key: TokenKey| {
        let mut request = TokenRequest {
            key,
            ..TokenRequest::for_user("user_x")
        };
        request
            .claims
            .insert("handshake".to_owned(), directives(session));
        if key == TokenKey::PublicPemAsHmac {
            request.header.insert("alg".to_owned(), json!("HS256"));
        }
        world.token(request)
    };
    for (token, code) in [
        ("nonsense".to_owned(), "token_malformed"),
        (
            format!("{header}.{forged}.{signature}"),
            "signature_invalid",
        ),
        (format!("{signed}.AAAA"), "signature_invalid"),
        (handshake(&session, TokenKey::Other), "signature_invalid"),
        (handshake(&session, TokenKey::None), "signature_invalid"),
        (
            handshake(&session, TokenKey::PublicPemAsHmac),
            "algorithm_not_allowed",
        ),
        // Rightly signed, and no handshake; or one whose session is none.
        (session.clone(), "claims_invalid"),
        (handshake(&expired, TokenKey::Instance), "token_expired"),
        (handshake("a.b.c", TokenKey::Instance), "token_malformed"),
    ] {
        let round = browser.cookies.clone();
        let path = format!("{before}__clerk_handshake={token}");
        browser.get(&path).await.expect_failing_page(401, code);
        assert!(!browser.cookies.contains_key("__session"), "{code}");
        // The next one is expected again.
        browser.cookies = round;
    }
    browser.get(&back).await.expect(303);
    assert!(browser.cookies.contains_key("__session"));
}

async fn only_cookies_of_sign_in_are_set_whatever_clerk_says(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    let back = link(&world, &mut browser).await;
    let (before, _) = back.split_once("__clerk_handshake=").unwrap();
    let mut request = TokenRequest::for_user("user_x");
    let directives = json!([
        "admin=1; Path=/",
        "__Host-x=1; Secure",
        "__session_OTHER123=x",
        "__clerk_sync_round=0.known; Path=/",
        "__client_uat=5; Domain=evil.example; Path=/x; SameSite=None; Max-Age=99",
    ]);
    request.claims.insert("handshake".to_owned(), directives);
    let token = world.token(request);
    let path = format!("{before}__clerk_handshake={token}");
    let answer = browser.get(&path).await.expect(303);
    let lines: Vec<&str> = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().unwrap())
        .collect();
    let expected = "__client_uat=5; Path=/; SameSite=Lax; Max-Age=31536000";
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], expected);
    assert!(lines[1].starts_with("__clerk_sync_round=1.;"), "{lines:?}");
}

async fn who_is_sent_round_and_round_is_stopped(database: TestDatabase) {
    let world = start(database).await;
    let mut browser = Browser::of(&world);
    let back = link(&world, &mut browser).await;
    browser.get(&back).await.expect(303);
    // A browser that keeps no session, whatever it is given: the first round is behind it.
    for _ in 0..2 {
        browser
            .cookies
            .retain(|name, _| !name.starts_with("__session"));
        let answer = browser.get("/settings").await.expect(307);
        let back = browser.visit_clerk(&Browser::target(&answer)).await;
        browser.get(&back).await.expect(303);
    }
    browser
        .cookies
        .retain(|name, _| !name.starts_with("__session"));
    let stopped = browser.get("/settings").await;
    let page = stopped.expect_failing_page(401, "token_missing");
    assert!(page.text().contains("three times"), "{}", page.text());
    // By hand he may try again.
    browser.get("/settings").await.expect(307);
}

async fn by_https_behind_a_trusted_proxy_cookies_are_for_https_alone(database: TestDatabase) {
    const PUBLIC: &str = "https://app.example.com";
    let parties = format!("{PARTY},{PUBLIC}");
    let parties = ("CLERK_AUTHORIZED_PARTIES", parties.as_str());
    let trusting = ("TRUSTED_PROXIES", "127.0.0.0/8");
    let world = World::with(database, &[parties, trusting]).await;
    let wary = World::with(TestDatabase::sqlite(), &[parties]).await;
    for (world, origin, is_https) in [(&world, PUBLIC, true), (&wary, PARTY, false)] {
        let mut browser = Browser::of(world)
            .with("x-forwarded-proto", "https")
            .with("x-forwarded-host", "app.example.com");
        let signed_in = ("__client_uat".to_owned(), "7".to_owned());
        browser.cookies.extend([signed_in]);
        let answer = browser.get("/settings").await.expect(307);
        let sent = Browser::target(&answer);
        let told = sent.query_pairs().find(|(name, _)| name == "redirect_url");
        assert!(told.unwrap().1.starts_with(&format!("{origin}/settings?")));
        let cookie = answer.header("set-cookie").unwrap();
        assert_eq!(cookie.starts_with("__Host-"), is_https, "{cookie}");
        assert_eq!(cookie.ends_with("; Secure"), is_https, "{cookie}");
        assert!(cookie.contains("; HttpOnly; "), "{cookie}");
    }
}
