//! The origin under which a page was asked for, which has to be one that tokens are issued to.

use api::{App, Kind, Problem};
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The longest name of a host that is looked at, with its port.
const LONGEST: usize = 260;

/// A listed origin: `https://app.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    text: String,
    host: String,
    pub(crate) is_https: bool,
}

impl Origin {
    /// Of a request. What proxies say counts where they are trusted.
    pub(crate) fn of(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let by_proxy = app.comes_by_proxy(&parts.extensions);
        let said = Self::said(&parts.headers, by_proxy)
            .ok_or_else(|| refused("the request names no host that can be read"))?;
        if app.settings.origins.contains(&said.text) {
            return Ok(said);
        }
        Err(refused(&format!(
            "these pages were asked for at {}, which is not among CLERK_AUTHORIZED_PARTIES: add it there. Behind a proxy \
             that speaks https, name the proxy in TRUSTED_PROXIES and let it send X-Forwarded-Proto",
            said.text
        )))
    }

    fn said(headers: &HeaderMap, by_proxy: bool) -> Option<Self> {
        let forwarded = |name: HeaderName| {
            let line = headers.get(name).filter(|_| by_proxy)?.to_str().ok()?;
            // The nearest proxy writes last.
            line.rsplit(',').next().map(str::trim)
        };
        let is_https =
            forwarded(FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let own = || headers.get(HOST)?.to_str().ok();
        let authority = forwarded(FORWARDED_HOST).or_else(own)?.to_ascii_lowercase();
        let is_readable = !authority.is_empty()
            && authority.len() <= LONGEST
            && authority.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
            });
        if !is_readable {
            return None;
        }
        let (scheme, usual_port) = if is_https {
            ("https", ":443")
        } else {
            ("http", ":80")
        };
        let authority = authority.strip_suffix(usual_port).unwrap_or(&authority);
        let host = match authority
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
        {
            Some((address, _)) => address,
            None => authority.split(':').next().unwrap_or_default(),
        };
        Some(Self {
            text: format!("{scheme}://{authority}"),
            host: host.to_owned(),
            is_https,
        })
    }

    /// As it is listed.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Where its cookies are set.
    pub(crate) fn site(&self) -> auth::CookieSite<'_> {
        auth::CookieSite {
            host: &self.host,
            is_https: self.is_https,
        }
    }
}

fn refused(words: &str) -> Problem {
    Problem::with_detail(Kind::OriginNotAllowed, words)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn said(lines: &[(&'static str, &str)], by_proxy: bool) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let origin = Origin::said(&headers, by_proxy)?;
        Some((origin.text.clone(), origin.site().host.to_owned()))
    }

    #[test]
    fn proxies_are_believed_where_they_are_trusted() {
        let lines = [
            ("host", "10.0.0.7:8080"),
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-host", "app.example.com"),
        ];
        let expect = |text: &str, host: &str| Some((text.to_owned(), host.to_owned()));
        assert_eq!(
            said(&lines, true),
            expect("https://app.example.com", "app.example.com")
        );
        assert_eq!(
            said(&lines, false),
            expect("http://10.0.0.7:8080", "10.0.0.7")
        );
    }

    #[test]
    fn hosts_are_read_strictly() {
        let host = |text: &str| said(&[("host", text)], false).map(|(origin, _)| origin);
        for (text, expected) in [
            ("Localhost:3000", Some("http://localhost:3000")),
            ("app.example.com:80", Some("http://app.example.com")),
            ("[::1]:8080", Some("http://[::1]:8080")),
            ("a/b", None),
            ("a@b", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(host(text).as_deref(), expected, "{text}");
        }
        assert_eq!(said(&[], false), None);
    }
}
