//! Clerk's handshake with pages that a server renders: which cookies it asks for, and which of them are set.
//!
//! A page whose visitor may be signed in at Clerk sends him to the Frontend API, which sends him back with a token that
//! lists cookies as `Set-Cookie` would have them. The token is believed when one of the instance's keys signed it. Even
//! so it does not choose: only the cookies that sign-in is made of are taken, their attributes are written anew, and a
//! session that does not stand up to the verifier is no session.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::credentials::cookies;
use crate::error::TokenError;
use crate::publishable_key::PublishableKey;
use crate::verifier::Verifier;

/// Cookies in one handshake at most: each known name once with and once without its suffix, and removals of each.
const MOST: usize = 16;
/// Bytes of one cookie's value at most: browsers keep no more than 4 KiB of a cookie.
const LONGEST: usize = 4096;
/// How long a cookie stays that is not taken away: a year. What it says ends sooner; it is asked for again then.
const LIFETIME_SECONDS: u32 = 365 * 24 * 60 * 60;

const SESSION: &str = "__session";
const SIGNED_IN_AT: &str = "__client_uat";
const DEV_BROWSER: &str = "__clerk_db_jwt";

/// The cookies of one instance by which a page knows whether somebody is signed in.
#[derive(Debug, Clone)]
pub struct PageCookies {
    suffix: Option<String>,
}

/// Where a cookie is set.
#[derive(Debug, Clone, Copy)]
pub struct CookieSite<'a> {
    /// The page's host, without a port.
    pub host: &'a str,
    /// Whether the page came by https.
    pub is_https: bool,
}

/// A cookie that a page sets or takes away. `Debug` does not show the value.
#[derive(Clone, PartialEq, Eq)]
pub struct PageCookie {
    name: String,
    /// `None`: it is taken away.
    value: Option<String>,
    /// As Clerk said it; it counts where the page's host lies below it.
    domain: Option<String>,
}

impl std::fmt::Debug for PageCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            value,
            domain,
        } = self;
        f.debug_struct("PageCookie")
            .field("name", name)
            .field("is_removed", &value.is_none())
            .field("domain", domain)
            .finish_non_exhaustive()
    }
}

impl PageCookies {
    pub(crate) fn of(publishable_key: Option<&PublishableKey>) -> Self {
        Self {
            suffix: publishable_key.map(PublishableKey::cookie_suffix),
        }
    }

