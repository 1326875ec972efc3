//! The emulator's own pages to sign in, up and out, as a browser without scripts uses them.

use emulator::EmulatorConfig;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use serde_json::json;

use crate::page::encoded;
use crate::running::{Running, config, running, running_with};

const BACK: &str = "http://localhost:8080/settings?tab=1";

struct Browser<'a> {
    clerk: &'a Running,
    client: Client,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(clerk: &'a Running) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build();
        Self {
            clerk,
            client: client.unwrap(),
            cookie: String::new(),
        }
    }

    fn url(&self, page: &str) -> Url {
        let mut url = Url::parse(&format!("{}/__clerk/{page}", self.clerk.origin())).unwrap();
        url.query_pairs_mut().append_pair("redirect_url", BACK);
        url
    }

    async fn get(&self, page: &str, referer: &str) -> Response {
        let mut request = self
            .client
            .get(self.url(page))
            .header("cookie", &self.cookie);
        if !referer.is_empty() {
            request = request.header("referer", referer);
        }
        request.send().await.unwrap()
    }

    async fn post(&mut self, page: &str, form: &[(&str, &str)]) -> Response {
        let request = self
            .client
            .post(self.url(page))
            .header("origin", self.clerk.origin())
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        let response = request.send().await.unwrap();
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; HttpOnly;"));
            self.cookie = cookie.split(';').next().unwrap().to_owned();
        }
        response
    }
}

/// The value of a hidden field.
fn hidden<'a>(html: &'a str, name: &str) -> &'a str {
    let (_, rest) = html
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap()
}

/// The development browser with which the browser is sent back.
fn sent_back(response: &Response) -> String {
    assert_eq!(response.status(), 303);
    let to = Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    assert!(to.as_str().starts_with(BACK));
    let mut pairs = to.query_pairs();
    let (_, id) = pairs.find(|(name, _)| name == "__clerk_db_jwt").unwrap();
    id.into_owned()
}

