//! The handshake: a site that finds its cookies wanting sends the browser here, and gets it back with new ones.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::Instance;
use super::browsers::{Browser, client_of};
use crate::ids;
use crate::refusal::Refusal;
use crate::state::system_ms;
use crate::token::{self, CATEGORY_SESSION};

/// A year, in seconds: how long the cookies stay. What they say is checked at each use.
const YEAR: u32 = 31_536_000;

impl Instance {
    /// The cookies that a site of this browser should have, as `Set-Cookie` directives: a new session token for `azp`
    /// when somebody is signed in, and what says that nobody is otherwise.
    ///
    /// # Errors
    /// [`Refusal::TokenNotSigned`].
    pub(crate) fn cookies_for(
        &self,
        browser: &Browser,
        organization_id: Option<&str>,
        azp: &str,
    ) -> Result<Vec<String>, Refusal> {
        let session = self.active_session(browser, None);
        if let (Some(session), Some(wanted)) = (&session, organization_id) {
            // A site may ask for the organization of its address; one that the user is not in changes nothing.
            let _ = self.set_active_organization(&session.id, Some(wanted));
        }
        let token = match &session {
            Some(session) => Some(self.session_token(&session.id, None, Some(azp), None)?),
            None => None,
        };
        let uat = match &session {
            Some(_) => self.read(|state| client_of(state, browser).map_or(0, |it| it.updated_at)),
            None => 0,
        };
        let suffix = cookie_suffix(&crate::publishable_key());
        let named = |name: &str| [name.to_owned(), format!("{name}_{suffix}")];
        let mut directives = Vec::new();
        for name in named("__session") {
            directives.push(match &token {
                Some(token) => set(&name, token),
                None => unset(&name),
            });
        }
        for name in named("__client_uat") {
            directives.push(set(&name, &(uat / 1_000).to_string()));
        }
        if let Browser::Development(id) = browser {
            for name in named("__clerk_db_jwt") {
                directives.push(set(&name, id));
            }
        }
        Ok(directives)
    }

    /// The directives as a signed token, the older way to hand them over.
    ///
    /// # Errors
    /// [`Refusal::TokenNotSigned`].
    pub(crate) fn handshake_token(&self, directives: &[String]) -> Result<String, Refusal> {
        let mut claims = serde_json::Map::new();
        claims.insert("handshake".to_owned(), json!(directives));
        self.sign_token(token::header(CATEGORY_SESSION), claims)
    }

    /// Keeps the directives for [`Self::handshake_payload`], for a minute, and gives the nonce that fetches them.
    pub(crate) fn handshake_nonce(&self, directives: Vec<String>) -> String {
        let nonce = ids::random("");
        let state = &mut *self.state();
        state
            .browsers
            .keep_handshake(nonce.clone(), system_ms(), directives);
        nonce
    }

    /// The directives of a nonce, once.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn handshake_payload(&self, nonce: &str) -> Result<Vec<String>, Refusal> {
        let taken = self.state().browsers.take_handshake(nonce, system_ms());
        taken.ok_or_else(|| Refusal::NotFound {
            kind: "handshake_nonce",
            id: nonce.to_owned(),
        })
    }
}

fn set(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age={YEAR}; SameSite=Lax")
}

fn unset(name: &str) -> String {
    format!("{name}=; Path=/; Max-Age=0; SameSite=Lax")
}

/// What Clerk's libraries put behind a cookie's name, so that two instances on one host have cookies of their own:
/// eight characters of the publishable key's SHA-1 in base64.
pub(crate) fn cookie_suffix(publishable_key: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, publishable_key.as_bytes());
    let text = STANDARD.encode(hash.as_ref());
    text.replace('+', "-")
        .replace('/', "_")
        .chars()
        .take(8)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_is_clerks() {
        // The first eight characters of `printf %s pk_test_… | sha1sum | xxd -r -p | base64`.
        assert_eq!(
            cookie_suffix("pk_test_ZW11LWxvY2FsLTQyLmNsZXJrLmFjY291bnRzLmRldiQ"),
            "SIExqGm9"
        );
    }
}
