//! What a browser has brought along from Clerk.

use auth::cookies;
use http::HeaderMap;
use url::form_urlencoded;

use crate::round::Round;

const HANDSHAKE: &str = "__clerk_handshake";
pub(crate) const DEV_BROWSER: &str = "__clerk_db_jwt";
/// The word of a round, on its way back.
pub(crate) const WORD: &str = "__clerk_sync_word";

/// What a request has beside its own business.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// The token of a handshake. Development instances put it into the address, production ones into a cookie of the
    /// parent domain, which counts only for who comes back just now.
    pub(crate) handshake: Option<String>,
    /// By what a development instance knows the browser.
    pub(crate) dev_browser: Option<String>,
    /// What it was sent away with.
    pub(crate) word: Option<String>,
    /// Where it stands.
    pub(crate) round: Option<Round>,
}

impl Arrival {
    /// Of a request, and the rest of its query, which is its own.
    pub(crate) fn of(
        query: &str,
        headers: &HeaderMap,
        is_https: bool,
    ) -> (Self, Vec<(String, String)>) {
        let mut arrival = Self {
            round: Round::of(headers, is_https),
            ..Self::default()
        };
        let mut kept = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            match name.as_str() {
                HANDSHAKE => arrival.handshake = Some(value),
                DEV_BROWSER => arrival.dev_browser = Some(value),
                WORD => arrival.word = Some(value),
                _ => kept.push((name, value)),
            }
        }
        if arrival.handshake.is_none() && arrival.is_expected() {
            let mut by_cookie = cookies(headers).filter(|(name, _)| *name == HANDSHAKE);
            arrival.handshake = by_cookie.next().map(|(_, token)| token.to_owned());
        }
        (arrival, kept)
    }

    /// Whether this browser was sent away with the word that it brings back.
    pub(crate) fn is_expected(&self) -> bool {
        let word = self.word.as_deref();
        self.round.as_ref().is_some_and(|round| round.expects(word))
    }
}
