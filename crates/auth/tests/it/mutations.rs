//! No token that differs from a valid one in a single character is accepted.
//!
//! `MUTATIONS=1000000` sets the number of each kind of change; without it, it is one that suits every test run.

use std::sync::{Arc, LazyLock};

use auth::{CredentialFinder, Verifier};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::minting::{FIRST, ISSUER, base64url, claims, config, now};
use crate::scripted_source::ScriptedSource;

struct Fixture {
    runtime: Runtime,
    verifier: Arc<Verifier>,
    valid: String,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| Fixture {
    runtime: Runtime::new().unwrap(),
    verifier: ScriptedSource::with(&[&FIRST]).verifier(&config()),
    valid: FIRST.token(&claims()),
});

fn mutations() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "the size of a test run")]
    let number = std::env::var("MUTATIONS");
    number.map_or(4096, |number| number.parse().expect("a number"))
}

fn accepted(token: &str) -> bool {
    FIXTURE
        .runtime
        .block_on(FIXTURE.verifier.verify(token, now()))
        .is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: mutations(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_character_replaced(at: prop::sample::Index, new in 0_u8..128) {
        let mut bytes = FIXTURE.valid.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != new);
        bytes[at] = new;
        prop_assert!(!accepted(std::str::from_utf8(&bytes).unwrap()));
    }

    #[test]
    fn one_character_left_out_or_put_in(at: prop::sample::Index, new: Option<char>) {
        let mut token = FIXTURE.valid.clone();
        let at = at.index(token.len());
        match new {
            Some(new) => token.insert(at, new),
            None => drop(token.remove(at)),
        }
        prop_assert!(!accepted(&token));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused(token: String) {
        prop_assert!(!accepted(&token));
    }

    #[test]
    fn any_three_segments_are_refused(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        prop_assert!(!accepted(&[header, payload, signature].map(base64url).join(".")));
    }

    #[test]
    fn any_headers_are_read(authorization: Option<Vec<u8>>, cookies: Vec<Vec<u8>>) {
        let mut headers = HeaderMap::new();
        let named = cookies.into_iter().map(|value| (COOKIE, [&b"__session="[..], &value].concat()));
        for (name, value) in authorization.map(|value| (AUTHORIZATION, value)).into_iter().chain(named) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        let finder = CredentialFinder::new(ISSUER, None);
        let found = finder.find(&headers);
        prop_assert!(found.map_or(true, |found| !found.token.is_empty()));
    }
}

proptest! {
    // Fewer, since signing is slow.
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_payload_that_is_signed_is_judged(payload in r#"\PC{0,40}|\{("(iss|sub|exp|o|v)":[0-9\[\]{}"a-z.-]{0,9},?){0,4}\}"#) {
        prop_assert!(!accepted(&FIRST.sign(FIRST.header().to_string(), payload)));
    }
}

#[test]
fn the_unchanged_token_is_accepted() {
    assert!(accepted(&FIXTURE.valid));
}
