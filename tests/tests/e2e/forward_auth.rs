//! Forward auth: what a proxy is told about a request.

use e2e::{ME, TestDatabase, Visitor, World};
use emulator::{Caller, TokenRequest};
use reqwest::Method;
use serde_json::json;

e2e::on_both! {
    who_calls_is_told_in_headers,
    identity_headers_that_come_in_are_not_read,
    any_method_is_answered_alike,
    every_requirement_has_to_hold,
    permissions_are_those_of_the_active_organization,
    values_are_fit_for_headers_and_addresses_are_verified,
    a_proxy_may_append_the_clients_path,
    proxies_are_told_401_of_somebody_unknown,
}

pub(crate) const VERIFY: &str = "/api/auth/verify";

/// Every header that tells who calls.
pub(crate) const IDENTITY: [&str; 10] = [
    "x-user-id",
    "x-clerk-user-id",
    "x-user-email",
    "x-user-role",
    "x-user-tier",
    "x-session-id",
    "x-org-id",
    "x-org-slug",
    "x-org-role",
    "x-actor-id",
];

async fn who_calls_is_told_in_headers(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let me = ann.get(ME).await.expect_json(200);
    for path in [VERIFY, "/api/v1/auth/verify"] {
        let passed = ann.get(path).await.expect(200);
        assert!(passed.body.is_empty());
        let told = IDENTITY.map(|name| passed.header(name).unwrap());
        let text = |name: &str| me[name].as_str().unwrap();
        assert_eq!(
            told,
            [
                text("id"),
                ann.user_id(),
                "ann@example.com",
                "solo",
                "free",
                ann.session_id(),
                "",
                "",
                "",
                ""
            ]
        );
        assert_eq!(passed.header("cache-control"), Some("no-store"));
    }
    let stranger = world.anonymous();
    let refused = stranger.get(VERIFY).await;
    let refused = refused.expect_problem(401, "token_missing");
    assert!(IDENTITY.iter().all(|name| refused.header(name).is_none()));
}

async fn identity_headers_that_come_in_are_not_read(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let liar = |visitor: Visitor| {
        let lies = IDENTITY.iter();
        lies.fold(visitor, |visitor, name| visitor.with(name, "admin"))
    };
    let (told, honest) = (liar(ann.clone()).get(VERIFY).await, ann.get(VERIFY).await);
    for name in IDENTITY {
        assert_eq!(told.header(name), honest.header(name), "{name}");
    }
    let nobody = liar(world.anonymous()).get(VERIFY).await;
    nobody.expect_problem(401, "token_missing");
    let admins_only = format!("{VERIFY}?role=admin");
    let refused = liar(ann).get(&admins_only).await;
    refused.expect_problem(403, "role_required");
}

async fn any_method_is_answered_alike(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    for method in [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
    ] {
        let ask = async |visitor: &Visitor| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            visitor.ask(method, VERIFY).await
        };
        let passed = ask(&ann).await.expect(200);
        assert_eq!(passed.header("x-user-role"), Some("solo"), "{method}");
        // HEAD has no body that could be checked.
        if method != "HEAD" {
            let refused = ask(&world.anonymous()).await;
            refused.expect_problem(401, "token_missing");
        }
    }
}

async fn every_requirement_has_to_hold(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let growth = json!({"public_metadata": {"role": "growth", "tier": "paid"}});
    let (clerk, by) = (world.clerk(), Caller::default());
    clerk
        .update_metadata(ann.user_id(), growth, false, &by)
        .unwrap();
    world.settled().await;
    for (query, expected) in [
        ("", ""),
        ("role=growth", ""),
        ("role=growth&role=growth", ""),
        ("tier=free", ""),
        ("tier=paid&role=growth", ""),
        ("role=solo", "role_required"),
        ("role=admin", "role_required"),
        ("role=growth&role=admin", "role_required"),
        ("role=admin&tier=paid", "role_required"),
        ("permission=org:a:b", "permission_required"),
        ("role=growth&permission=org:a:b", "permission_required"),
        ("role=", "requirement_invalid"),
        ("role", "requirement_invalid"),
        ("role=root", "requirement_invalid"),
        ("role=growth&role=", "requirement_invalid"),
        ("tier=platinum", "requirement_invalid"),
        ("permission=x", "requirement_invalid"),
        ("roles=growth", "requirement_invalid"),
        ("Role=growth", "requirement_invalid"),
        ("role%00=growth", "requirement_invalid"),
        ("role=%FF", "requirement_invalid"),
        ("ticket=x", "requirement_invalid"),
        ("=", "requirement_invalid"),
    ] {
        let path = format!("{VERIFY}?{query}");
        let by_query = ann.get(&path).await;
        // The same words in the header mean the same, where there are any.
        let by_header = ann.clone().with("x-auth-require", query).get(VERIFY).await;
        if expected.is_empty() {
            by_query.expect(200);
        } else {
            by_query.expect_problem(403, expected);
            by_header.expect_problem(403, expected);
        }
        // Who is not known is not told what would be needed.
        let stranger = world.anonymous().get(&path).await;
        stranger.expect_problem(401, "token_missing");
    }
    let both = ann.clone().with("x-auth-require", "tier=paid");
    both.get(&format!("{VERIFY}?role=growth")).await.expect(200);
    let both = both.get(&format!("{VERIFY}?role=admin")).await;
    both.expect_problem(403, "role_required");
    let empty = ann.clone().with("x-auth-require", "").get(VERIFY).await;
    empty.expect_problem(403, "requirement_invalid");

    let admin = json!({"public_metadata": {"role": "admin", "tier": null}});
    clerk
        .update_metadata(ann.user_id(), admin, false, &by)
        .unwrap();
    world.settled().await;
    for role in ["admin", "growth", "solo"] {
        ann.get(&format!("{VERIFY}?role={role}")).await.expect(200);
    }
    let refused = ann.get(&format!("{VERIFY}?role=admin&tier=paid")).await;
    refused.expect_problem(403, "tier_required");
    let refused = ann.get(&format!("{VERIFY}?role=root")).await;
    refused.expect_problem(403, "requirement_invalid");
}

