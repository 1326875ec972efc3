//! What the emulator keeps of a browser: its client, the sign-up and sign-in under way in it, and the codes that they
//! wait for. How pages are shown them is `frontend::shown`'s business.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::collection::Keyed;
use crate::password::PasswordDigest;

/// The code that every e-mail of the emulator holds, as Clerk's test mode has it.
pub(crate) const CODE: &str = "424242";
/// Wrong codes or passwords after which an attempt is over.
pub(crate) const ATTEMPTS: u32 = 5;
/// How long a code can be entered: ten minutes.
pub(crate) const CODE_LIFETIME_MS: i64 = 600_000;
/// How long a sign-up or sign-in can be continued: a day.
pub(crate) const ATTEMPT_LIFETIME_MS: i64 = 86_400_000;

/// What a development browser is known by instead of a cookie. Its id travels in the query of every call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DevBrowser {
    pub(crate) id: String,
    /// None until something is begun.
    pub(crate) client_id: Option<String>,
    pub(crate) created_at: i64,
}

impl Keyed for DevBrowser {
    fn key(&self) -> &str {
        &self.id
    }
}

/// One browser with the sessions that are signed in in it. Times are milliseconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    /// What the `__client` cookie holds behind the id where there is no development browser.
    pub(crate) secret: String,
    /// Sessions begun here, those that are over included until the next sign-in.
    pub(crate) session_ids: Vec<String>,
    pub(crate) last_active_session_id: Option<String>,
    pub(crate) last_authentication_strategy: Option<String>,
    pub(crate) sign_up: Option<SignUp>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) created_at: i64,
    /// When a session last came or went; becomes `__client_uat`.
    pub(crate) updated_at: i64,
}

impl Keyed for Client {
    fn key(&self) -> &str {
        &self.id
    }
}

/// A code that somebody was sent and has to enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    pub(crate) strategy: String,
    /// The e-mail address that it went to, as an id or, before there is one, as text.
    pub(crate) sent_to: String,
    pub(crate) wrong: u32,
    pub(crate) expire_at: i64,
    pub(crate) verified: bool,
}

impl Awaited {
    pub(crate) fn new(strategy: &str, sent_to: &str, now: i64) -> Self {
        Self {
            strategy: strategy.to_owned(),
            sent_to: sent_to.to_owned(),
            wrong: 0,
            expire_at: now.saturating_add(CODE_LIFETIME_MS),
            verified: false,
        }
    }

    /// Clerk's status of a verification.
    pub(crate) fn status(&self, now: i64) -> &'static str {
        match self {
            Self { verified: true, .. } => "verified",
            Self { wrong, .. } if *wrong >= ATTEMPTS => "failed",
            Self { expire_at, .. } if *expire_at <= now => "expired",
            _ => "unverified",
        }
    }
}

/// A visit to a provider of social sign-in, which the emulator plays itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct External {
    /// What the provider's page is asked for with. Whoever knows it may answer.
    pub(crate) state: String,
    /// Such as `oauth_google`.
    pub(crate) strategy: String,
    /// Where to go when something is left to do, and when nothing is.
    pub(crate) redirect_url: String,
    pub(crate) complete_url: String,
    /// Who the provider says it is.
    pub(crate) person: Option<Person>,
    pub(crate) expire_at: i64,
}

/// What a provider says of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) email_address: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
}

/// A person who is about to become a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignUp {
    pub(crate) id: String,
    pub(crate) email_address: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) timezone: Option<String>,
    pub(crate) unsafe_metadata: Map<String, Value>,
    pub(crate) legal_accepted_at: Option<i64>,
    pub(crate) password: Option<PasswordDigest>,
    /// The invitation that brought him here, to sign up or to an organization; its address needs no code.
    pub(crate) invitation_id: Option<String>,
    pub(crate) email_code: Option<Awaited>,
    #[serde(default)]
    pub(crate) external: Option<External>,
    pub(crate) created_session_id: Option<String>,
    pub(crate) created_user_id: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) abandon_at: i64,
}

/// A user who is about to have a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) id: String,
    pub(crate) identifier: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) code: Option<Awaited>,
    #[serde(default)]
    pub(crate) external: Option<External>,
    pub(crate) wrong_passwords: u32,
    /// A code for a forgotten password was right; now a new one is due.
    pub(crate) needs_new_password: bool,
    pub(crate) created_session_id: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) abandon_at: i64,
}

/// A sign-in token of the Backend API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) organization_id: Option<String>,
    pub(crate) token: String,
    pub(crate) status: TicketStatus,
    pub(crate) expires_at: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Keyed for Ticket {
    fn key(&self) -> &str {
        &self.id
    }
}

/// Where a sign-in token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TicketStatus {
    Pending,
    Accepted,
    Revoked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_over_after_five_wrong_ones_or_ten_minutes() {
        let mut code = Awaited::new("email_code", "idn_1", 1_000);
        assert_eq!(code.status(1_000 + CODE_LIFETIME_MS - 1), "unverified");
        assert_eq!(code.status(1_000 + CODE_LIFETIME_MS), "expired");
        code.wrong = ATTEMPTS;
        assert_eq!(code.status(1_000), "failed");
        code.verified = true;
        assert_eq!(code.status(i64::MAX), "verified");
    }
}
