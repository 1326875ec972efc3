//! Who may administer: admins by configuration and by role, and nobody else; machine callers may look at users and
//! organizations.

use e2e::{TestDatabase, Visitor, World, sample};
use emulator::{Caller, TokenRequest};
use reqwest::Method;
use serde_json::{Value, json};

e2e::on_both! {
    only_admins_may,
    an_admin_by_configuration_needs_no_row,
    machines_look_at_users_and_organizations_alone,
    what_is_asked_wrongly_is_named,
}

const ADMIN: &str = "/api/v1/admin";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SERVICE: (&str, &str) = ("SERVICE_TOKENS", "search=0123456789abcdef0123456789abcdef");

/// Somebody whom Clerk's `public_metadata` makes admin.
pub(crate) async fn admin(world: &World, name: &str) -> Visitor {
    let admin = world.caller(name).await;
    let role = json!({"public_metadata": {"role": "admin"}});
    let by = Caller::default();
    world
        .clerk()
        .update_metadata(admin.user_id(), role, false, &by)
        .unwrap();
    world.settled().await;
    admin
}

/// Every documented operation of administration, with something in the place of each parameter.
async fn operations(world: &World) -> Vec<(Method, String)> {
    let document = world.anonymous().get("/api/openapi.json").await;
    let document = document.expect(200).json();
    let paths = document["paths"].as_object().unwrap();
    let mut operations = Vec::new();
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with(ADMIN)) {
        for (method, _) in item.as_object().unwrap() {
            let method = method.to_ascii_uppercase().parse().unwrap();
            operations.push((method, path.replace("{id}", "user_nobody")));
        }
    }
    assert!(operations.len() >= 20, "{operations:?}");
    operations
}

async fn only_admins_may(database: TestDatabase) {
    let world = World::start(database).await;
    let (ann, boss) = (world.caller("ann").await, admin(&world, "boss").await);
    let closed = world.caller("closed").await;
    let path = format!("{ADMIN}/users/{}/deactivate", closed.user_id());
    boss.ask(Method::POST, &path).await.expect(200);
    for (method, path) in operations(&world).await {
        let ask = |visitor: Visitor| {
            let (method, path) = (method.clone(), path.clone());
            async move { visitor.ask(method, &path).await }
        };
        let nobody = ask(world.anonymous()).await;
        nobody.expect_problem(401, "token_missing");
        let forged = ask(world.anonymous().bearer("a.b.c")).await;
        forged.expect(401);
        ask(ann.clone()).await.expect_problem(403, "role_required");
        let closed = ask(closed.clone()).await;
        closed.expect_problem(403, "user_inactive");
        let allowed = ask(boss.clone()).await;
        assert!(![401, 403, 500].contains(&allowed.status), "{allowed:?}");
        // Nobody but the one who asks keeps the answer.
        assert_eq!(allowed.header("cache-control"), Some("no-store"));
    }
}

async fn an_admin_by_configuration_needs_no_row(database: TestDatabase) {
    let world = World::with(database, &[("ADMIN_USER_IDS", "user_boss")]).await;
    let event = sample("user.created")
        .set("data.id", "user_boss")
        .set("data.public_metadata", json!({}));
    world.deliver(event).await.expect(204);
    let request = TokenRequest {
        session_id: Some("sess_boss".to_owned()),
        ..TokenRequest::for_user("user_boss")
    };
    let boss = world.anonymous().bearer(&world.token(request));
    let page = boss.get("/api/admin/users").await.expect_json(200);
    let [item] = &page["items"].as_array().unwrap()[..] else {
        panic!("one user: {page}");
    };
    assert_eq!(
        (&item["role"], &item["role_source"]),
        (&json!("admin"), &json!("configuration"))
    );
}

