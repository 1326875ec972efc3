//! What the verifier remembers: that it spares work, and that nobody can tell from the verdicts that it does.

use std::sync::Arc;
use std::time::Duration;

use auth::{AuthConfig, AzpPolicy, KeyCacheSettings, SessionClaims, VerdictCounts, Verifier};
use proptest::prelude::*;
use serde_json::json;

use crate::minting::{FIRST, Key, SECOND, STRANGER, after, claims, claims_with, config, now};
use crate::scripted_source::ScriptedSource;

async fn verdict(verifier: &Verifier, token: &str, seconds: i64) -> &'static str {
    let verdict = verifier.verify(token, after(seconds)).await;
    verdict.map_or_else(|refusal| refusal.code(), |_| "accepted")
}

fn counts(verifier: &Verifier) -> (u64, u64, usize) {
    let VerdictCounts {
        hits,
        misses,
        entries,
    } = verifier.verdict_counts();
    (hits, misses, entries)
}

fn forgetful() -> AuthConfig {
    AuthConfig {
        token_cache_capacity: 0,
        ..config()
    }
}

#[tokio::test]
async fn a_good_token_is_verified_once_and_its_claims_are_shared() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let token = FIRST.token(&claims());
    let first = verifier.verify(&token, now()).await.unwrap();
    let second = verifier.verify(&token, after(1)).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(counts(&verifier), (1, 1, 1));
    let fresh = ScriptedSource::with(&[&FIRST]).verifier(&forgetful());
    assert_eq!(fresh.verify(&token, now()).await.unwrap(), first);
}

#[tokio::test]
async fn what_many_tokens_say_is_kept_once() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let mut kept = Vec::new();
    for session in ["sess_1", "sess_2"] {
        let token = FIRST.token(&claims_with("sid", json!(session)));
        kept.push(verifier.verify(&token, now()).await.unwrap());
    }
    let [one, other] = [&kept[0], &kept[1]];
    let permissions =
        |its: &SessionClaims| Arc::clone(&its.organization.as_ref().unwrap().permissions);
    assert!(!one.features.is_empty() && !permissions(one).is_empty());
    assert!(Arc::ptr_eq(&one.features, &other.features));
    assert!(Arc::ptr_eq(&permissions(one), &permissions(other)));
}

#[tokio::test]
async fn refusals_are_not_remembered() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    for token in [
        STRANGER.token(&claims()),
        FIRST.token(&claims_with("sts", json!("pending"))),
        FIRST.token_at(3600),
        "nonsense".to_owned(),
        "x".repeat(20_000),
    ] {
        assert_ne!(verdict(&verifier, &token, 0).await, "accepted");
        assert_ne!(verdict(&verifier, &token, 0).await, "accepted");
    }
    assert_eq!(counts(&verifier), (0, 10, 0));
}

#[tokio::test]
async fn a_remembered_token_expires_and_is_forgotten() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    let token = FIRST.token(&claims());
    for (seconds, expected) in [
        (0, "accepted"),
        (64, "accepted"),
        (65, "token_expired"),
        // A clock that is set back finds no verdict and judges afresh.
        (0, "accepted"),
        (-3600, "token_not_yet_valid"),
    ] {
        assert_eq!(
            verdict(&verifier, &token, seconds).await,
            expected,
            "{seconds}"
        );
    }
    assert_eq!(counts(&verifier), (3, 2, 1));
}

#[tokio::test]
async fn a_sweep_forgets_what_has_expired_and_nothing_else() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&config());
    for at in [0, 0, 30] {
        let mut claims = claims_with("jti", json!(at));
        claims["exp"] = json!(crate::minting::NOW + 60 + at);
        assert_eq!(
            verdict(&verifier, &FIRST.token(&claims), 0).await,
            "accepted"
        );
    }
    assert_eq!(verifier.verdict_counts().entries, 2);
    verifier.sweep(after(64));
    assert_eq!(verifier.verdict_counts().entries, 2);
    verifier.sweep(after(65));
    assert_eq!(verifier.verdict_counts().entries, 1);
}

