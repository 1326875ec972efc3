//! Many pages at once: what may happen once happens once.

use futures_util::future::join_all;
use serde_json::json;

use crate::page::{Page, id};
use crate::running::running;

const PAGES: usize = 24;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_sign_ups_with_one_address_wins() {
    let clerk = running().await;
    let pages = join_all((0..PAGES).map(|_| Page::open(&clerk))).await;
    let attempts = join_all(pages.iter().map(|page| async {
        let form = [
            ("email_address", "a@example.com"),
            ("password", "battery staple"),
        ];
        let begun = page.post("/client/sign_ups", &form).await;
        if begun.status != 200 {
            return begun.code().to_owned();
        }
        let path = format!("/client/sign_ups/{}", id(&begun.body["response"]));
        page.post(
            &format!("{path}/prepare_verification"),
            &[("strategy", "email_code")],
        )
        .await
        .ok();
        let attempt = format!("{path}/attempt_verification");
        let done = page.post(&attempt, &[("code", "424242")]).await;
        match done.status {
            200 => "complete".to_owned(),
            _ => done.code().to_owned(),
        }
    }));
    let outcomes = attempts.await;
    let complete = outcomes.iter().filter(|it| *it == "complete").count();
    assert_eq!(complete, 1, "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .all(|it| it == "complete" || it == "form_identifier_exists")
    );
    assert_eq!(clerk.events(), ["user.created", "session.created"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ticket_lets_one_in_and_codes_are_counted() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let made = clerk
        .post("/v1/sign_in_tokens", json!({ "user_id": user.id }))
        .await
        .ok();
    let form = [
        ("strategy", "ticket"),
        ("ticket", made["token"].as_str().unwrap()),
    ];
    let pages = join_all((0..PAGES).map(|_| Page::open(&clerk))).await;
    let tried = join_all(
        pages
            .iter()
            .map(|page| page.post("/client/sign_ins", &form)),
    )
    .await;
    let good = tried.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1);

    let page = Page::open(&clerk).await;
    let path = page.begin_sign_in("a@example.com").await;
    page.post(
        &format!("{path}/prepare_first_factor"),
        &[("strategy", "email_code")],
    )
    .await
    .ok();
    let attempt = format!("{path}/attempt_first_factor");
    let wrong = [("strategy", "email_code"), ("code", "000000")];
    let tried = join_all((0..PAGES).map(|_| page.post(&attempt, &wrong))).await;
    let counted = tried.iter().filter(|answer| answer.status == 422).count();
    assert_eq!(counted, 4);
    assert!(
        tried
            .iter()
            .all(|answer| matches!(answer.status, 422 | 429))
    );
}
