//! Any headers: never a panic, and a token that is found is not empty and stands in one of them.
//!
//! Each line of the input is a header: `Authorization` if it begins with `A`, else `Cookie`.
#![no_main]

use std::sync::LazyLock;

use auth::{CredentialFinder, PublishableKey};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "here nothing depends on the time")]
mod instance;

static FINDER: LazyLock<CredentialFinder> = LazyLock::new(|| {
    let key = PublishableKey::parse(instance::PUBLISHABLE_KEY).expect("a publishable key");
    CredentialFinder::new(instance::config().issuer, Some(&key))
});

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        let (name, value) = match line {
            [b'A', value @ ..] => (AUTHORIZATION, value),
            [_, value @ ..] => (COOKIE, value),
            [] => continue,
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    if let Ok(found) = FINDER.find(&headers) {
        assert!(!found.token.is_empty());
        assert!(headers.values().any(|value| {
            let mut windows = value.as_bytes().windows(found.token.len());
            windows.any(|window| window == found.token.as_bytes())
        }));
    }
});
