//! No token that differs from a valid one in a single character is accepted.

use std::sync::{Arc, LazyLock};

use auth::Verifier;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::minting::{FIRST, claims, config, now};
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

fn accepted(token: &str) -> bool {
    FIXTURE
        .runtime
        .block_on(FIXTURE.verifier.verify(token, now()))
        .is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8192, failure_persistence: None, ..ProptestConfig::default() })]

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

#[test]
fn the_unchanged_token_is_accepted() {
    assert!(accepted(&FIXTURE.valid));
}
