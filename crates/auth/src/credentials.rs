//! Where in a request the session token stands.

use std::fmt;

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};

use crate::compact::claimed_issuer;
use crate::error::TokenError;
use crate::publishable_key::PublishableKey;

/// The most session cookies of one name that are compared; a browser sends one, or a few of several paths.
const MAX_COOKIES: usize = 8;

/// The session cookie of whichever instance wrote it last; each instance has one with a suffix of its own beside it.
const PLAIN_NAME: &str = "__session";

/// How the token came. State-changing requests by cookie need a check of their `Origin`: a browser attaches cookies to
/// requests that other sites start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// `Authorization: Bearer`.
    Header,
    /// The session cookie.
    Cookie,
}

/// A token as it stands in a request. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The compact JWS, unverified.
    pub token: &'a str,
    /// How it came.
    pub kind: CredentialKind,
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Finds one instance's session token in a request's headers, and nowhere else: neither in `__client`, which is a
/// credential for Clerk and not for us, nor in the query, which ends up in logs.
#[derive(Debug, Clone)]
pub struct CredentialFinder {
    issuer: String,
    suffixed_name: Option<String>,
}

impl CredentialFinder {
    /// For the instance of this issuer; the publishable key gives the suffix of its own cookie.
    pub fn new(issuer: impl Into<String>, publishable_key: Option<&PublishableKey>) -> Self {
        Self {
            issuer: issuer.into(),
            suffixed_name: publishable_key
                .map(|key| format!("{PLAIN_NAME}_{}", key.cookie_suffix())),
        }
    }

    /// The header's token if there is one, else a cookie's.
    ///
    /// Exactly one `Authorization` header counts; two are refused, since two readers might choose differently. `Bearer`
    /// is matched in any case (RFC 9110 11.1). Another scheme is somebody else's (a proxy's Basic, say), and the cookies
    /// are asked.
    ///
    /// Of the cookies, the suffixed name comes before the plain one, and the first that claims this instance's issuer is
    /// taken: on localhost, several apps share the plain name. The claim is not believed, it only chooses; the verifier
    /// judges. If one name comes with different values that all claim this instance, the request is refused: a sibling
    /// domain can plant a cookie, and neither order is safe. If none claims it, the first is taken, so that the refusal
    /// can say what is wrong with it.
    pub fn find<'a>(&self, headers: &'a HeaderMap) -> Result<Credential<'a>, TokenError> {
        let mut authorizations = headers.get_all(AUTHORIZATION).iter();
        let first = authorizations.next();
        if authorizations.next().is_some() {
            return Err(TokenError::Malformed(
                "there is more than one Authorization header",
            ));
        }
        if let Some(value) = first {
            let Ok(value) = value.to_str() else {
                return Err(TokenError::Malformed(
                    "the Authorization header is not visible ASCII",
                ));
            };
            if let Some(token) = bearer(value)? {
                return Ok(Credential {
                    token,
                    kind: CredentialKind::Header,
                });
            }
        }
        let token = self.cookie(headers)?.ok_or(TokenError::Missing)?;
        Ok(Credential {
            token,
            kind: CredentialKind::Cookie,
        })
    }

    fn cookie<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, TokenError> {
        let mut suffixed = Candidates::default();
        let mut plain = Candidates::default();
        for (name, value) in cookies(headers) {
            if Some(name) == self.suffixed_name.as_deref() {
                suffixed.add(value);
            } else if name == PLAIN_NAME {
                plain.add(value);
            }
        }
        let first = suffixed.first().or(plain.first());
        // Mostly both names come with one value, and there is nothing to choose, nor anything to be read for a choice.
        if suffixed.len <= 1
            && plain.len <= 1
            && plain.first().is_none_or(|plain| Some(plain) == first)
        {
            return Ok(first);
        }
        for candidates in [suffixed, plain] {
            if let Some(token) = self.ours(&candidates)? {
                return Ok(Some(token));
            }
        }
        Ok(first)
    }

    /// The one of these that claims this instance's issuer.
    fn ours<'a>(&self, candidates: &Candidates<'a>) -> Result<Option<&'a str>, TokenError> {
        let Some(values) = candidates.values.get(..candidates.len) else {
            return Err(TokenError::Malformed("there are too many session cookies"));
        };
        let mut ours = values
            .iter()
            .copied()
            .filter(|value| claimed_issuer(value).as_ref() == Some(&self.issuer));
        match (ours.next(), ours.next()) {
            (Some(_), Some(_)) => Err(TokenError::Malformed(
                "there are several different session cookies",
            )),
            (token, _) => Ok(token),
        }
    }
}