#[tokio::test]
async fn memory_is_bounded() {
    let capacity = 64;
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&AuthConfig {
        token_cache_capacity: capacity,
        ..config()
    });
    let tokens: Vec<String> = (0..300)
        .map(|number| FIRST.token(&claims_with("jti", json!(number))))
        .collect();
    for token in &tokens {
        assert_eq!(verdict(&verifier, token, 0).await, "accepted");
    }
    // Shards round their share up, to at least sixteen each.
    let entries = verifier.verdict_counts().entries;
    assert!((1..=128).contains(&entries), "{entries} of {capacity}");
}

#[tokio::test]
async fn zero_switches_memory_off() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&forgetful());
    let token = FIRST.token(&claims());
    for _ in 0..3 {
        assert_eq!(verdict(&verifier, &token, 0).await, "accepted");
    }
    assert_eq!(counts(&verifier), (0, 3, 0));
}

#[tokio::test]
async fn a_key_that_goes_takes_its_verdicts_along_and_one_that_stays_keeps_them() {
    let ttl = 20;
    let source = ScriptedSource::with(&[&FIRST, &SECOND]);
    let verifier = source.verifier(&AuthConfig {
        key_cache: KeyCacheSettings {
            ttl: Duration::from_secs(ttl),
            ..KeyCacheSettings::default()
        },
        ..config()
    });
    let (of_first, of_second) = (FIRST.token(&claims()), SECOND.token(&claims()));
    for token in [&of_first, &of_second] {
        assert_eq!(verdict(&verifier, token, 0).await, "accepted");
    }
    source.rotate_to(&[&SECOND]);
    // The requests themselves find that the set is over age: a hit never keeps an old set alive.
    assert_eq!(verdict(&verifier, &of_second, ttl as i64).await, "accepted");
    assert_eq!(source.fetches(), 2);
    assert_eq!(
        verdict(&verifier, &of_first, ttl as i64).await,
        "key_unknown"
    );
    assert_eq!(counts(&verifier), (1, 3, 2));
    // Another key under the old name is another key.
    source.rotate_to(&[&STRANGER]);
    assert_eq!(STRANGER.kid, FIRST.kid);
    assert_eq!(
        verdict(&verifier, &of_first, 2 * ttl as i64).await,
        "signature_invalid"
    );
}

#[tokio::test]
async fn hits_go_on_through_an_outage_until_the_stale_limit() {
    let source = ScriptedSource::with(&[&FIRST]);
    let verifier = source.verifier(&AuthConfig {
        key_cache: KeyCacheSettings {
            ttl: Duration::from_secs(10),
            stale_limit: Duration::from_secs(30),
            ..KeyCacheSettings::default()
        },
        ..config()
    });
    let token = FIRST.token(&claims());
    assert_eq!(verdict(&verifier, &token, 0).await, "accepted");
    source.fail();
    for (seconds, expected) in [
        (9, "accepted"),
        (15, "accepted"),
        (29, "accepted"),
        (30, "keys_unavailable"),
        (59, "keys_unavailable"),
    ] {
        assert_eq!(
            verdict(&verifier, &token, seconds).await,
            expected,
            "{seconds}"
        );
    }
    assert_eq!(verifier.verdict_counts().hits, 3);
}

#[tokio::test]
async fn a_verdict_by_the_pem_ends_when_the_key_set_arrives() {
    let source = ScriptedSource::failing();
    let verifier = source.verifier(&AuthConfig {
        jwt_key: Some(FIRST.pem()),
        ..config()
    });
    let token = FIRST.token(&claims());
    assert_eq!(verdict(&verifier, &token, 0).await, "accepted");
    assert_eq!(verdict(&verifier, &token, 1).await, "accepted");
    source.rotate_to(&[&SECOND]);
    assert_eq!(verdict(&verifier, &token, 30).await, "key_unknown");
}

#[tokio::test]
async fn a_pem_alone_remembers_too() {
    let verifier = Verifier::new(&AuthConfig {
        jwt_key: Some(FIRST.pem()),
        ..config()
    })
    .unwrap();
    let token = FIRST.token(&claims());
    for _ in 0..3 {
        assert_eq!(verdict(&verifier, &token, 0).await, "accepted");
    }
    assert_eq!(counts(&verifier), (2, 1, 1));
}

