//! Rounds of the handshake: a browser that was sent to Clerk comes back with the word that it was given, once; and who is
//! sent round and round is stopped.

use auth::cookies;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderValue};

use crate::origin::Origin;

/// Holds the number of rounds and, while somebody is away, the word that he has to bring back.
const NAME: &str = "__clerk_sync_round";
/// By https browsers see to it that no other host has set it, not even a sibling's.
const NAME_BY_HTTPS: &str = "__Host-clerk_sync_round";
/// After so many seconds nobody is expected back any more.
const AWAY_SECONDS: u32 = 300;
/// Rounds without a session after which there is no further one.
const MOST: u8 = 3;

/// Where a browser stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Round {
    number: u8,
    word: Option<String>,
}

impl Round {
    /// As the request's cookie says.
    pub(crate) fn of(headers: &HeaderMap, is_https: bool) -> Option<Self> {
        let (_, value) = cookies(headers).find(|(name, _)| *name == named(is_https))?;
        let (number, word) = value.split_once('.')?;
        Some(Self {
            number: number.parse().ok()?,
            word: Some(word.to_owned()).filter(|word| !word.is_empty()),
        })
    }

    /// The next round, with a word that nobody can guess; none after the last.
    pub(crate) fn next(&self) -> Option<(Self, String)> {
        if self.number >= MOST {
            return None;
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let word = URL_SAFE_NO_PAD.encode(random);
        let next = Self {
            number: self.number + 1,
            word: Some(word.clone()),
        };
        Some((next, word))
    }

    /// Whether this browser was sent away with the word. 128 random bits that serve once need no secrecy of timing.
    pub(crate) fn expects(&self, word: Option<&str>) -> bool {
        self.word.is_some() && self.word.as_deref() == word
    }

    /// The same round, whose word has served.
    pub(crate) fn served(self) -> Self {
        Self { word: None, ..self }
    }

    /// The cookie that keeps it: no script reads it.
    pub(crate) fn header(&self, origin: &Origin) -> Result<HeaderValue, InvalidHeaderValue> {
        let word = self.word.as_deref().unwrap_or_default();
        cookie(&format!("{}.{word}", self.number), AWAY_SECONDS, origin)
    }

    /// The cookie that forgets it.
    pub(crate) fn over(origin: &Origin) -> Result<HeaderValue, InvalidHeaderValue> {
        cookie("", 0, origin)
    }
}

fn named(is_https: bool) -> &'static str {
    if is_https { NAME_BY_HTTPS } else { NAME }
}

fn cookie(value: &str, seconds: u32, origin: &Origin) -> Result<HeaderValue, InvalidHeaderValue> {
    let secure = if origin.is_https { "; Secure" } else { "" };
    let name = named(origin.is_https);
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
    ))
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn kept(value: &str) -> Option<Round> {
        let mut headers = HeaderMap::new();
        let line = format!("x=1; {NAME}={value}; {NAME_BY_HTTPS}=2.https");
        headers.insert(COOKIE, HeaderValue::from_str(&line).unwrap());
        let by_https = Round::of(&headers, true).unwrap();
        assert!(by_https.expects(Some("https")));
        Round::of(&headers, false)
    }

    #[test]
    fn a_word_serves_the_browser_that_was_sent_away_and_once() {
        let (first, word) = Round::default().next().unwrap();
        assert!(first.expects(Some(&word)));
        assert!(!first.expects(None) && !first.expects(Some("")) && !first.expects(Some("x")));
        assert!(!first.clone().served().expects(Some(&word)));
        let (_, another) = Round::default().next().unwrap();
        assert_ne!(word, another);
        assert_eq!(kept(&format!("1.{word}")), Some(first));
    }

    #[test]
    fn there_are_three_rounds() {
        let mut round = Round::default();
        for _ in 0..3 {
            round = round.next().unwrap().0.served();
        }
        assert_eq!(round.next(), None);
        assert_eq!(kept("3.").unwrap().next(), None);
        assert_eq!(kept("255.x").unwrap().next(), None);
    }

    #[test]
    fn what_cannot_be_read_is_no_round() {
        for value in ["", "1", "x.y", "256.x", "-1.x"] {
            assert_eq!(kept(value), None, "{value}");
        }
        assert_eq!(kept("0."), Some(Round::default()));
    }
}