/// The different values of the cookies of one name.
#[derive(Default)]
struct Candidates<'a> {
    values: [&'a str; MAX_COOKIES],
    /// Beyond the number of places when there were too many.
    len: usize,
}

impl<'a> Candidates<'a> {
    fn add(&mut self, value: &'a str) {
        // Clerk's front end empties the cookie at sign-out.
        if value.is_empty() || self.values.contains(&value) {
            return;
        }
        if let Some(place) = self.values.get_mut(self.len) {
            *place = value;
        }
        self.len = (self.len + 1).min(MAX_COOKIES + 1);
    }

    fn first(&self) -> Option<&'a str> {
        self.values.first().copied().filter(|_| self.len > 0)
    }
}

fn bearer(value: &str) -> Result<Option<&str>, TokenError> {
    let value = value.trim();
    let Some((scheme, rest)) = value.split_once(' ') else {
        return match value {
            "" => Ok(None),
            scheme if scheme.eq_ignore_ascii_case("bearer") => {
                Err(TokenError::Malformed("there is no token after Bearer"))
            }
            _ => Err(TokenError::Malformed(
                "the Authorization header has no scheme: expected Bearer and the token",
            )),
        };
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    Ok(Some(rest.trim_start_matches(' ')))
}

/// Name and value of every cookie, over all `Cookie` headers (HTTP/2 may split them). Read as bytes: a neighbour may hold
/// any text. A value that is not UTF-8 is passed over, as no token of ours.
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
        Some((name.trim(), value.trim()))
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use http::{HeaderName, HeaderValue};

    use super::*;

    const KEY: &str = "pk_test_Y2xlcmsuY2xlcmsuZGV2JA";
    const SUFFIXED: &str = "__session_QvfNY2dr";

    fn finder() -> CredentialFinder {
        let key = PublishableKey::parse(KEY).unwrap();
        CredentialFinder::new(key.issuer(), Some(&key))
    }

    fn token(issuer: &str, mark: &str) -> String {
        let claims = format!(r#"{{"iss":"https://{issuer}","mark":"{mark}"}}"#);
        format!("e30.{}.AA", URL_SAFE_NO_PAD.encode(claims))
    }

    fn ours(mark: &str) -> String {
        token("clerk.clerk.dev", mark)
    }

    fn find(headers: &[(HeaderName, &str)]) -> Result<(String, CredentialKind), &'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let found = finder().find(&map).map_err(|error| error.code())?;
        Ok((found.token.to_owned(), found.kind))
    }

    #[test]
    fn the_header_table() {
        use CredentialKind::Header;
        for value in [
            "Bearer abc",
            "bearer abc",
            "BEARER abc",
            "Bearer   abc",
            " Bearer abc ",
        ] {
            assert_eq!(
                find(&[(AUTHORIZATION, value)]),
                Ok(("abc".to_owned(), Header)),
                "{value:?}"
            );
        }
        for value in ["Bearer", "Bearer ", "abc", "Bearer\tabc", "Bearer ä"] {
            assert_eq!(
                find(&[(AUTHORIZATION, value)]),
                Err("token_malformed"),
                "{value:?}"
            );
        }
        for value in ["", " ", "Basic dXNlcjpwYXNz", "BearerX abc"] {
            assert_eq!(
                find(&[(AUTHORIZATION, value)]),
                Err("token_missing"),
                "{value:?}"
            );
        }
        let two = [(AUTHORIZATION, "Bearer abc"), (AUTHORIZATION, "Bearer abc")];
        assert_eq!(find(&two), Err("token_malformed"), "even when they agree");
        assert_eq!(
            find(&[(AUTHORIZATION, "Basic x"), (AUTHORIZATION, "Bearer abc")]),
            Err("token_malformed")
        );
    }

    #[test]
    fn what_is_wrong_with_the_header_is_said() {
        for (value, problem) in [
            ("bearer", "there is no token after Bearer"),
            ("abc", "expected Bearer and the token"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            let refusal = finder().find(&headers).unwrap_err().to_string();
            assert!(refusal.contains(problem), "{value}: {refusal}");
        }
    }

    #[test]
    fn a_credential_is_not_shown() {
        let (token, kind) = ("abc", CredentialKind::Header);
        let shown = format!("{:?}", Credential { token, kind });
        assert_eq!(shown, "Credential { kind: Header, .. }");
    }

    #[test]
    fn the_header_comes_before_the_cookie_unless_its_scheme_is_another() {
        let cookie = format!("__session={}", ours("1"));
        assert_eq!(
            find(&[(AUTHORIZATION, "Bearer abc"), (COOKIE, &cookie)])
                .unwrap()
                .1,
            CredentialKind::Header
        );
        assert_eq!(
            find(&[(AUTHORIZATION, "Basic abc"), (COOKIE, &cookie)]),
            Ok((ours("1"), CredentialKind::Cookie))
        );
        assert_eq!(
            find(&[(AUTHORIZATION, "Bearer "), (COOKIE, &cookie)]),
            Err("token_malformed")
        );
    }

    #[test]
    fn the_cookie_table() {
        let (a, b, other) = (ours("a"), ours("b"), token("other.example.com", "c"));
        for (cookies, expected) in [
            (format!("__session={a}"), Ok(&a)),
            (format!("x=1; __session={a}; y=2"), Ok(&a)),
            (format!("x=1;__session={a}"), Ok(&a)),
            (format!("{SUFFIXED}={a}"), Ok(&a)),
            (format!("__session={b}; {SUFFIXED}={a}"), Ok(&a)),
            (format!("__session={a}; {SUFFIXED}={other}"), Ok(&a)),
            (format!("__session={other}; {SUFFIXED}={a}"), Ok(&a)),
            (format!("__session={other}"), Ok(&other)),
            (format!("__session=; {SUFFIXED}={a}"), Ok(&a)),
            (format!("__session={a}; {SUFFIXED}="), Ok(&a)),
            (format!("__session={a}; __session={a}"), Ok(&a)),
            (format!("__session={other}; __session={a}"), Ok(&a)),
            (
                format!("__session={a}; __session={b}"),
                Err("token_malformed"),
            ),
            (
                format!("{SUFFIXED}={a}; {SUFFIXED}={b}; __session={a}"),
                Err("token_malformed"),
            ),
            ("__session=".to_owned(), Err("token_missing")),
            (format!("__client={a}"), Err("token_missing")),
            (
                format!("__client_uat={a}; __refresh_QvfNY2dr={a}"),
                Err("token_missing"),
            ),
            (format!("__session_OTHERone={a}"), Err("token_missing")),
            (format!("__Session={a}"), Err("token_missing")),
            (format!("x__session={a}"), Err("token_missing")),
            ("garbage".to_owned(), Err("token_missing")),
            (format!("name=Zoë; __session={a}"), Ok(&a)),
        ] {
            let expected = expected.map(|token| (token.clone(), CredentialKind::Cookie));
            assert_eq!(find(&[(COOKIE, &cookies)]), expected, "{cookies}");
        }
    }

    #[test]
    fn cookies_may_be_split_over_headers() {
        let (first, second) = (
            format!("__session={}", ours("a")),
            format!("__session={}", ours("b")),
        );
        assert_eq!(
            find(&[(COOKIE, "x=1"), (COOKIE, &first)]).unwrap().0,
            ours("a")
        );
        assert_eq!(
            find(&[(COOKIE, &first), (COOKIE, &second)]),
            Err("token_malformed")
        );
    }

    #[test]
    fn a_flood_of_cookies_is_refused() {
        let flood: Vec<String> = (0..50).map(|k| format!("__session={k}")).collect();
        assert_eq!(find(&[(COOKIE, &flood.join("; "))]), Err("token_malformed"));
    }

    #[test]
    fn debug_hides_the_token() {
        let credential = Credential {
            token: "secret",
            kind: CredentialKind::Header,
        };
        assert!(!format!("{credential:?}").contains("secret"));
    }
}
