//! What the pages need to know of Clerk.

use std::sync::Arc;

/// Settings of the pages.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// Clerk's Frontend API; `None` where nothing names it, and nobody can sign in here.
    pub frontend_api: Option<FrontendApi>,
    /// Where people sign in when not on a page of ours: Clerk's account portal, or a page of the team's.
    pub sign_in_url: Option<String>,
    /// The same for signing up.
    pub sign_up_url: Option<String>,
}

/// How browsers reach Clerk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontendApi {
    /// The base, without a slash at its end and without `/v1`: `https://clerk.example.com`.
    pub url: String,
    /// Whether the base is not what the publishable key says.
    pub is_proxy: bool,
    /// What Clerk's components are started with; `None`: they cannot be.
    pub publishable_key: Option<String>,
    /// Whether it is a development instance, whose browsers are known by a value in the query.
    pub is_development: bool,
}

/// What every page shares.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) settings: ConsoleSettings,
    /// Where scripts of Clerk's come from, and what they may call: the origin of the Frontend API.
    pub(crate) clerk_origin: Option<String>,
    /// Where a form of a page may lead by way of redirects: to Clerk and to the portal, when the session has expired.
    pub(crate) form_origins: Vec<String>,
}

impl Console {
    pub(crate) fn new(settings: ConsoleSettings) -> Arc<Self> {
        let origin = |url: &str| {
            let url = url::Url::parse(url).ok()?;
            Some(url.origin().ascii_serialization())
        };
        let api = settings.frontend_api.as_ref();
        let clerk_origin = api.and_then(|api| origin(&api.url));
        let portals = [&settings.sign_in_url, &settings.sign_up_url];
        let portals = portals.into_iter().flatten().filter_map(|url| origin(url));
        let mut form_origins: Vec<String> = clerk_origin.iter().cloned().chain(portals).collect();
        form_origins.sort();
        form_origins.dedup();
        Arc::new(Self {
            settings,
            clerk_origin,
            form_origins,
        })
    }

    /// What Clerk's components need, where they are used: without an account portal that stands in for them.
    pub(crate) fn components(&self) -> Option<(&FrontendApi, &str)> {
        let api = self.settings.frontend_api.as_ref()?;
        let key = api.publishable_key.as_deref()?;
        self.settings.sign_in_url.is_none().then_some((api, key))
    }
}
