//! Where Clerk's Backend API is.

use url::{Host, Url};

use super::variables::Variables;

const NAME: &str = "CLERK_API_URL";
const DEFAULT: &str = "https://api.clerk.com";

/// The address without `/v1` and without a slash at its end; both may be there in the variable.
pub(super) fn read(vars: &mut Variables<'_>) -> String {
    let text = vars.text(NAME).unwrap_or_else(|| DEFAULT.to_owned());
    if !Url::parse(&text).is_ok_and(|url| is_plain(&url)) {
        vars.fault(
            NAME,
            "has to be an https URL (http only on loopback) without user name, password, query or fragment",
        );
    }
    let bare = text.trim_end_matches('/');
    let bare = bare.strip_suffix("/v1").unwrap_or(bare);
    bare.trim_end_matches('/').to_owned()
}

/// The secret key is sent there: nowhere in plain text but on this machine.
fn is_plain(url: &Url) -> bool {
    let is_protected = match url.scheme() {
        "https" => url.has_host(),
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    };
    let is_bare = url.username().is_empty() && url.password().is_none();
    is_protected && is_bare && url.query().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, read, with};

    #[test]
    fn the_address_is_kept_without_its_version() {
        const KEY: (&str, &str) = ("CLERK_SECRET_KEY", "sk_live_some_key");
        let base_url = |own: &[(&'static str, &str)]| {
            let config = read(&with(own)).unwrap();
            config.clerk_api.unwrap().base_url
        };
        assert_eq!(base_url(&[KEY]), super::DEFAULT);
        for (text, kept) in [
            ("https://api.clerk.test", "https://api.clerk.test"),
            ("https://api.clerk.test/", "https://api.clerk.test"),
            ("https://api.clerk.test/v1", "https://api.clerk.test"),
            ("https://api.clerk.test/v1/", "https://api.clerk.test"),
            ("https://api.clerk.test/at/v1", "https://api.clerk.test/at"),
            ("http://127.0.0.1:4100", "http://127.0.0.1:4100"),
            ("http://[::1]:4100/v1", "http://[::1]:4100"),
            ("http://localhost:4100", "http://localhost:4100"),
        ] {
            assert_eq!(base_url(&[KEY, ("CLERK_API_URL", text)]), kept);
        }
    }

    #[test]
    fn the_secret_key_goes_nowhere_in_plain_text() {
        for text in [
            "http://api.clerk.com",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "https://user:hunter2@api.clerk.com",
            "https://api.clerk.com?x=1",
            "https://api.clerk.com#x",
            "ftp://api.clerk.com",
            "api.clerk.com",
        ] {
            for environment in ["production", "development"] {
                let settings = with(&[("CLERK_API_URL", text), ("CLERK_SYNC_ENV", environment)]);
                assert_eq!(faulty(&settings), ["CLERK_API_URL"], "{text}");
            }
        }
    }
}
