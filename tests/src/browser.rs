//! A browser without a screen: it keeps cookies, knows which site it is on, and goes where it is sent.

use std::collections::BTreeMap;

use reqwest::{Client, Method, Url};
use serde_json::Value;

use crate::{Answer, PARTY, World, visitor};

/// Redirects that are followed at most.
const MOST: usize = 12;

/// Somebody at a browser, on the site that tokens are issued to.
pub struct Browser {
    client: Client,
    /// Where the site's requests go in truth.
    service: String,
    frontend_api: String,
    /// What is kept for the site.
    pub cookies: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
}

impl Browser {
    /// A new browser, before a world's pages.
    ///
    /// # Panics
    /// When the HTTP client cannot be built.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self {
            client: visitor::client(),
            service: world.url(""),
            frontend_api: format!("{}/__clerk", world.clerk().origin()),
            cookies: BTreeMap::new(),
            headers: Vec::new(),
        }
    }

    /// With one more header on each request to the site.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a session cookie that holds this token.
    #[must_use]
    pub fn holding(mut self, token: &str) -> Self {
        self.cookies
            .insert("__session".to_owned(), token.to_owned());
        self
    }

    /// Asks for a page, and goes nowhere else.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    /// Asks by any method, without a body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn ask(&mut self, method: Method, path: &str) -> Answer {
        let host = PARTY.trim_start_matches("http://");
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.service))
            .header("accept", "text/html,application/xhtml+xml")
            .header("host", host);
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.expect("an answer");
        let answer = Answer::read(format!("{method} {path}"), response).await;
        let answer = answer.expect("the whole answer");
        for line in answer.headers.get_all("set-cookie") {
            self.keep(line.to_str().expect("a cookie"));
        }
        answer
    }

    fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').expect("a name and a value");
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Where an answer sends it, as an address.
    ///
    /// # Panics
    /// When the answer sends nowhere.
    #[must_use]
    pub fn target(answer: &Answer) -> Url {
        let location = answer.header("location");
        let location = location.unwrap_or_else(|| panic!("sent nowhere: {answer:?}"));
        let site = Url::parse(PARTY).expect("an origin");
        site.join(location).expect("an address")
    }

    /// Goes to Clerk, and answers the path of the site that Clerk sends it back to.
    ///
    /// # Panics
    /// When Clerk sends it nowhere, or to another site.
    pub async fn visit_clerk(&self, url: &Url) -> String {
        assert!(url.as_str().starts_with(&self.frontend_api), "{url}");
        let answer = self.client.get(url.clone()).send().await.expect("Clerk");
        let location = answer.headers()["location"].to_str().expect("an address");
        let back = location.strip_prefix(PARTY);
        back.unwrap_or_else(|| panic!("sent to {location}"))
            .to_owned()
    }

    /// Asks for a page and goes wherever it is sent.
    ///
    /// # Panics
    /// When it is sent on without an end.
    pub async fn open(&mut self, path: &str) -> Answer {
        let mut path = path.to_owned();
        for _ in 0..MOST {
            let answer = self.get(&path).await;
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            let target = Self::target(&answer);
            path = if target.as_str().starts_with(PARTY) {
                target.as_str()[PARTY.len()..].to_owned()
            } else {
                self.visit_clerk(&target).await
            };
        }
        panic!("sent on and on, at last to {path}");
    }

    /// Signs in at Clerk by e-mail code, in a browser that Clerk has not seen; answers what Clerk knows it by.
    ///
    /// # Panics
    /// When Clerk refuses.
    pub async fn sign_in(&self, email: &str) -> String {
        let browser = self.clerk("dev_browser", "", &[]).await;
        let browser = browser["id"].as_str().expect("an id").to_owned();
        let begun = self
            .clerk("client/sign_ins", &browser, &[("identifier", email)])
            .await;
        let id = begun["response"]["id"].as_str().expect("an id").to_owned();
        let factors = begun["response"]["supported_first_factors"].as_array();
        let by_code = factors
            .into_iter()
            .flatten()
            .find(|factor| factor["strategy"] == "email_code");
        let address = by_code.expect("a code")["email_address_id"].as_str();
        let code = ("strategy", "email_code");
        let address = ("email_address_id", address.expect("an address"));
        let step = |name: &str| format!("client/sign_ins/{id}/{name}");
        self.clerk(&step("prepare_first_factor"), &browser, &[code, address])
            .await;
        let done = self
            .clerk(
                &step("attempt_first_factor"),
                &browser,
                &[code, ("code", "424242")],
            )
            .await;
        assert_eq!(done["response"]["status"], "complete", "{done}");
        browser
    }

    async fn clerk(&self, path: &str, browser: &str, form: &[(&str, &str)]) -> Value {
        let mut url = Url::parse(&format!("{}/v1/{path}", self.frontend_api)).expect("a URL");
        let mut body = Url::parse(PARTY).expect("a URL");
        body.query_pairs_mut().extend_pairs(form);
        if !browser.is_empty() {
            url.query_pairs_mut().append_pair("__clerk_db_jwt", browser);
        }
        let request = self
            .client
            .post(url)
            .header("origin", PARTY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        let text = request.send().await.expect("Clerk").bytes().await;
        serde_json::from_slice(&text.expect("an answer")).expect("JSON")
    }
}
