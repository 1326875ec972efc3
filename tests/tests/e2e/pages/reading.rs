//! Every page: who sees it, what it weighs, and what it never has in it.

use domain::Role;
use e2e::{Answer, Browser, TestDatabase, Visitor, World};
use emulator::Caller;
use serde_json::json;

use crate::admin_access::admin;

e2e::on_both! {
    whoever_is_not_signed_in_is_asked_to_and_brought_back,
    a_user_sees_his_settings_and_not_the_desk,
    an_admin_sees_every_page_and_each_is_light,
    names_are_text_and_never_markup,
    people_get_pages_and_programs_problems,
    files_are_kept_forever_under_names_of_their_content,
}

/// Pages with an address of their own.
const GUARDED: [&str; 7] = [
    "/settings",
    "/admin",
    "/admin/users",
    "/admin/organizations",
    "/admin/deliveries",
    "/admin/drift",
    "/admin/audit",
];
const MOST_BYTES: usize = 50_000;

/// What holds of every page, whoever asks.
fn check(answer: &Answer, path: &str) {
    let text = answer.text();
    assert!(text.len() < MOST_BYTES, "{path}: {} bytes", text.len());
    let policy = answer.header("content-security-policy").unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(rule), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    let vary = answer.header("vary").unwrap_or_default();
    assert!(vary.contains("Cookie"), "{path}: {vary}");
    // Nothing runs from within a page, and every script is a file.
    assert!(
        !text.contains("<style") && !text.contains(" style="),
        "{path}"
    );
    assert!(
        !text.contains(" onclick") && !text.contains("javascript:"),
        "{path}"
    );
    for script in text.split("<script").skip(1) {
        assert!(script.trim_start().starts_with("src="), "{path}: {script}");
        assert!(script.contains("></script>"), "{path}");
    }
    for part in [
        "<html lang=\"en\">",
        "<title>",
        "<main id=\"main\"",
        "<h1",
        "name=\"viewport\"",
    ] {
        assert!(text.contains(part), "{path}: {part}");
    }
}

fn at(world: &World, caller: &Visitor) -> Browser {
    let token = world.token(emulator::TokenRequest::for_session(caller.session_id()));
    Browser::of(world).holding(&token)
}

