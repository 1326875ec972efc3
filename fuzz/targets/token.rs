//! Any text as a token: never a panic, and accepted only if it is the one token that was signed.
//!
//! An input that begins with a zero byte is taken for header and payload, divided by a byte 0xFF, which are encoded and
//! given the good token's signature: so the fuzzer reaches what lies behind the decoding.
#![no_main]

use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use auth::{AuthConfig, Verifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;

mod instance;

const GOOD: &str = include_str!("../seeds/token/good");

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let config = AuthConfig {
        jwt_key: Some(include_str!("key.pem").to_owned()),
        ..instance::config()
    };
    Verifier::new(&config).expect("a good configuration")
});

fn accepted(token: &str) -> bool {
    // With a PEM key there is nothing to wait for.
    let mut verdict = std::pin::pin!(VERIFIER.verify(token, instance::now()));
    match verdict
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(verdict) => verdict.is_ok(),
        Poll::Pending => panic!("a verifier without key set waits"),
    }
}

fn assembled(parts: &[u8]) -> String {
    let mut parts = parts.splitn(2, |byte| *byte == 0xff);
    let mut segment = || URL_SAFE_NO_PAD.encode(parts.next().unwrap_or_default());
    let signature = GOOD.rsplit('.').next().unwrap_or_default();
    format!("{}.{}.{signature}", segment(), segment())
}

fuzz_target!(|data: &[u8]| {
    let token = match data {
        [0, parts @ ..] => assembled(parts),
        text => match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => return,
        },
    };
    assert_eq!(accepted(&token), token == GOOD);
    // Once more, now that the good one may be remembered.
    assert_eq!(accepted(&token), token == GOOD);
});