async fn permissions_are_those_of_the_active_organization(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let token = |request: TokenRequest| world.anonymous().bearer(&world.token(request));
    let base = || TokenRequest::for_session(ann.session_id());
    let organization =
        json!({"id": "org_1", "slg": "engines", "rol": "admin", "per": "read,write", "fpm": "1"});
    let second = token(
        base()
            .claim("v", 2)
            .claim("fea", "o:reports")
            .claim("o", organization),
    );
    let first = token(
        base()
            .claim("v", json!(null))
            .claim("org_id", "org_1")
            .claim("org_slug", "engines")
            .claim("org_role", "org:admin")
            .claim("org_permissions", json!(["org:reports:read"])),
    );
    for member in [first, second] {
        let path = format!("{VERIFY}?permission=org:reports:read");
        let passed = member.get(&path).await.expect(200);
        let told = ["x-org-id", "x-org-slug", "x-org-role"].map(|name| passed.header(name));
        assert_eq!(told, [Some("org_1"), Some("engines"), Some("org:admin")]);
        let path = format!("{VERIFY}?permission=org:reports:read&permission=org:reports:write");
        let refused = member.get(&path).await;
        refused.expect_problem(403, "permission_required");
        // What somebody is in an organization is not what he is in the service.
        let refused = member.get(&format!("{VERIFY}?role=admin")).await;
        refused.expect_problem(403, "role_required");
    }
}

async fn values_are_fit_for_headers_and_addresses_are_verified(database: TestDatabase) {
    let world = World::start(database).await;
    let token = TokenRequest::for_user("user_odd")
        .claim("v", json!(null))
        .claim("email", "admin@example.com")
        .claim("org_id", "org_1")
        .claim("org_slug", "é\r\nX-User-Role: admin, 100%")
        .claim("act", json!({"sub": "user_boss"}));
    let odd = world.anonymous().bearer(&world.token(token));
    let passed = odd.get(VERIFY).await.expect(200);
    assert_eq!(
        passed.header("x-org-slug"),
        Some("%C3%A9%0D%0AX-User-Role:%20admin%2C%20100%25")
    );
    assert_eq!(passed.header("x-user-role"), Some("solo"));
    assert_eq!(passed.header("x-actor-id"), Some("user_boss"));
    // The token claims an address that nobody has verified.
    let me = odd.get(ME).await.expect_json(200);
    assert_eq!(me["email"], "admin@example.com");
    assert_eq!(passed.header("x-user-email"), Some(""));
}

async fn a_proxy_may_append_the_clients_path(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    for path in [
        "/",
        "/orders",
        "/orders/1",
        "/orders?role=admin&x=%zz",
        "//a/../b",
    ] {
        let path = format!("{VERIFY}{path}");
        let passed = ann.get(&path).await.expect(200);
        assert_eq!(passed.header("x-user-role"), Some("solo"));
        let stranger = world.anonymous().get(&path).await;
        stranger.expect_problem(401, "token_missing");
        let needs = ann.clone().with("x-auth-require", "role=admin");
        needs.get(&path).await.expect_problem(403, "role_required");
    }
}

async fn proxies_are_told_401_of_somebody_unknown(database: TestDatabase) {
    let world = World::with(database, &[("JIT_PROVISIONING", "false")]).await;
    let token = world.token(TokenRequest::for_user("user_new"));
    let new = world.anonymous().bearer(&token);
    new.get(ME).await.expect_problem(404, "user_not_found");
    new.get(VERIFY).await.expect_problem(401, "user_unknown");
}
