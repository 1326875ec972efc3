//! A page in a browser: calls of the Frontend API as Clerk's library makes them.

use emulator::FrontendSettings;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;

use crate::running::{Answer, Running};

/// Where the pages of these tests are.
pub(crate) const ORIGIN: &str = "http://localhost:3000";

/// One page in a development browser of its own.
pub(crate) struct Page<'a> {
    clerk: &'a Running,
    pub(crate) dev_browser: String,
}

impl<'a> Page<'a> {
    /// A browser's first visit.
    pub(crate) async fn open(clerk: &'a Running) -> Self {
        let request = clerk
            .request(Method::POST, "/__clerk/v1/dev_browser")
            .header("origin", ORIGIN);
        let dev_browser = Running::send(request).await.ok();
        Self {
            clerk,
            dev_browser: dev_browser["id"].as_str().unwrap().to_owned(),
        }
    }

    /// A later visit of a browser that is known.
    pub(crate) fn again(clerk: &'a Running, dev_browser: String) -> Self {
        Self { clerk, dev_browser }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let apart = if path.contains('?') { '&' } else { '?' };
        let path = format!(
            "/__clerk/v1{path}{apart}__clerk_api_version=2025-11-10&__clerk_db_jwt={}",
            self.dev_browser
        );
        self.clerk.request(method, &path).header("origin", ORIGIN)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Running::send(self.request(Method::GET, path)).await
    }

    /// A form, as browsers send it; the true method goes into the path as `?_method=…`.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        Running::send(request).await
    }

    /// Signs up with the code, and gives the session's id.
    pub(crate) async fn sign_up(&self, email: &str) -> String {
        let form = [
            ("email_address", email),
            ("password", "battery staple"),
            ("first_name", "Sam"),
            ("last_name", ""),
        ];
        let begun = self.post("/client/sign_ups", &form).await.ok();
        let path = format!("/client/sign_ups/{}", id(&begun["response"]));
        let prepare = format!("{path}/prepare_verification");
        self.post(&prepare, &[("strategy", "email_code")])
            .await
            .ok();
        let attempt = format!("{path}/attempt_verification");
        let form = [("strategy", "email_code"), ("code", "424242")];
        let done = self.post(&attempt, &form).await.ok();
        assert_eq!(done["response"]["status"], "complete");
        done["response"]["created_session_id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Begins a sign-in, and gives its path.
    pub(crate) async fn begin_sign_in(&self, email: &str) -> String {
        let begun = self
            .post("/client/sign_ins", &[("identifier", email)])
            .await
            .ok();
        format!("/client/sign_ins/{}", id(&begun["response"]))
    }

    pub(crate) async fn sign_out(&self) -> Value {
        self.post("/client/sessions?_method=DELETE", &[]).await.ok()
    }

    /// The claims of a new token of this session.
    pub(crate) async fn token(&self, session_id: &str, form: &[(&str, &str)]) -> Value {
        let path = format!("/client/sessions/{session_id}/tokens");
        let token = self.post(&path, form).await.ok();
        crate::tokens::part(token["jwt"].as_str().unwrap(), 1)
    }
}

pub(crate) fn id(shown: &Value) -> &str {
    shown["id"].as_str().unwrap()
}

pub(crate) fn encoded(form: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://form").unwrap();
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}

/// An emulator with these switches.
pub(crate) async fn with(settings: FrontendSettings) -> Running {
    let clerk = crate::running::running().await;
    clerk.set_frontend_settings(settings);
    clerk
}
