//! When keys are fetched, how long they count, and what happens while they cannot be had.

use std::sync::Arc;

use auth::{AuthConfig, KeyCacheSettings, Verifier};
use serde_json::json;
use tokio::time::Instant;

use crate::minting::{FIRST, Key, SECOND, after, claims, config, now};
use crate::scripted_source::ScriptedSource;

const TTL: i64 = 5 * 60;
const FLOOR: i64 = 15;
const STALE_LIMIT: i64 = 24 * 60 * 60;

/// The verdict on a token of this key that is good at that time.
async fn verdict(verifier: &Verifier, key: &Key, seconds: i64) -> &'static str {
    let verdict = verifier
        .verify(&key.token_at(seconds), after(seconds))
        .await;
    verdict.map_or_else(|error| error.code(), |_| "accepted")
}

fn token_of_kid(kid: &str) -> String {
    let header = json!({"alg": "RS256", "kid": kid}).to_string();
    FIRST.sign(header, claims().to_string())
}

#[tokio::test]
async fn a_fresh_set_is_used_without_fetching() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    for seconds in 0..TTL {
        if seconds % 50 == 0 {
            assert_eq!(verdict(&verifier, &FIRST, seconds).await, "accepted");
        }
    }
    assert_eq!(source.fetches(), 1);
    assert_eq!(verdict(&verifier, &FIRST, TTL).await, "accepted");
    assert_eq!(source.fetches(), 2, "over age");
}

#[tokio::test]
async fn forty_cold_requests_make_one_fetch() {
    let source = ScriptedSource::with(&[&FIRST]);
    source.hold();
    let verifier = source.verifier(&config());
    let requests: Vec<_> = (0..40)
        .map(|number| {
            let verifier = Arc::clone(&verifier);
            // Some began a moment before the one whose fetch serves them.
            let began = now() - chrono::TimeDelta::milliseconds(number);
            tokio::spawn(async move { verifier.verify(&FIRST.token(&claims()), began).await })
        })
        .collect();
    while source.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    source.release();
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn three_hundred_unknown_kids_make_few_fetches() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    for number in 0..300 {
        let at = now() + chrono::TimeDelta::milliseconds(number * 200);
        let refusal = verifier
            .verify(&token_of_kid(&format!("ins_{number}")), at)
            .await
            .unwrap_err();
        assert_eq!(refusal.code(), "key_unknown");
    }
    let fetches = source.fetches();
    assert!(
        (2..=10).contains(&fetches),
        "{fetches} fetches within a minute"
    );
}

#[tokio::test]
async fn unknown_kids_in_parallel_make_one_fetch_a_floor() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    assert_eq!(verdict(&verifier, &FIRST, 0).await, "accepted");
    let requests: Vec<_> = (0..100)
        .map(|number| {
            let verifier = Arc::clone(&verifier);
            tokio::spawn(async move {
                verifier
                    .verify(&token_of_kid(&format!("ins_{number}")), after(FLOOR))
                    .await
            })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap_err().code(), "key_unknown");
    }
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn a_rotated_key_works_within_a_minute_and_the_old_one_no_longer() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    assert_eq!(verdict(&verifier, &FIRST, 0).await, "accepted");
    source.rotate_to(&[&SECOND]);
    assert_eq!(
        verdict(&verifier, &SECOND, FLOOR - 1).await,
        "key_unknown",
        "within the floor"
    );
    assert_eq!(verdict(&verifier, &SECOND, FLOOR).await, "accepted");
    assert_eq!(verdict(&verifier, &FIRST, FLOOR + 1).await, "key_unknown");
}

