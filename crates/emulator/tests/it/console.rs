//! The emulator's own page.

use std::collections::HashMap;

use emulator::{Caller, SessionStatus};
use reqwest::Method;
use serde_json::json;

use crate::page::{Page, id};
use crate::running::{Running, running};

/// A page as a browser gets it.
struct Shown {
    status: u16,
    headers: HashMap<String, String>,
    text: String,
}

async fn show(clerk: &Running, path: &str) -> Shown {
    shown(clerk.request(Method::GET, path)).await
}

/// Presses a button; the answer is the page behind the redirect.
async fn press(clerk: &Running, action: &str, fields: &[(&str, &str)]) -> Shown {
    let form: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}={}",
                value
                    .replace('&', "%26")
                    .replace('=', "%3D")
                    .replace(' ', "+")
            )
        })
        .collect();
    let request = clerk
        .request(Method::POST, &format!("/__emu/page/{action}"))
        .header("origin", clerk.origin())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.join("&"));
    shown(request).await
}

async fn shown(request: reqwest::RequestBuilder) -> Shown {
    let answer = request.send().await.unwrap();
    let headers = answer.headers().iter();
    Shown {
        status: answer.status().as_u16(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        text: answer.text().await.unwrap(),
    }
}

#[tokio::test]
async fn every_view_is_whole_guarded_and_light() {
    let clerk = running().await;
    clerk
        .post(
            "/__emu/seed",
            json!({"users": 60, "organizations": 2, "sessions_per_user": 1}),
        )
        .await
        .ok();
    let user = clerk.new_user("ida@example.com").unwrap();
    let organization = clerk.get("/v1/organizations").await.ok()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let delivery = clerk.deliveries().pop().unwrap().id;
    for path in [
        "/".to_owned(),
        "/__emu/".to_owned(),
        "/?view=users".to_owned(),
        "/?view=users&q=number+1&page=2".to_owned(),
        format!("/?user={}", user.id),
        "/?view=organizations".to_owned(),
        format!("/?organization={organization}"),
        "/?view=sessions&page=2".to_owned(),
        "/?view=deliveries&q=user.created".to_owned(),
        format!("/?delivery={delivery}"),
        "/?view=chaos".to_owned(),
        "/?view=settings&client=next".to_owned(),
        "/?user=user_404".to_owned(),
        "/?view=users&page=99999999999999999999".to_owned(),
        format!("/?view=users&page={}", usize::MAX),
    ] {
        let page = show(&clerk, &path).await;
        assert_eq!(
            (page.status, page.headers["content-type"].as_str()),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let policy = &page.headers["content-security-policy"];
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"));
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!page.text.contains(inline), "{path} has {inline}");
        }
        assert!(
            page.text.len() < 50_000,
            "{path}: {} bytes",
            page.text.len()
        );
        assert!(page.text.ends_with("</html>"));
    }
    for (path, kind) in [
        ("/__emu/page.css", "text/css"),
        ("/__emu/page.js", "text/javascript"),
    ] {
        let file = show(&clerk, path).await;
        assert!(file.headers["content-type"].starts_with(kind));
        assert!(file.text.len() < 25_000);
    }
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    let clerk = running().await;
    let first = show(&clerk, "/").await;
    let again = clerk
        .request(Method::GET, "/")
        .header("if-none-match", &first.headers["etag"]);
    assert_eq!(shown(again).await.status, 304);
    clerk.new_user("ida@example.com").unwrap();
    let changed = clerk
        .request(Method::GET, "/")
        .header("if-none-match", &first.headers["etag"]);
    assert_eq!(shown(changed).await.status, 200);
}