    /// What tells this instance's cookies from those of others on the same host.
    #[must_use]
    pub fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref()
    }

    /// Since when somebody is signed in in this browser, in seconds since 1970, as Clerk's front end left word; the
    /// instance's own cookie comes before the one without a suffix. It is a hint: anybody may have written it.
    #[must_use]
    pub fn signed_in_at(&self, headers: &HeaderMap) -> Option<i64> {
        let said = self.value(headers, SIGNED_IN_AT)?;
        said.parse().ok().filter(|at| *at > 0)
    }

    /// The value by which a development instance knows this browser.
    #[must_use]
    pub fn dev_browser<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.value(headers, DEV_BROWSER)
    }

    fn value<'a>(&self, headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        let of = |wanted: &str| {
            let mut found = cookies(headers).filter(|(name, _)| *name == wanted);
            found.next().map(|(_, value)| value)
        };
        let own = self.suffixed(name).as_deref().and_then(of);
        own.or_else(|| of(name))
    }

    /// Takes every trace of the sign-in away.
    #[must_use]
    pub fn signed_out(&self) -> Vec<PageCookie> {
        [SESSION, SIGNED_IN_AT]
            .into_iter()
            .flat_map(|name| [Some(name.to_owned()), self.suffixed(name)])
            .flatten()
            .map(|name| PageCookie {
                value: (name.starts_with(SIGNED_IN_AT)).then(|| "0".to_owned()),
                name,
                domain: None,
            })
            .collect()
    }

    /// The cookies that a handshake's token asks for, in its order.
    ///
    /// # Errors
    /// When none of the instance's keys signed the token, when it is no handshake, or when the session in it is none.
    pub async fn of_handshake(
        &self,
        verifier: &Verifier,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<PageCookie>, TokenError> {
        let payload = verifier.signed_payload(token, now).await?;
        let Some(Value::Array(directives)) = payload.get("handshake") else {
            return Err(TokenError::ClaimsInvalid {
                claim: "handshake",
                problem: "is not a list of cookies",
            });
        };
        let texts = directives
            .iter()
            .map(|directive| directive.as_str().unwrap_or_default());
        self.of_directives(verifier, texts, now).await
    }

    /// The cookies that these directives ask for, each as in `Set-Cookie`; others than those of sign-in are passed over.
    ///
    /// # Errors
    /// When there are too many, when one cannot be read, or when the session among them is none.
    pub async fn of_directives(
        &self,
        verifier: &Verifier,
        directives: impl Iterator<Item = &str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<PageCookie>, TokenError> {
        let mut taken = Vec::new();
        for (place, directive) in directives.enumerate() {
            if place >= MOST {
                return Err(unreadable("has too many cookies"));
            }
            let Some(cookie) = self.read(directive)? else {
                continue;
            };
            if let (true, Some(token)) = (cookie.name.starts_with(SESSION), &cookie.value) {
                verifier.verify(token, now).await?;
            }
            taken.push(cookie);
        }
        Ok(taken)
    }

    /// One directive, if it is about a cookie of sign-in.
    fn read(&self, directive: &str) -> Result<Option<PageCookie>, TokenError> {
        let mut parts = directive.split(';').map(str::trim);
        let (name, value) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .ok_or(unreadable("has a cookie without a name"))?;
        let (name, value) = (name.trim(), value.trim());
        if !self.is_known(name) {
            return Ok(None);
        }
        if value.len() > LONGEST || !value.bytes().all(is_cookie_octet) {
            return Err(unreadable("has a cookie that no browser would keep"));
        }
        let (mut is_removed, mut domain) = (value.is_empty(), None);
        for attribute in parts {
            let (key, word) = attribute.split_once('=').unwrap_or((attribute, ""));
            if key.eq_ignore_ascii_case("max-age") {
                is_removed |= word.parse::<i64>().is_ok_and(|seconds| seconds <= 0);
            } else if key.eq_ignore_ascii_case("domain") {
                domain = Some(word.trim_start_matches('.').to_ascii_lowercase());
            }
        }
        Ok(Some(PageCookie {
            name: name.to_owned(),
            value: (!is_removed).then(|| value.to_owned()),
            domain,
        }))
    }

    fn is_known(&self, name: &str) -> bool {
        [SESSION, SIGNED_IN_AT, DEV_BROWSER]
            .into_iter()
            .any(|known| name == known || self.suffixed(known).as_deref() == Some(name))
    }

    fn suffixed(&self, name: &str) -> Option<String> {
        let suffix = self.suffix.as_ref()?;
        Some(format!("{name}_{suffix}"))
    }
}

impl PageCookie {
    /// The header, with attributes of ours: for the whole site, not sent along when other sites ask for more than a page,
    /// by https alone where the page came so. Clerk's front end reads and writes these cookies, so scripts may.
    ///
    /// # Errors
    /// Never: what could not stand in a header was refused before.
    pub fn header(
        &self,
        site: CookieSite<'_>,
    ) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        let (value, seconds) = match &self.value {
            Some(value) => (value.as_str(), LIFETIME_SECONDS),
            None => ("", 0),
        };
        let mut text = format!(
            "{}={value}; Path=/; SameSite=Lax; Max-Age={seconds}",
            self.name
        );
        if let Some(domain) = self
            .domain
            .as_deref()
            .filter(|domain| lies_below(site.host, domain))
        {
            text.push_str("; Domain=");
            text.push_str(domain);
        }
        if site.is_https {
            text.push_str("; Secure");
        }
        HeaderValue::from_str(&text)
    }
}

/// Whether a cookie of this domain is a cookie of the host's too; names without a dot hold for nobody else.
fn lies_below(host: &str, domain: &str) -> bool {
    let is_name = domain.contains('.')
        && domain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    is_name
        && host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn unreadable(problem: &'static str) -> TokenError {
    TokenError::ClaimsInvalid {
        claim: "handshake",
        problem,
    }
}

/// RFC 6265 4.1.1.
fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests;