#[tokio::test]
async fn parties_are_counted_on_every_use() {
    let verifier = ScriptedSource::with(&[&FIRST]).verifier(&AuthConfig {
        azp_policy: AzpPolicy::Observe,
        ..config()
    });
    let token = FIRST.token(&claims_with("azp", json!("https://other.example")));
    for _ in 0..3 {
        assert_eq!(verdict(&verifier, &token, 0).await, "accepted");
    }
    assert_eq!(verifier.verdict_counts().hits, 2);
    assert_eq!(verifier.party_mismatches()["https://other.example"], 3);
}

#[tokio::test]
async fn verifiers_do_not_share_their_memory() {
    let token = FIRST.token(&claims());
    let ours = ScriptedSource::with(&[&FIRST]).verifier(&config());
    assert_eq!(verdict(&ours, &token, 0).await, "accepted");
    let theirs = ScriptedSource::with(&[&FIRST]).verifier(&AuthConfig {
        authorized_parties: vec!["https://other.example".to_owned()],
        ..config()
    });
    assert_eq!(
        verdict(&theirs, &token, 0).await,
        "authorized_party_mismatch"
    );
}

#[test]
fn an_absurd_capacity_is_refused() {
    let config = AuthConfig {
        jwt_key: Some(FIRST.pem()),
        token_cache_capacity: usize::MAX,
        ..config()
    };
    let error = Verifier::new(&config).err().expect("refused");
    assert_eq!(error.faults, [auth::ConfigFault::TokenCache]);
}

#[test]
fn a_source_stands_in_for_the_url_and_for_nothing_else() {
    let refused = |config: &AuthConfig| {
        let source = ScriptedSource::with(&[&FIRST]);
        let error = Verifier::with_key_source(config, source).err();
        error.map(|error| error.faults).unwrap_or_default()
    };
    assert_eq!(refused(&config()), []);
    let nobody = AuthConfig {
        authorized_parties: Vec::new(),
        ..config()
    };
    assert_eq!(refused(&nobody), [auth::ConfigFault::NoAuthorizedParties]);
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// A request with one of the tokens.
    Verify(usize),
    /// So many seconds pass; the clock may be set back.
    Wait(i64),
    /// Clerk's key set is now this one.
    Rotate(usize),
    /// Clerk is away.
    Fail,
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..5_usize).prop_map(Step::Verify),
        3 => (-3..40_i64).prop_map(Step::Wait),
        1 => (0..4_usize).prop_map(Step::Rotate),
        1 => Just(Step::Fail),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// The verdicts with memory are those without, whatever happens in between.
    #[test]
    fn memory_changes_no_verdict(steps in steps(), with_pem: bool) {
        let key_cache = KeyCacheSettings {
            ttl: Duration::from_secs(20),
            refresh_floor: Duration::from_secs(5),
            stale_limit: Duration::from_secs(50),
            ..KeyCacheSettings::default()
        };
        let config = AuthConfig {
            key_cache,
            jwt_key: with_pem.then(|| FIRST.pem()),
            ..config()
        };
        let keeping = AuthConfig { token_cache_capacity: 16, ..config.clone() };
        let forgetful = AuthConfig { token_cache_capacity: 0, ..config };
        let sets: [&[&Key]; 4] = [&[&FIRST], &[&SECOND], &[&FIRST, &SECOND], &[&STRANGER]];
        let tokens = [
            FIRST.token(&claims()),
            FIRST.token_at(45),
            SECOND.token(&claims()),
            STRANGER.token(&claims()),
            FIRST.token(&claims_with("azp", json!("https://evil.example"))),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pairs = [keeping, forgetful].map(|config| {
                let source = ScriptedSource::with(&[&FIRST]);
                let verifier = source.verifier(&config);
                (source, verifier)
            });
            let mut at = 0;
            for step in steps {
                match step {
                    Step::Verify(token) => {
                        let with = verdict(&pairs[0].1, &tokens[token], at).await;
                        let without = verdict(&pairs[1].1, &tokens[token], at).await;
                        prop_assert_eq!(with, without, "at {}", at);
                    }
                    Step::Wait(seconds) => at += seconds,
                    Step::Rotate(set) => pairs.iter().for_each(|(source, _)| source.rotate_to(sets[set])),
                    Step::Fail => pairs.iter().for_each(|(source, _)| source.fail()),
                    Step::Sweep => pairs[0].1.sweep(after(at)),
                }
            }
            // Otherwise memory would not be what was tested.
            prop_assert_eq!(pairs[1].1.verdict_counts().hits, 0);
            Ok(())
        })?;
    }
}