#[tokio::test]
async fn names_are_text_wherever_they_stand() {
    let clerk = running().await;
    let hostile = "<script>alert(1)</script>\"'&";
    let body = json!({"email_address": ["a@example.com"], "first_name": hostile, "public_metadata": {"x": hostile}});
    let user = clerk.create_user(body, &Caller::default()).unwrap();
    let body = json!({"name": hostile, "created_by": user.id});
    let organization = clerk.create_organization(body, &Caller::default()).unwrap();
    let delivery = clerk.deliveries().pop().unwrap().id;
    for path in [
        "/?view=users&q=%3Cscript%3E".to_owned(),
        format!("/?user={}", user.id),
        format!("/?organization={}", organization.id),
        format!("/?delivery={delivery}"),
        "/?user=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
    ] {
        let page = show(&clerk, &path).await;
        assert!(!page.text.contains("<script>"), "{path}");
        assert!(page.text.contains("&lt;script&gt;"), "{path}");
    }
}

#[tokio::test]
async fn buttons_do_what_they_say() {
    let clerk = running().await;
    let made = press(
        &clerk,
        "create-user",
        &[
            ("back", "/"),
            ("email_address", "ida@example.com"),
            ("first_name", "Ida"),
        ],
    )
    .await;
    assert!(
        made.status == 200 && made.text.contains("<h1>Ida</h1>"),
        "{}",
        made.text
    );
    let id = clerk.get("/v1/users").await.ok()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let back = format!("/?user={id}");
    let me = [("back", back.as_str()), ("user_id", id.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&me[..], more].concat();

    assert!(
        press(&clerk, "start-session", &me)
            .await
            .text
            .contains("Done.")
    );
    let session = clerk.sessions(|it| it.user_id == id).remove(0).id;
    let token = press(&clerk, "token", &me).await.text;
    assert!(token.contains("eyJ"));
    let fields = [
        ("back", "/?view=sessions"),
        ("id", session.as_str()),
        ("status", "revoked"),
    ];
    press(&clerk, "end-session", &fields).await;
    assert_eq!(
        clerk.session(&session).unwrap().status,
        SessionStatus::Revoked
    );

    press(&clerk, "ban", &me).await;
    assert!(clerk.user(&id).unwrap().banned);
    press(&clerk, "unban", &me).await;
    press(
        &clerk,
        "update-user",
        &with(&[
            ("first_name", "Ada"),
            ("last_name", ""),
            ("public_metadata", "{\"a\":1}"),
        ]),
    )
    .await;
    let user = clerk.user(&id).unwrap();
    assert_eq!(
        (user.first_name.as_deref(), user.public_metadata.len()),
        (Some("Ada"), 1)
    );

    press(
        &clerk,
        "create-organization",
        &[("name", "Works"), ("created_by", "")],
    )
    .await;
    let organization = clerk.get("/v1/organizations").await.ok()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let there = [
        ("organization_id", organization.as_str()),
        ("user_id", "ida@example.com"),
        ("role", "org:member"),
    ];
    press(&clerk, "join", &there).await;
    let there = [
        ("organization_id", organization.as_str()),
        ("user_id", id.as_str()),
        ("role", "org:admin"),
    ];
    press(&clerk, "role", &there).await;
    let members = clerk
        .get(&format!("/v1/organizations/{organization}/memberships"))
        .await
        .ok();
    assert_eq!(members["data"][0]["role"], "org:admin");

    press(
        &clerk,
        "bill",
        &with(&[("step", "subscribe"), ("plan", "pro")]),
    )
    .await;
    press(&clerk, "bill", &with(&[("step", "past_due")])).await;
    let subscription = clerk
        .get(&format!("/v1/users/{id}/billing/subscription"))
        .await
        .ok();
    assert_eq!(subscription["status"], "past_due");

    let secret = clerk.webhook_secret();
    press(&clerk, "rotate", &[]).await;
    assert_ne!(clerk.webhook_secret(), secret);
    press(&clerk, "chaos", &[("preset", "lossy")]).await;
    assert!(clerk.chaos().drop > 0.0);
    assert!(show(&clerk, "/").await.text.contains("Chaos is on"));
    press(&clerk, "chaos", &[("preset", "calm")]).await;

    press(&clerk, "delete-user", &me).await;
    assert!(clerk.user(&id).is_err());
    press(&clerk, "reset", &[]).await;
    assert_eq!(clerk.get("/v1/organizations").await.ok()["total_count"], 0);
}

#[tokio::test]
async fn a_refusal_is_said_on_the_page_and_changes_nothing() {
    let clerk = running().await;
    let user = clerk.new_user("ida@example.com").unwrap();
    let back = format!("/?user={}", user.id);
    let fields = [
        ("back", back.as_str()),
        ("email_address", "ida@example.com"),
        ("user_id", user.id.as_str()),
    ];
    let refused = press(&clerk, "add-email", &fields).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("Refused: the email_address is taken"),
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains(&format!("data-address=\"{back}\"")),
        "it is the page of the form"
    );
    for (action, fields) in [
        ("no-such-button", vec![]),
        ("chaos", vec![("preset", "storm")]),
        ("seed", vec![("users", "10001"), ("organizations", "0")]),
        (
            "update-user",
            vec![("user_id", user.id.as_str()), ("public_metadata", "[]")],
        ),
        ("endpoint", vec![("url", "ftp://x")]),
    ] {
        assert_eq!(press(&clerk, action, &fields).await.status, 422, "{action}");
    }
    assert_eq!(clerk.user(&user.id).unwrap(), user);
    let odd = clerk
        .request(Method::POST, "/__emu/page/ban")
        .header("content-type", "text/plain")
        .body("x");
    assert_eq!(shown(odd).await.status, 422);
}

