//! The pages: whether there are any, and how browsers reach Clerk.

use auth::{AuthConfig, Environment};
use console::{ConsoleSettings, FrontendApi};
use url::{Host, Url};

use super::variables::Variables;

const PROXY_URL: &str = "CLERK_PROXY_URL";
const SIGN_IN_URL: &str = "CLERK_SIGN_IN_URL";
const SIGN_UP_URL: &str = "CLERK_SIGN_UP_URL";

/// The pages' settings; `None` where there are to be no pages.
pub(super) fn read(vars: &mut Variables<'_>, auth: &AuthConfig) -> Option<ConsoleSettings> {
    let is_on = vars.choice("CONSOLE", &[("on", true), ("off", false)], true);
    let proxy = url(vars, PROXY_URL);
    let key = auth.publishable_key.as_ref();
    let domain = vars.text("CLERK_DOMAIN");
    let named = domain.map(|domain| {
        let bare = domain.strip_prefix("https://").unwrap_or(&domain);
        format!("https://{}", bare.trim_end_matches('/'))
    });
    let of_key = key.map(auth::PublishableKey::issuer);
    let base = proxy.or(named).or_else(|| of_key.clone());
    let frontend_api = base.map(|url| FrontendApi {
        is_proxy: Some(&url) != of_key.as_ref(),
        url,
        publishable_key: key.map(|key| key.as_str().to_owned()),
        is_development: key.is_some_and(|key| key.environment() == Environment::Test),
    });
    let settings = ConsoleSettings {
        frontend_api,
        sign_in_url: url(vars, SIGN_IN_URL),
        sign_up_url: url(vars, SIGN_UP_URL),
    };
    is_on.then_some(settings)
}

/// An address that browsers are sent to, without a slash at its end.
fn url(vars: &mut Variables<'_>, name: &'static str) -> Option<String> {
    let text = vars.text(name)?;
    let is_protected = |url: &Url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    };
    let is_plain = |url: &Url| {
        url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
    };
    let is_good = |url: &Url| {
        let takes_query = name != PROXY_URL;
        is_protected(url) && is_plain(url) && (takes_query || url.query().is_none())
    };
    if Url::parse(&text).is_ok_and(|url| is_good(&url)) {
        return Some(text.trim_end_matches('/').to_owned());
    }
    vars.fault(
        name,
        "is no address that browsers can be sent to: write https://…, or http:// on this machine, without user name, \
         password or fragment",
    );
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, read, with};

    #[test]
    fn the_publishable_key_says_where_clerk_is_unless_a_proxy_stands_before_it() {
        let api = |own: &[(&'static str, &'static str)]| {
            let console = read(&with(own)).unwrap().console.unwrap();
            let api = console.frontend_api.unwrap();
            (api.url, api.is_proxy)
        };
        assert_eq!(api(&[]), ("https://clerk.example.com".to_owned(), false));
        let proxied = api(&[("CLERK_PROXY_URL", "https://app.example.com/__clerk/")]);
        assert_eq!(
            proxied,
            ("https://app.example.com/__clerk".to_owned(), true)
        );
        let named = api(&[("CLERK_DOMAIN", "clerk.example.org")]);
        assert_eq!(named, ("https://clerk.example.org".to_owned(), true));
    }

    #[test]
    fn there_need_be_no_pages() {
        assert!(
            read(&with(&[("CONSOLE", "off")]))
                .unwrap()
                .console
                .is_none()
        );
        assert_eq!(faulty(&with(&[("CONSOLE", "maybe")])), ["CONSOLE"]);
    }

    #[test]
    fn browsers_are_sent_to_protected_places_only() {
        for name in ["CLERK_PROXY_URL", "CLERK_SIGN_IN_URL", "CLERK_SIGN_UP_URL"] {
            for good in [
                "https://accounts.example.com/x",
                "http://127.0.0.1:4100/__clerk",
            ] {
                assert!(read(&with(&[(name, good)])).is_ok(), "{name}={good}");
            }
            for bad in [
                "http://accounts.example.com",
                "javascript:alert(1)",
                "/sign-in",
                "https://user:secret@example.com",
                "https://example.com/#x",
            ] {
                assert_eq!(faulty(&with(&[(name, bad)])), [name], "{bad}");
            }
        }
    }
}