async fn whoever_is_not_signed_in_is_asked_to_and_brought_back(database: TestDatabase) {
    let world = World::start(database).await;
    let mut browser = Browser::of(&world);
    for path in GUARDED {
        let answer = browser.get(&format!("{path}?q=a%26b")).await.expect(303);
        let back = format!(
            "/sign-in?redirect_url={}%3Fq%3Da%2526b",
            path.replace('/', "%2F")
        );
        assert_eq!(answer.header("location"), Some(back.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for path in ["/", "/sign-in", "/sign-up"] {
        check(&browser.get(path).await.expect_page(200), path);
    }
    // A script can be sent nowhere.
    let mut script = Browser::of(&world).with("sec-fetch-dest", "empty");
    let answer = script.get("/settings").await;
    answer.expect_failing_page(401, "token_missing");
}

async fn a_user_sees_his_settings_and_not_the_desk(database: TestDatabase) {
    let world = World::start(database).await;
    let ann = world.caller("ann").await;
    let mut browser = at(&world, &ann);
    let page = browser.get("/settings").await.expect_page(200);
    check(&page, "/settings");
    let text = page.text();
    for part in [
        "ann@example.com",
        "this session",
        "Sign out",
        "solo",
        "free",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("href=\"/admin\""), "{text}");
    let home = browser.get("/").await.expect_page(200);
    assert!(home.text().contains("Hello, ann"));
    for path in GUARDED.iter().filter(|path| path.starts_with("/admin")) {
        let refused = browser.get(path).await;
        refused.expect_failing_page(403, "role_required");
    }
    // His role counts at his next request.
    let key = domain::UserKey::Clerk(ann.user_id().to_owned());
    let by = domain::Attribution::system(chrono::Utc::now());
    let role = world.admin_role();
    let given = world
        .store()
        .administration
        .set_role(&key, Some(role), false, by, &[]);
    given.await.unwrap();
    browser.get("/admin").await.expect_page(200);
}

async fn an_admin_sees_every_page_and_each_is_light(database: TestDatabase) {
    let world = World::start(database).await;
    let admin = admin(&world, "boss").await;
    let body = json!({"users": 60, "organizations": 40});
    let client = reqwest::Client::new();
    let url = format!("{}/__emu/seed", world.clerk().origin());
    let seeded = client.post(url).header("content-type", "application/json");
    seeded.body(body.to_string()).send().await.unwrap();
    world.settled().await;
    let mut browser = at(&world, &admin);
    for path in GUARDED {
        check(&browser.get(path).await.expect_page(200), path);
    }
    let path = format!("/admin/users/{}", admin.user_id());
    let page = browser.get(&path).await.expect_page(200);
    check(&page, &path);
    browser
        .get("/admin/users/nobody")
        .await
        .expect_failing_page(404, "user_not_found");

    // Pages of rows, and the way to the next one.
    let first = browser.get("/admin/users?role=solo").await.expect_page(200);
    assert_eq!(first.text().matches("<tr><td>").count(), 25);
    let next = first
        .text()
        .split("href=\"")
        .find(|link| link.contains("cursor="));
    let next = next.and_then(|link| link.split('"').next()).unwrap();
    assert!(next.contains("role=solo"), "{next}");
    let second = browser
        .get(&next.replace("&amp;", "&"))
        .await
        .expect_page(200);
    assert_eq!(second.text().matches("<tr><td>").count(), 25);
    assert_ne!(first.text(), second.text());
    let wrong = browser.get("/admin/users?cursor=nonsense").await;
    wrong.expect_failing_page(400, "parameter_invalid");
}

async fn names_are_text_and_never_markup(database: TestDatabase) {
    const NAME: &str = "<script>alert(1)</script>\"'&";
    let world = World::start(database).await;
    let admin = admin(&world, "boss").await;
    let params = json!({
        "email_address": ["evil@example.com"],
        "first_name": NAME,
        "last_name": "<img src=x onerror=alert(2)>",
    });
    let evil = world
        .clerk()
        .create_user(params, &Caller::default())
        .unwrap();
    world.settled().await;
    let key = domain::UserKey::Clerk(evil.id.clone());
    let by = domain::Attribution {
        reason: Some("<b>because</b>".to_owned()),
        ..domain::Attribution::system(chrono::Utc::now())
    };
    let administration = &world.store().administration;
    administration
        .deactivate(&key, by.clone(), &[])
        .await
        .unwrap();
    administration.reactivate(&key, by).await.unwrap();
    let session = world.clerk().new_session(&evil.id).unwrap();
    world.settled().await;
    let mut own =
        Browser::of(&world).holding(&world.token(emulator::TokenRequest::for_session(&session.id)));
    let mut desk = at(&world, &admin);
    let whole = format!("/admin/users/{}", evil.id);
    for path in ["/", "/settings"] {
        let page = own.get(path).await.expect_page(200);
        check(&page, path);
        assert!(page.text().contains("&lt;script&gt;alert(1)"), "{path}");
    }
    for path in [
        "/admin/users",
        "/admin/audit",
        &whole,
        "/admin/users?q=%3Cscript%3E%22",
    ] {
        let page = desk.get(path).await.expect_page(200);
        check(&page, path);
        for markup in ["<script>alert", "<img src=x", "<b>because"] {
            assert!(!page.text().contains(markup), "{path}: {markup}");
        }
    }
}

async fn people_get_pages_and_programs_problems(database: TestDatabase) {
    let world = World::start(database).await;
    let mut browser = Browser::of(&world);
    let page = browser.get("/nowhere").await;
    page.expect_failing_page(404, "not_found");
    browser
        .get("/api/nowhere")
        .await
        .expect_problem(404, "not_found");
    let program = world.anonymous();
    program
        .get("/nowhere")
        .await
        .expect_problem(404, "not_found");
    // Under another name than those that are listed.
    let elsewhere = program
        .with("accept", "text/html")
        .with("host", "evil.example");
    for path in ["/", "/settings", "/sign-in"] {
        let page = elsewhere.get(path).await;
        let page = page.expect_failing_page(403, "origin_not_allowed");
        assert!(page.text().contains("CLERK_AUTHORIZED_PARTIES"));
    }
}

async fn files_are_kept_forever_under_names_of_their_content(database: TestDatabase) {
    let world = World::start(database).await;
    let mut browser = Browser::of(&world);
    let page = browser.get("/").await.expect_page(200);
    let files: Vec<String> = page
        .text()
        .split('"')
        .filter(|word| word.starts_with("/assets/"))
        .map(str::to_owned)
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for file in &files {
        let answer = browser.get(file).await.expect(200);
        let kept = answer.header("cache-control").unwrap();
        assert!(kept.contains("immutable"), "{file}: {kept}");
        assert!(answer.body.len() < MOST_BYTES);
    }
    let other = files[0].replace("console-", "console-0");
    let gone = browser.get(&other).await;
    gone.expect_failing_page(404, "not_found");
    let off = World::with(TestDatabase::sqlite(), &[("CONSOLE", "off")]).await;
    off.anonymous()
        .get("/")
        .await
        .expect_problem(404, "not_found");
}

trait AdminRole {
    fn admin_role(&self) -> Role;
}

impl AdminRole for World {
    fn admin_role(&self) -> Role {
        domain::Policy::built_in().admin_role().clone()
    }
}
