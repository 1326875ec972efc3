//! What is taken out of a handshake, and what its cookies look like.

use http::header::COOKIE;

use super::*;

const KEY: &str = "pk_test_Y2xlcmsuY2xlcmsuZGV2JA";

fn page_cookies() -> PageCookies {
    PageCookies::of(Some(&PublishableKey::parse(KEY).unwrap()))
}

fn header(directive: &str, site: CookieSite<'_>) -> Option<String> {
    let cookie = page_cookies().read(directive).unwrap()?;
    Some(cookie.header(site).unwrap().to_str().unwrap().to_owned())
}

fn sent(cookies: &str) -> HeaderMap {
    let cookies = HeaderValue::from_str(cookies).unwrap();
    [(COOKIE, cookies)].into_iter().collect()
}

const PLAIN: CookieSite<'_> = CookieSite {
    host: "app.example.com",
    is_https: false,
};
const HTTPS: CookieSite<'_> = CookieSite {
    is_https: true,
    ..PLAIN
};

#[test]
fn only_the_cookies_of_sign_in_are_taken_and_with_attributes_of_ours() {
    for (directive, expected) in [
        (
            "__session=a.b.c; Path=/evil; SameSite=None; Max-Age=9; HttpOnly",
            Some("__session=a.b.c; Path=/; SameSite=Lax; Max-Age=31536000"),
        ),
        (
            "__session_QvfNY2dr=x; Domain=evil.example",
            Some("__session_QvfNY2dr=x; Path=/; SameSite=Lax; Max-Age=31536000"),
        ),
        (
            "__client_uat=0; Domain=.example.com",
            Some("__client_uat=0; Path=/; SameSite=Lax; Max-Age=31536000; Domain=example.com"),
        ),
        (
            "__session=; Max-Age=0",
            Some("__session=; Path=/; SameSite=Lax; Max-Age=0"),
        ),
        (
            "__clerk_db_jwt=dvb_1; Max-Age=-1",
            Some("__clerk_db_jwt=; Path=/; SameSite=Lax; Max-Age=0"),
        ),
        ("__session_OTHERone=x", None),
        ("__refresh_QvfNY2dr=x", None),
        ("admin=1; Path=/", None),
        ("__Host-session=1", None),
    ] {
        assert_eq!(header(directive, PLAIN).as_deref(), expected, "{directive}");
    }
    let secure = header("__session=a; Domain=com", HTTPS).unwrap();
    assert!(secure.ends_with("Max-Age=31536000; Secure"), "{secure}");
}

#[test]
fn what_would_break_out_of_a_cookie_is_refused() {
    for directive in [
        "",
        "no name",
        "__session=a b",
        "__session=a,b",
        "__session=\"a\"",
        "__session=a\r\nSet-Cookie: x=1",
        "__session=\u{e9}",
    ] {
        assert!(page_cookies().read(directive).is_err(), "{directive:?}");
    }
    let of_length = |length| format!("__session={}", "a".repeat(length));
    assert!(page_cookies().read(&of_length(LONGEST)).is_ok());
    assert!(page_cookies().read(&of_length(LONGEST + 1)).is_err());
}

#[test]
fn a_domain_holds_for_hosts_below_it() {
    for (host, domain, holds) in [
        ("app.example.com", "example.com", true),
        ("example.com", "example.com", true),
        ("badexample.com", "example.com", false),
        ("app.example.com", "com", false),
        ("localhost", "localhost", false),
        ("app.example.com", "other.com", false),
        ("app.my-site.example", "my-site.example", true),
        ("app.example.com", "example.com; x", false),
        ("a_b.example", "a_b.example", false),
    ] {
        assert_eq!(lies_below(host, domain), holds, "{host} {domain}");
    }
}

#[test]
fn the_instances_own_word_comes_first() {
    for (line, expected) in [
        ("__client_uat=7", Some(7)),
        ("__client_uat=7; __client_uat_QvfNY2dr=9", Some(9)),
        ("__client_uat=7; __client_uat_QvfNY2dr=0", None),
        ("__client_uat=0", None),
        ("__client_uat=-1", None),
        ("__client_uat=x", None),
        ("__client_uat_OTHERone=7", None),
        ("", None),
    ] {
        let headers = sent(line);
        assert_eq!(page_cookies().signed_in_at(&headers), expected, "{line}");
    }
}

#[test]
fn a_development_instance_knows_the_browser_by_its_own_cookie() {
    for (line, expected) in [
        ("__clerk_db_jwt=dvb_1", Some("dvb_1")),
        (
            "__clerk_db_jwt=dvb_1; __clerk_db_jwt_QvfNY2dr=dvb_2",
            Some("dvb_2"),
        ),
        ("__clerk_db_jwt_OTHERone=dvb_1", None),
    ] {
        let headers = sent(line);
        assert_eq!(page_cookies().dev_browser(&headers), expected, "{line}");
    }
}

#[test]
fn signing_out_leaves_word_that_nobody_is_signed_in() {
    let cookies = page_cookies().signed_out();
    let lines: Vec<String> = cookies
        .iter()
        .map(|cookie| cookie.header(PLAIN).unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].starts_with("__session=; ") && lines[0].contains("Max-Age=0"));
    assert!(lines[1].starts_with("__session_QvfNY2dr=; "));
    assert!(lines[2].starts_with("__client_uat=0; "), "{lines:?}");
    let shown = r#"PageCookie { name: "__client_uat", is_removed: false, domain: None, .. }"#;
    assert_eq!(format!("{:?}", cookies[2]), shown);
}
