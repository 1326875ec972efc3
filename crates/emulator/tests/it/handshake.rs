//! The handshake: sites without cookies of their own get them here.

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::{Value, json};

use crate::page::{Page, id};
use crate::running::{Running, running};
use crate::tokens::part;

const SITE: &str = "http://localhost:8080/settings?tab=1";

async fn visit(clerk: &Running, path: &str, query: &[(&str, &str)], cookie: &str) -> Response {
    let mut url = Url::parse(&format!("{}/__clerk{path}", clerk.origin())).unwrap();
    url.query_pairs_mut().extend_pairs(query);
    let client = Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let request = client.get(url).header("cookie", cookie);
    request.send().await.unwrap()
}

fn location(response: &Response) -> Url {
    assert_eq!(response.status(), 307);
    assert_eq!(response.headers()["cache-control"], "no-store");
    Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
}

fn param(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

/// The value that the directives give this cookie.
fn cookie<'a>(directives: &'a [Value], name: &str) -> &'a str {
    let start = format!("{name}=");
    let mut texts = directives.iter().map(|it| it.as_str().unwrap());
    let directive = texts.find(|it| it.starts_with(&start)).unwrap();
    assert!(directive.contains("; Path=/;") && directive.ends_with("; SameSite=Lax"));
    assert!(!directive.contains("HttpOnly"));
    directive[start.len()..].split(';').next().unwrap()
}

#[tokio::test]
async fn a_signed_in_browser_gets_a_session_for_the_site() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    let session = page.sign_up("a@example.com").await;
    let stale = format!("{SITE}&__clerk_handshake=old&__clerk_db_jwt=old");
    let query = [
        ("redirect_url", stale.as_str()),
        ("__clerk_db_jwt", page.dev_browser.as_str()),
        ("__clerk_hs_reason", "session-token-expired"),
    ];
    let back = location(&visit(&clerk, "/v1/client/handshake", &query, "").await);
    let token = param(&back, "__clerk_handshake").unwrap();
    assert!(back.as_str().starts_with(SITE));
    assert_eq!(param(&back, "__clerk_db_jwt"), None);
    assert_eq!(part(&token, 0)["kid"], "ins_emulator");
    let claims = part(&token, 1);
    let directives = claims["handshake"].as_array().unwrap();
    // The suffix of the emulator's publishable key.
    for suffix in ["", "_SIExqGm9"] {
        let claims = part(cookie(directives, &format!("__session{suffix}")), 1);
        assert_eq!(claims["sid"], session.as_str());
        assert_eq!(claims["azp"], "http://localhost:8080");
        let uat = cookie(directives, &format!("__client_uat{suffix}"));
        assert!(claims["iat"].as_i64().unwrap() >= uat.parse::<i64>().unwrap());
        let browser = cookie(directives, &format!("__clerk_db_jwt{suffix}"));
        assert_eq!(browser, page.dev_browser);
    }
}

#[tokio::test]
async fn a_nonce_is_exchanged_once() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let query = [
        ("redirect_url", SITE),
        ("format", "nonce"),
        ("__clerk_db_jwt", page.dev_browser.as_str()),
    ];
    let back = location(&visit(&clerk, "/v1/client/handshake", &query, "").await);
    let nonce = param(&back, "__clerk_handshake_nonce").unwrap();
    let path = format!("/v1/clients/handshake_payload?nonce={nonce}");
    let payload = clerk.get(&path).await.ok();
    let directives = payload["directives"].as_array().unwrap();
    assert!(!cookie(directives, "__session").is_empty());
    let again = clerk.get(&path).await;
    assert_eq!((again.status, again.code()), (404, "resource_not_found"));
    let none = clerk.get("/v1/clients/handshake_payload").await;
    assert_eq!((none.status, none.code()), (422, "form_param_missing"));
}

