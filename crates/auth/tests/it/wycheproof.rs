//! Wycheproof's vectors for JSON Web Signature (see `vectors/NOTICE`): every RS256 vector decided right.
//!
//! The vectors sign texts that are no claims. A signature that holds is therefore told from one that does not by what is
//! found wrong: the payload, which is looked at last, or something before it.

use auth::{AuthConfig, TokenError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::minting::{config, now};
use crate::scripted_source::ScriptedSource;

#[derive(Deserialize)]
struct Vectors {
    rs256: Vec<Group>,
    raw: Vec<Vector>,
}

#[derive(Deserialize)]
struct Group {
    public: Value,
    tests: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    tc_id: u32,
    comment: String,
    jws: String,
    result: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/wycheproof_jws.json")).unwrap()
}

fn signature_held(refusal: &TokenError) -> bool {
    *refusal == TokenError::Malformed("its payload is not a JSON object with unique names")
}

#[tokio::test]
async fn every_rs256_vector_is_decided_right() {
    let mut decided = 0;
    for group in vectors().rs256 {
        let source = ScriptedSource::failing();
        source.answer(json!({"keys": [group.public]}).to_string());
        let verifier = source.verifier(&AuthConfig { ..config() });
        for vector in group.tests {
            let refusal = verifier
                .verify(&vector.jws, now())
                .await
                .expect_err("these are no session tokens");
            let held = signature_held(&refusal);
            assert_eq!(
                held,
                vector.result == "valid",
                "{} {}: {refusal}",
                vector.tc_id,
                vector.comment
            );
            decided += 1;
        }
    }
    assert_eq!(decided, 233);
}

#[tokio::test]
async fn no_vector_of_any_algorithm_is_accepted() {
    let vectors = vectors();
    let keys: Vec<_> = vectors
        .rs256
        .iter()
        .map(|group| group.public.clone())
        .collect();
    let source = ScriptedSource::failing();
    source.answer(json!({"keys": keys}).to_string());
    let verifier = source.verifier(&config());
    assert!(!vectors.raw.is_empty());
    for vector in vectors.raw {
        assert!(
            verifier.verify(&vector.jws, now()).await.is_err(),
            "{} {}",
            vector.tc_id,
            vector.comment
        );
    }
}