#[tokio::test]
async fn pages_of_others_cannot_press_buttons_or_look() {
    let clerk = running().await;
    let user = clerk.new_user("ida@example.com").unwrap();
    for origin in ["https://evil.example", "null", "http://10.0.0.7:4100"] {
        let request = clerk
            .request(Method::POST, "/__emu/page/ban")
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("user_id={}", user.id));
        assert_eq!(shown(request).await.status, 403, "{origin}");
    }
    assert!(!clerk.user(&user.id).unwrap().banned);
    let rebound = clerk
        .request(Method::GET, "/")
        .header("host", "evil.example");
    assert_eq!(shown(rebound).await.status, 403);
    let elsewhere = press(
        &clerk,
        "lock",
        &[("back", "https://evil.example/"), ("user_id", &user.id)],
    )
    .await;
    assert!(
        elsewhere.status == 200 && elsewhere.text.contains("<h1>Overview</h1>"),
        "back is one of our own pages"
    );
}

#[tokio::test]
async fn the_overview_shows_who_is_asked_for_a_code() {
    let clerk = running().await;
    clerk.new_user("known@example.com").unwrap();
    let (first, second) = (Page::open(&clerk).await, Page::open(&clerk).await);
    let form = [
        ("email_address", "new@example.com"),
        ("password", "battery staple"),
    ];
    let begun = first.post("/client/sign_ups", &form).await.ok();
    let strategy = [("strategy", "email_code")];
    let path = format!("/client/sign_ups/{}", id(&begun["response"]));
    first
        .post(&format!("{path}/prepare_verification"), &strategy)
        .await
        .ok();
    let sign_in = second.begin_sign_in("known@example.com").await;
    let address = clerk.get("/v1/users").await.ok()[0]["email_addresses"][0]["id"].clone();
    let asked = [strategy[0], ("email_address_id", address.as_str().unwrap())];
    second
        .post(&format!("{sign_in}/prepare_first_factor"), &asked)
        .await
        .ok();

    let shown = show(&clerk, "/").await.text;
    for (what, who) in [
        ("Sign-up", "new@example.com"),
        ("Sign-in", "known@example.com"),
    ] {
        let (_, behind) = shown.split_once(what).unwrap();
        assert!(
            behind.split("</li>").next().unwrap().contains(who),
            "{what}: {shown}"
        );
    }
    let entered = [strategy[0], ("code", "424242")];
    first
        .post(&format!("{path}/attempt_verification"), &entered)
        .await
        .ok();
    assert!(!show(&clerk, "/").await.text.contains("Sign-up"));
}