#[tokio::test]
async fn a_first_visit_gets_a_development_browser_and_is_signed_out() {
    let clerk = running().await;
    for known in ["", "dvb_404"] {
        let query = [("redirect_url", SITE), ("__clerk_db_jwt", known)];
        let back = location(&visit(&clerk, "/v1/client/handshake", &query, "").await);
        let claims = part(&param(&back, "__clerk_handshake").unwrap(), 1);
        let directives = claims["handshake"].as_array().unwrap();
        assert_eq!(cookie(directives, "__session"), "");
        assert_eq!(cookie(directives, "__client_uat"), "0");
        let browser = cookie(directives, "__clerk_db_jwt");
        assert!(browser.starts_with("dvb_") && browser != "dvb_404");
        let path = format!("/__clerk/v1/client?__clerk_db_jwt={browser}");
        assert_eq!(clerk.get(&path).await.ok(), json!({ "response": null }));
    }
}

#[tokio::test]
async fn the_site_may_ask_for_an_organization() {
    let clerk = running().await;
    let page = Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let made = page.post("/organizations", &[("name", "Works")]).await.ok();
    for (wanted, active) in [(id(&made["response"]), true), ("org_404", true)] {
        let query = [
            ("redirect_url", SITE),
            ("organization_id", wanted),
            ("__clerk_db_jwt", page.dev_browser.as_str()),
        ];
        let back = location(&visit(&clerk, "/v1/client/handshake", &query, "").await);
        let claims = part(&param(&back, "__clerk_handshake").unwrap(), 1);
        let session = cookie(claims["handshake"].as_array().unwrap(), "__session");
        assert_eq!(part(session, 1)["o"]["slg"] == "works", active);
    }
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let clerk = running().await;
    for path in ["/v1/client/handshake", "/v1/client/touch"] {
        for redirect in [
            "",
            "/settings",
            "//evil.example/",
            "https://evil.example/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://user:password@localhost/",
            "http://evil.example\\@localhost/",
            "http://local\thost:8080/",
            "javascript:alert(1)",
            "ftp://localhost/",
            "data:text/html,x",
        ] {
            let answer = visit(&clerk, path, &[("redirect_url", redirect)], "").await;
            assert_eq!(answer.status(), 422, "{redirect}");
            assert!(answer.headers().get("location").is_none());
        }
        let back = visit(&clerk, path, &[("redirect_url", "http://[::1]:3000/a")], "").await;
        assert!(location(&back).as_str().starts_with("http://[::1]:3000/a"));
    }
}

/// A browser whose page has no development browser is known by `__client`, as with a production instance.
#[tokio::test]
async fn without_a_development_browser_a_cookie_keeps_the_client() {
    let clerk = running().await;
    clerk.new_user("a@example.com").unwrap();
    let url = format!("{}/__clerk/v1/client/sign_ins", clerk.origin());
    let client = Client::builder().no_proxy().build().unwrap();
    let begun = client
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("identifier=a%40example.com&strategy=email_code")
        .send()
        .await
        .unwrap();
    let cookies: Vec<String> = begun
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|it| it.to_str().unwrap().to_owned())
        .collect();
    let own = cookies
        .iter()
        .find(|it| it.starts_with("__client="))
        .unwrap();
    assert!(own.contains("; HttpOnly;"));
    assert!(cookies.iter().any(|it| it.starts_with("__client_uat=0;")));
    let own = own.split(';').next().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&begun.bytes().await.unwrap()).unwrap();
    let attempt = format!("{url}/{}/attempt_first_factor", id(&body["response"]));
    let entered = |cookie: String| {
        let request = client
            .post(&attempt)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .body("strategy=email_code&code=424242");
        async { request.send().await.unwrap() }
    };
    let forged = own.replace(|letter: char| letter.is_ascii_digit(), "x");
    assert_eq!(entered(forged).await.status(), 404);
    let done = entered(format!("other=1; {own}")).await;
    assert_eq!(done.status(), 200);
    let uat = done.headers().get_all("set-cookie").iter();
    let uat: Vec<&str> = uat.map(|it| it.to_str().unwrap()).collect();
    assert!(
        uat.iter().any(|it| it.starts_with("__client_uat=1")),
        "{uat:?}"
    );
    let query = [("redirect_url", SITE)];
    let back = location(&visit(&clerk, "/v1/client/handshake", &query, &own).await);
    let claims = part(&param(&back, "__clerk_handshake").unwrap(), 1);
    let directives = claims["handshake"].as_array().unwrap();
    assert!(!cookie(directives, "__session").is_empty());
}
