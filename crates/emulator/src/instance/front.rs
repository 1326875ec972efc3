//! What the Frontend API is told at start: where it is reached, whose pages may use it, and the instance's switches.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Instance;

/// The switches that an instance's owner sets in Clerk's dashboard, as far as they are emulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrontendSettings {
    /// What the forms call the application.
    pub application_name: String,
    /// Whether anybody can sign up.
    pub sign_up: bool,
    /// Whether a new user's address needs a code before the sign-up is complete.
    pub verify_at_sign_up: bool,
    /// Whether there are passwords.
    pub password: bool,
    /// Whether a sign-up needs one.
    pub password_required: bool,
    /// Whether there are user names.
    pub username: bool,
    /// Whether the forms ask for first and last names.
    pub names: bool,
    /// Whether there are organizations.
    pub organizations: bool,
    /// Whether a browser has at most one session.
    pub single_session: bool,
    /// Whether users can delete themselves.
    pub delete_self: bool,
    /// Providers of social sign-in, such as `google`. The emulator plays them; Clerk's forms take their logos from
    /// another host.
    pub social: Vec<String>,
}

impl Default for FrontendSettings {
    fn default() -> Self {
        Self {
            application_name: "Offline Clerk".to_owned(),
            sign_up: true,
            verify_at_sign_up: true,
            password: true,
            password_required: true,
            username: false,
            names: true,
            organizations: true,
            single_session: true,
            delete_self: true,
            social: Vec::new(),
        }
    }
}

/// The Frontend API's surroundings.
pub(crate) struct Front {
    /// Where browsers reach the emulator, such as `http://127.0.0.1:4100`.
    pub(crate) origin: String,
    /// Origins beyond this machine whose pages may use it.
    pub(crate) page_origins: Vec<String>,
    /// The folder with Clerk's browser bundles.
    pub(crate) assets: Option<PathBuf>,
    pub(crate) settings: Mutex<FrontendSettings>,
}

impl Instance {
    /// The Frontend API's switches.
    #[must_use]
    pub fn frontend_settings(&self) -> FrontendSettings {
        let settings = self.front.settings.lock();
        settings.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the Frontend API's switches. What is under way goes on by the new ones.
    pub fn set_frontend_settings(&self, settings: FrontendSettings) {
        let held = self.front.settings.lock();
        *held.unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// The base of the Frontend API, such as `http://127.0.0.1:4100/__clerk`: Clerk's `proxyUrl`.
    #[must_use]
    pub fn frontend_api_url(&self) -> String {
        format!("{}/__clerk", self.front.origin)
    }
}