async fn html(response: Response) -> String {
    let headers = response.headers();
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"));
    assert_eq!(headers["cache-control"], "no-store");
    assert!(
        headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let text = response.text().await.unwrap();
    assert!(text.len() < 50_000 && !text.contains("<script") && !text.contains(" style="));
    text
}

async fn signed_in(clerk: &Running, dev_browser: &str) -> Option<String> {
    let path = format!("/__clerk/v1/client?__clerk_db_jwt={dev_browser}");
    let client = clerk.get(&path).await.ok();
    let address = client.pointer("/response/sessions/0/user/email_addresses/0/email_address");
    address.map(|it| it.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn signing_up_by_form_goes_back_to_the_site() {
    let clerk = running().await;
    let mut browser = Browser::new(&clerk);
    let page = html(browser.get("sign-up", "").await).await;
    assert!(page.contains("Password"));
    let form = [
        ("step", "begin"),
        ("email_address", "a@example.com"),
        ("first_name", "<script>alert(1)</script>"),
        ("password", "battery staple"),
    ];
    let code = html(browser.post("sign-up", &form).await).await;
    assert!(code.contains("424242"));
    let id = hidden(&code, "id").to_owned();
    let form = [("step", "code"), ("id", id.as_str()), ("code", "1")];
    let wrong = browser.post("sign-up", &form).await;
    assert_eq!(wrong.status(), 422);
    assert!(html(wrong).await.contains("not correct"));
    let form = [("step", "code"), ("id", id.as_str()), ("code", "424242")];
    let dev_browser = sent_back(&browser.post("sign-up", &form).await);
    assert_eq!(
        signed_in(&clerk, &dev_browser).await.as_deref(),
        Some("a@example.com")
    );
    assert_eq!(clerk.events(), ["user.created", "session.created"]);

    // Now the page knows who is there, and goes on with a click.
    let again = html(browser.get("sign-in", "").await).await;
    assert!(again.contains("a@example.com") && again.contains("Sign out"));
    assert_eq!(
        sent_back(&browser.post("sign-in", &[("step", "go_on")]).await),
        dev_browser
    );
}

#[tokio::test]
async fn one_click_signs_in_as_any_user_and_out_again() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let banned = clerk.new_user("b@example.com").unwrap();
    clerk
        .post(&format!("/v1/users/{}/ban", banned.id), json!({}))
        .await
        .ok();
    let mut browser = Browser::new(&clerk);
    let page = html(browser.get("sign-in", "").await).await;
    assert!(page.contains("a@example.com") && !page.contains("b@example.com"));
    let pick = [("step", "pick"), ("user_id", user.id.as_str())];
    let dev_browser = sent_back(&browser.post("sign-in", &pick).await);
    assert_eq!(
        signed_in(&clerk, &dev_browser).await.as_deref(),
        Some("a@example.com")
    );

    // From elsewhere one is asked; from a page of this machine it happens at once.
    for referer in ["", "https://evil.example/", "null"] {
        let asked = html(browser.get("sign-out", referer).await).await;
        assert!(asked.contains("Sign out?"));
        assert!(signed_in(&clerk, &dev_browser).await.is_some());
    }
    sent_back(&browser.get("sign-out", BACK).await);
    assert_eq!(signed_in(&clerk, &dev_browser).await, None);
    assert_eq!(clerk.events().last().unwrap(), "session.removed");
    let strange = [("step", "pick"), ("user_id", banned.id.as_str())];
    assert_eq!(browser.post("sign-in", &strange).await.status(), 422);
}

#[tokio::test]
async fn passwords_codes_and_links_sign_in() {
    let clerk = running().await;
    let body = json!({ "email_address": ["a@example.com"], "password": "battery staple" });
    let user = clerk.post("/v1/users", body).await.ok();
    let identify = |password| {
        [
            ("step", "identify"),
            ("identifier", "a@example.com"),
            ("password", password),
        ]
    };
    let mut browser = Browser::new(&clerk);
    let wrong = browser.post("sign-in", &identify("battery stable")).await;
    assert_eq!(wrong.status(), 422);
    assert!(html(wrong).await.contains("value=\"a@example.com\""));
    sent_back(&browser.post("sign-in", &identify("battery staple")).await);

    let mut other = Browser::new(&clerk);
    let code = html(other.post("sign-in", &identify("")).await).await;
    let id = hidden(&code, "id").to_owned();
    let form = [("step", "code"), ("id", id.as_str()), ("code", "424242")];
    sent_back(&other.post("sign-in", &form).await);

    let body = json!({ "user_id": user["id"] });
    let token = clerk.post("/v1/sign_in_tokens", body).await.ok();
    let mut third = Browser::new(&clerk);
    let ticket = token["token"].as_str().unwrap();
    assert!(token["url"].as_str().unwrap().contains(ticket));
    sent_back(
        &third
            .post("sign-in", &[("step", "ticket"), ("ticket", ticket)])
            .await,
    );
    assert_eq!(
        third.post("sign-in", &[("step", "dance")]).await.status(),
        422
    );
}

#[tokio::test]
async fn bundles_come_from_the_folder_and_what_is_missing_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let dist = folder.path().join("clerk-js/dist");
    std::fs::create_dir_all(&dist).unwrap();
    std::fs::write(dist.join("clerk.browser.js"), "//").unwrap();
    std::fs::write(folder.path().join("clerk-js/package.json"), "{}").unwrap();
    let clerk = running_with(EmulatorConfig {
        assets: Some(folder.path().to_owned()),
        ..config()
    })
    .await;
    let client = Client::builder().no_proxy().build().unwrap();
    let get = |origin: String, path: &str| client.get(format!("{origin}{path}")).send();
    for (version, cached) in [("6", "max-age=300"), ("6.40.0", "immutable")] {
        for base in ["", "/__clerk"] {
            let path = format!("{base}/npm/@clerk/clerk-js@{version}/dist/clerk.browser.js");
            let found = get(clerk.origin(), &path).await.unwrap();
            assert_eq!(found.status(), 200);
            let header = |name: &str| found.headers()[name].to_str().unwrap().to_owned();
            assert!(header("cache-control").contains(cached));
            assert!(header("content-type").starts_with("text/javascript"));
        }
    }
    for path in [
        "/npm/@clerk/clerk-js@6/dist/none.js",
        "/npm/@clerk/clerk-js@6/dist/..%2fpackage.json",
        "/npm/@clerk/ui@1/dist/ui.browser.js",
    ] {
        assert_eq!(clerk.get(path).await.code(), "resource_not_found", "{path}");
    }
    let bare = running().await;
    let answer = bare
        .get("/npm/@clerk/clerk-js@6/dist/clerk.browser.js")
        .await;
    let long = answer.body["errors"][0]["long_message"].as_str().unwrap();
    assert!(long.contains("--clerk-assets"));
}

#[tokio::test]
async fn a_site_on_the_same_host_is_known_by_its_own_cookie() {
    let clerk = running().await;
    let page = crate::page::Page::open(&clerk).await;
    page.sign_up("a@example.com").await;
    let mut browser = Browser::new(&clerk);
    browser.cookie = format!("__clerk_db_jwt={}", page.dev_browser);
    let shown = html(browser.get("sign-in", "").await).await;
    assert!(shown.contains("a@example.com") && shown.contains("Sign out"));
    assert_eq!(
        sent_back(&browser.get("sign-out", BACK).await),
        page.dev_browser
    );
    assert_eq!(signed_in(&clerk, &page.dev_browser).await, None);
    // A strict page sends no referrer; its browser says that it is of the same host.
    for (site, status) in [("cross-site", 200), ("none", 200), ("same-site", 303)] {
        let again = crate::page::Page::again(&clerk, page.dev_browser.clone());
        if again.get("/me").await.status == 401 {
            let both = [
                ("identifier", "a@example.com"),
                ("password", "battery staple"),
            ];
            again.post("/client/sign_ins", &both).await.ok();
        }
        let request = browser
            .client
            .get(browser.url("sign-out"))
            .header("cookie", &browser.cookie)
            .header("sec-fetch-site", site);
        assert_eq!(request.send().await.unwrap().status(), status, "{site}");
    }
    // One that the emulator has forgotten counts as none.
    browser.cookie = "__clerk_db_jwt=dvb_404".to_owned();
    let shown = html(browser.get("sign-in", "").await).await;
    assert!(!shown.contains("Sign out"));
}