#[tokio::test]
async fn known_keys_outlive_every_fault_of_the_source_until_the_stale_limit() {
    let odd = r#"{"keys":[{"kty":"EC","kid":"a"},{"kty":"AKP","kid":"b"},5]}"#;
    for fault in [
        None,
        Some(""),
        Some("<html>"),
        Some("{}"),
        Some(r#"{"keys":[]}"#),
        Some(odd),
    ] {
        let source = ScriptedSource::with(&[&FIRST]);
        let verifier = source.verifier(&config());
        assert_eq!(verdict(&verifier, &FIRST, 0).await, "accepted");
        match fault {
            None => source.fail(),
            Some(body) => source.answer(body),
        }
        for seconds in [TTL, TTL + 1, 3600, STALE_LIMIT - 1] {
            assert_eq!(
                verdict(&verifier, &FIRST, seconds).await,
                "accepted",
                "{fault:?} after {seconds} s"
            );
        }
        assert_eq!(
            verdict(&verifier, &SECOND, STALE_LIMIT - 1).await,
            "key_unknown",
            "our keys are there, his is not"
        );
        assert_eq!(
            verdict(&verifier, &FIRST, STALE_LIMIT).await,
            "keys_unavailable",
            "{fault:?}"
        );
        source.rotate_to(&[&FIRST]);
        assert_eq!(
            verdict(&verifier, &FIRST, STALE_LIMIT + 60).await,
            "accepted",
            "and it heals"
        );
        assert_eq!(verifier.keys().health(after(STALE_LIMIT + 60)).failures, 0);
    }
}

#[tokio::test]
async fn a_failing_source_is_asked_at_growing_intervals() {
    let source = ScriptedSource::failing();
    let verifier = source.verifier(&config());
    for (milliseconds, fetches) in [
        (0, 1),
        (999, 1),
        (1000, 2),
        (2999, 2),
        (3000, 3),
        (6999, 3),
        (7000, 4),
        (14_999, 4),
        (15_000, 5),
        // From here on the refresh floor is the shorter pause.
        (29_999, 5),
        (30_000, 6),
        (44_999, 6),
        (45_000, 7),
    ] {
        let at = now() + chrono::TimeDelta::milliseconds(milliseconds);
        assert_eq!(
            verifier
                .verify(&FIRST.token(&claims()), at)
                .await
                .unwrap_err()
                .code(),
            "keys_unavailable"
        );
        assert_eq!(source.fetches(), fetches, "after {milliseconds} ms");
    }
    let health = verifier.keys().health(after(45));
    assert_eq!(
        (
            health.keys,
            health.failures,
            health.failed,
            health.usable,
            health.last_success
        ),
        (0, 7, 7, false, None)
    );
    assert!(health.last_error.unwrap().1.contains("500"));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_source_holds_up_one_request_and_no_more() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    assert_eq!(verdict(&verifier, &FIRST, 0).await, "accepted");
    source.hold();
    let began = Instant::now();
    for seconds in TTL..TTL + 20 {
        assert_eq!(verdict(&verifier, &FIRST, seconds).await, "accepted");
        assert_eq!(began.elapsed(), KeyCacheSettings::default().patience);
    }
    assert_eq!(source.fetches(), 2, "one fetch in the air is enough");
    source.release();
    while verifier.keys().health(after(TTL)).last_success != Some(after(TTL)) {
        tokio::task::yield_now().await;
    }
    source.hold();
    let began = Instant::now();
    assert_eq!(verdict(&verifier, &FIRST, 2 * TTL).await, "accepted");
    assert_eq!(
        began.elapsed(),
        KeyCacheSettings::default().patience,
        "the next fetch is given its time again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_is_given_up() {
    let source = ScriptedSource::with(&[&FIRST]);
    source.hold();
    let verifier = source.verifier(&config());
    let began = Instant::now();
    assert_eq!(verdict(&verifier, &FIRST, 0).await, "keys_unavailable");
    assert_eq!(began.elapsed(), KeyCacheSettings::default().fetch_timeout);
    source.release();
    assert_eq!(verdict(&verifier, &FIRST, 1).await, "accepted");
}

#[tokio::test]
async fn a_request_that_goes_away_leaves_its_fetch_to_the_others() {
    let source = ScriptedSource::with(&[&FIRST]);
    source.hold();
    let verifier = source.verifier(&config());
    let first = {
        let verifier = Arc::clone(&verifier);
        tokio::spawn(async move { verifier.verify(&FIRST.token(&claims()), now()).await })
    };
    while source.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    source.release();
    assert_eq!(verdict(&verifier, &FIRST, 0).await, "accepted");
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn the_background_refresh_comes_before_the_end() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    for (seconds, fetches) in [(0, 1), (10, 1), (239, 1), (241, 2), (300, 2), (481, 3)] {
        verifier.keys().refresh_if_due(after(seconds)).await;
        assert_eq!(source.fetches(), fetches, "after {seconds} s");
    }
    let health = verifier.keys().health(after(481));
    assert_eq!((health.keys, health.failures, health.usable), (1, 0, true));
    assert_eq!(
        (health.last_success, health.last_error),
        (Some(after(481)), None)
    );
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_stop_the_refresh() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    assert_eq!(verdict(&verifier, &FIRST, 86_400).await, "accepted");
    source.rotate_to(&[&SECOND]);
    assert_eq!(verdict(&verifier, &SECOND, 0).await, "accepted");
}

#[tokio::test]
async fn a_pem_alone_takes_any_kid_but_the_emulators() {
    let verifier = Verifier::new(&AuthConfig {
        jwt_key: Some(FIRST.pem()),
        ..config()
    })
    .unwrap();
    for kid in ["ins_first", "ins_whatever"] {
        verifier.verify(&token_of_kid(kid), now()).await.unwrap();
    }
    let unnamed = FIRST.sign(r#"{"alg":"RS256"}"#, claims().to_string());
    verifier.verify(&unnamed, now()).await.unwrap();
    assert_eq!(
        verifier
            .verify(&token_of_kid("ins_emulator"), now())
            .await
            .unwrap_err()
            .code(),
        "key_unknown"
    );
    assert!(verifier.keys().health(now()).usable);
    let development = AuthConfig {
        jwt_key: Some(FIRST.pem()),
        accept_emulator_keys: true,
        ..config()
    };
    Verifier::new(&development)
        .unwrap()
        .verify(&token_of_kid("ins_emulator"), now())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_pem_beside_a_jwks_counts_until_the_jwks_was_fetched_once() {
    let source = ScriptedSource::failing();
    let verifier = source.verifier(&AuthConfig {
        jwt_key: Some(SECOND.pem()),
        ..config()
    });
    assert_eq!(verdict(&verifier, &SECOND, 0).await, "accepted");
    assert_eq!(
        verdict(&verifier, &FIRST, 0).await,
        "signature_invalid",
        "the PEM is the only key so far"
    );
    source.rotate_to(&[&FIRST]);
    assert_eq!(verdict(&verifier, &FIRST, 60).await, "accepted");
    assert_eq!(verdict(&verifier, &SECOND, 61).await, "key_unknown");
    source.fail();
    assert_eq!(
        verdict(&verifier, &SECOND, STALE_LIMIT + 60).await,
        "keys_unavailable",
        "also after the stale limit"
    );
}

#[tokio::test]
async fn two_instances_with_the_same_kid_do_not_share_keys() {
    let ours = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let theirs = ScriptedSource::with(&[&crate::minting::STRANGER]).verifier(&config());
    assert_eq!(
        verdict(&theirs, &crate::minting::STRANGER, 0).await,
        "accepted"
    );
    assert_eq!(
        verdict(&ours, &crate::minting::STRANGER, 0).await,
        "signature_invalid"
    );
}

#[tokio::test]
async fn a_token_that_names_no_key_makes_no_fetch() {
    let source = ScriptedSource::failing();
    let unnamed = FIRST.sign(r#"{"alg":"RS256"}"#, claims().to_string());
    let refusal = source
        .verifier(&config())
        .verify(&unnamed, now())
        .await
        .unwrap_err();
    assert_eq!((refusal.code(), source.fetches()), ("key_unknown", 0));
}

#[tokio::test]
async fn tokens_refused_by_their_shape_make_no_fetch() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&config());
    for header in [
        r#"{"alg":"none","kid":"a"}"#,
        r#"{"alg":"RS256","kid":"a","crit":[]}"#,
        r#"{"alg":"RS256","kid":"ins_emulator"}"#,
    ] {
        assert!(
            verifier
                .verify(&FIRST.sign(header, claims().to_string()), now())
                .await
                .is_err()
        );
    }
    assert_eq!(source.fetches(), 0);
}
