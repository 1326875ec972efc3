//! Social sign-in, with the emulator as the provider.

use emulator::FrontendSettings;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::{Value, json};

use crate::page::{Page, encoded, id, with};
use crate::running::Running;

const BACK: &str = "http://localhost:3000/sso-callback";
const DONE: &str = "http://localhost:3000/";

async fn with_google() -> Running {
    with(FrontendSettings {
        social: vec!["google".to_owned()],
        ..FrontendSettings::default()
    })
    .await
}

const FORM: [(&str, &str); 3] = [
    ("strategy", "oauth_google"),
    ("redirect_url", BACK),
    ("action_complete_redirect_url", DONE),
];

/// Answers the provider's page.
async fn choose(verification: &Value, email: &str) -> Response {
    assert_eq!(verification["status"], "unverified");
    let url = verification["external_verification_redirect_url"]
        .as_str()
        .unwrap();
    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let page = client.get(url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' http://localhost:3000;"));
    let form = [
        ("step", "choose"),
        ("email_address", email),
        ("first_name", "Kim"),
    ];
    let request = client
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(&form));
    request.send().await.unwrap()
}

fn sent_to(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap()
}

#[tokio::test]
async fn a_new_person_is_transferred_from_sign_in_to_sign_up() {
    let clerk = with_google().await;
    let page = Page::open(&clerk).await;
    let begun = page.post("/client/sign_ins", &FORM).await.ok();
    let verification = &begun["response"]["first_factor_verification"];
    assert_eq!(sent_to(&choose(verification, "a@example.com").await), BACK);
    let client = page.get("/client").await.ok();
    let verification = &client["response"]["sign_in"]["first_factor_verification"];
    assert_eq!(verification["status"], "transferable");
    assert_eq!(verification["error"]["code"], "external_account_not_found");
    let done = page
        .post("/client/sign_ups", &[("transfer", "true")])
        .await
        .ok();
    assert_eq!(done["response"]["status"], "complete");
    assert_eq!(clerk.events(), ["user.created", "session.created"]);
    let user = clerk.get("/v1/users").await.ok()[0].clone();
    assert_eq!(user["first_name"], "Kim");
    assert_eq!(user["password_enabled"], false);
    let account = &user["external_accounts"][0];
    assert_eq!(
        (&account["provider"], &account["email_address"]),
        (&json!("oauth_google"), &json!("a@example.com"))
    );
    let email = &user["email_addresses"][0];
    assert_eq!(email["verification"]["object"], "verification_from_oauth");
    assert_eq!(email["linked_to"][0]["type"], "oauth_google");
    let again = page.post("/client/sign_ups", &[("transfer", "true")]).await;
    assert_eq!((again.status, again.code()), (400, "verification_missing"));

    // Now he is known, and signed in at once.
    page.sign_out().await;
    let begun = page.post("/client/sign_ins", &FORM).await.ok();
    let verification = &begun["response"]["first_factor_verification"];
    assert_eq!(sent_to(&choose(verification, "a@example.com").await), DONE);
    let client = page.get("/client").await.ok();
    let session = &client["response"]["sessions"][0];
    assert_eq!(session["user"]["id"], user["id"]);
    assert_eq!(
        session["user"]["external_accounts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // An answer counts once.
    assert_eq!(choose_again(verification).await, 400);
}

async fn choose_again(verification: &Value) -> u16 {
    let url = verification["external_verification_redirect_url"]
        .as_str()
        .unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    client.get(url).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_sign_up_completes_and_a_known_person_is_transferred_to_sign_in() {
    let clerk = with_google().await;
    let page = Page::open(&clerk).await;
    let begun = page.post("/client/sign_ups", &FORM).await.ok();
    let verification = &begun["response"]["verifications"]["external_account"];
    assert_eq!(sent_to(&choose(verification, "a@example.com").await), DONE);
    let client = page.get("/client").await.ok();
    assert_eq!(client["response"]["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(
        client["response"]["last_authentication_strategy"],
        "oauth_google"
    );

    let known = clerk.new_user("b@example.com").unwrap();
    let other = Page::open(&clerk).await;
    let begun = other.post("/client/sign_ups", &FORM).await.ok();
    let verification = &begun["response"]["verifications"]["external_account"];
    assert_eq!(sent_to(&choose(verification, "B@example.com").await), BACK);
    let client = other.get("/client").await.ok();
    let verification = &client["response"]["sign_up"]["verifications"]["external_account"];
    assert_eq!(verification["error"]["code"], "external_account_exists");
    let done = other
        .post("/client/sign_ins", &[("transfer", "true")])
        .await
        .ok();
    assert_eq!(done["response"]["status"], "complete");
    let user = &done["client"]["sessions"][0]["user"];
    assert_eq!(id(user), known.id);
    assert_eq!(user["external_accounts"].as_array().unwrap().len(), 1);
    let events = clerk.events();
    assert_eq!(
        events[events.len() - 2..],
        ["session.created", "user.updated"]
    );
}

#[tokio::test]
async fn providers_that_are_not_there_and_ways_elsewhere_are_refused() {
    let clerk = with_google().await;
    let page = Page::open(&clerk).await;
    for path in ["/client/sign_ins", "/client/sign_ups"] {
        let mut form = FORM;
        form[0].1 = "oauth_github";
        let refused = page.post(path, &form).await;
        assert_eq!(
            (refused.status, refused.code()),
            (422, "form_param_value_invalid")
        );
        for place in [1, 2] {
            let mut form = FORM;
            form[place].1 = "https://evil.example/";
            let refused = page.post(path, &form).await;
            assert_eq!(
                (refused.status, refused.code()),
                (422, "form_param_format_invalid")
            );
        }
        let refused = page.post(path, &[("transfer", "true")]).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "verification_missing")
        );
    }
    for relative in [
        "//evil.example/",
        "/\t/evil.example/",
        "\\\\evil.example/",
        "javascript:alert(1)",
    ] {
        let mut form = FORM;
        form[2].1 = relative;
        assert_eq!(
            page.post("/client/sign_ins", &form).await.status,
            422,
            "{relative}"
        );
    }
    let mut form = FORM;
    form[2].1 = "/";
    let begun = page.post("/client/sign_ins", &form).await.ok();
    let verification = &begun["response"]["first_factor_verification"];
    let wrong = choose(verification, "nonsense").await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("role=\"alert\""));
    assert_eq!(choose_again(verification).await, 200);
    clerk.new_user("a@example.com").unwrap();
    assert_eq!(sent_to(&choose(verification, "a@example.com").await), DONE);
    let unknown = Url::parse(&format!("{}/__clerk/oauth?state=x", clerk.origin())).unwrap();
    let answer = Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(unknown)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 400);
    let environment = page.get("/environment").await.ok();
    let google = &environment["user_settings"]["social"]["oauth_google"];
    assert_eq!(
        (&google["enabled"], &google["name"]),
        (&json!(true), &json!("Google"))
    );
}