async fn machines_look_at_users_and_organizations_alone(database: TestDatabase) {
    let world = World::with(database, &[SERVICE]).await;
    let ann = world.caller("ann").await;
    let machine = world.anonymous().bearer(TOKEN);
    let mine = format!("{ADMIN}/users/{}", ann.user_id());
    for (method, path) in operations(&world).await {
        let path = path.replace("user_nobody", ann.user_id());
        let readable = [
            format!("{ADMIN}/users"),
            format!("{ADMIN}/organizations"),
            mine.clone(),
        ];
        let may = method == Method::GET && readable.contains(&path);
        let answer = machine.ask(method, &path).await;
        assert_eq!(answer.status, if may { 200 } else { 401 }, "{answer:?}");
    }
    let shown = machine.get(&mine).await.expect_json(200);
    assert_eq!(shown["emails"][0]["email_address"], "ann@example.com");
    for hidden in ["sessions", "history", "erasure"] {
        assert_eq!(shown.get(hidden), None, "{hidden}");
    }
}

async fn what_is_asked_wrongly_is_named(database: TestDatabase) {
    let world = World::start(database).await;
    let boss = admin(&world, "boss").await;
    let long = "x".repeat(256);
    for (list, parameter, value) in [
        ("users", "limit", "0"),
        ("users", "limit", "-1"),
        ("users", "limit", "ten"),
        ("users", "cursor", "bm90IG91cnM"),
        ("users", "q", "a%00b"),
        ("users", "q", &long),
        ("users", "role", "emperor"),
        ("users", "tier", "Paid"),
        ("users", "include_deleted", "perhaps"),
        ("organizations", "cursor", "%"),
        ("organizations", "q", "%0a"),
        ("sessions", "status", "sleeping"),
        ("sessions", "user_id", &long),
        ("deliveries", "outcome", "lost"),
        ("deliveries", "event_type", &long),
        ("audit", "action", "user.promoted"),
        ("audit", "since", "yesterday"),
        ("invites", "limit", "1.5"),
    ] {
        let path = format!("{ADMIN}/{list}?{parameter}={value}");
        let answer = boss.get(&path).await;
        let answer = answer.expect_problem(400, "parameter_invalid");
        assert_eq!(answer.json()["errors"][0]["field"], parameter, "{path}");
    }
    // A filter with a slip in it is no list of everybody.
    for (list, query, field) in [
        ("users", "q=a&q=b", "q"),
        ("users", "rol=admin", "rol"),
        ("users", "role=admin&Role=admin", "Role"),
        ("organizations", "role=admin", "role"),
        ("sessions", "user=user_1", "user"),
        ("deliveries", "limit=1&limit=1", "limit"),
        ("audit", "page=2", "page"),
        ("invites", "=", ""),
    ] {
        let answer = boss.get(&format!("{ADMIN}/{list}?{query}")).await;
        let answer = answer.expect_problem(400, "parameter_invalid");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
    }
    let answer = boss.get(&format!("{ADMIN}/users/%FF")).await;
    let answer = answer.expect_problem(400, "parameter_invalid");
    assert_eq!(answer.json()["errors"][0]["field"], "id");
    // What one list gave is nothing to another.
    world.clerk().seed_users(3, false, &Caller::default());
    world.settled().await;
    let page = boss.get(&format!("{ADMIN}/users?limit=1")).await;
    let cursor = page.expect_json(200)["next_cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    for list in [
        "audit",
        "deliveries",
        "invites",
        "sessions",
        "organizations",
    ] {
        let answer = boss.get(&format!("{ADMIN}/{list}?cursor={cursor}")).await;
        answer.expect_problem(400, "parameter_invalid");
    }
    // What is text is compared, and no more.
    for q in ["%25", "_", "%27%20or%201=1--", "%5C", "*"] {
        let page = boss
            .get(&format!("{ADMIN}/users?q={q}"))
            .await
            .expect_json(200);
        assert_eq!(page, json!({"items": [], "next_cursor": null}), "{q}");
    }
    // More than a page holds is a page.
    let page: Value = boss
        .get(&format!("{ADMIN}/users?limit=999999999999"))
        .await
        .expect_json(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 4);
}
