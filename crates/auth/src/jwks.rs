//! A JSON Web Key Set, read entry by entry: one odd key must not spoil the others.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::shown::Shown;
use crate::strict_json;
use crate::verifying_key::VerifyingKey;

/// The key id of the offline emulator.
pub(crate) const EMULATOR_KID: &str = "ins_emulator";

/// The usable keys of one set, by `kid`.
#[derive(Debug, Default)]
pub(crate) struct Jwks {
    pub(crate) keys: HashMap<String, Arc<VerifyingKey>>,
    /// How many entries could not be used.
    pub(crate) skipped: usize,
}

impl Jwks {
    /// Reads a set. `None` when the body is no key set at all. An entry that is of another type, for another use, weak,
    /// broken, the emulator's (unless accepted), or a second one of the same `kid`, is skipped alone.
    pub(crate) fn parse(body: &[u8], accept_emulator_keys: bool) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set<'a> {
            // Raw, because the typed and untyped readers alike stop the whole set at one entry they cannot read.
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }
        let set: Set<'_> = serde_json::from_slice(body).ok()?;
        let mut jwks = Self::default();
        for entry in set.keys {
            match usable(entry.get()) {
                Ok((kid, _)) if kid == EMULATOR_KID && !accept_emulator_keys => {
                    jwks.skip(&kid, "it is the emulator's")
                }
                Ok((kid, _)) if jwks.keys.contains_key(&kid) => {
                    jwks.skip(&kid, "its kid was there before")
                }
                Ok((kid, key)) => {
                    jwks.keys.insert(kid, Arc::new(key));
                }
                Err((kid, problem)) => jwks.skip(&kid, problem),
            }
        }
        Some(jwks)
    }

    fn skip(&mut self, kid: &str, problem: &'static str) {
        self.skipped += 1;
        tracing::debug!(kid = %Shown::new(kid), problem, "an entry of the JWKS is not used");
    }
}

type Refused = (String, &'static str);

fn usable(entry: &str) -> Result<(String, VerifyingKey), Refused> {
    let Some(jwk) = strict_json::object(entry.as_bytes()) else {
        return Err((String::new(), "it is not a JSON object with unique names"));
    };
    let kid = text(&jwk, "kid").unwrap_or_default().to_owned();
    match key(&jwk) {
        Ok(_) if kid.is_empty() => Err((kid, "it has no kid")),
        Ok(key) => Ok((kid, key)),
        Err(problem) => Err((kid, problem)),
    }
}

fn key(jwk: &Map<String, Value>) -> Result<VerifyingKey, &'static str> {
    if text(jwk, "kty") != Some("RSA") {
        return Err("its kty is not RSA");
    }
    if jwk.contains_key("use") && text(jwk, "use") != Some("sig") {
        return Err("its use is not sig");
    }
    if jwk.contains_key("alg") && text(jwk, "alg") != Some("RS256") {
        return Err("its alg is not RS256");
    }
    if let Some(operations) = jwk.get("key_ops") {
        let verify = |list: &Vec<Value>| list.iter().any(|operation| operation == "verify");
        if !operations.as_array().is_some_and(verify) {
            return Err("its key_ops do not contain verify");
        }
    }
    // Whoever can read the set could sign with it.
    if jwk.contains_key("d") {
        return Err("it is a private key");
    }
    let number = |name| text(jwk, name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    match (number("n"), number("e")) {
        (Some(n), Some(e)) => VerifyingKey::from_components(&n, &e),
        _ => Err("its n or e is not unpadded base64url"),
    }
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    jwk.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rsa(kid: &str) -> Value {
        json!({"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": URL_SAFE_NO_PAD.encode([0xc5; 256]), "e": "AQAB"})
    }

    fn kids(set: &Value) -> Vec<String> {
        let mut kids: Vec<_> = Jwks::parse(set.to_string().as_bytes(), false)
            .unwrap()
            .keys
            .into_keys()
            .collect();
        kids.sort();
        kids
    }

    fn with(name: &str, value: Value) -> Value {
        let mut jwk = rsa("odd");
        jwk[name] = value;
        jwk
    }

    #[test]
    fn odd_entries_are_skipped_one_by_one() {
        let odd = [
            json!({"kty": "EC", "kid": "ec", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "OKP", "kid": "okp", "crv": "Ed25519", "x": "AA"}),
            json!({"kty": "oct", "kid": "oct", "k": "AA"}),
            json!({"kty": "AKP", "kid": "akp", "alg": "ML-DSA-44", "pub": "AA"}),
            json!({"kty": "RSA"}),
            json!(5),
            json!(null),
            json!([]),
            json!("key"),
            with("kty", json!("rsa")),
            with("use", json!("enc")),
            with("use", json!(null)),
            with("alg", json!("RS512")),
            with("alg", json!("RSA-OAEP")),
            with("key_ops", json!(["sign"])),
            with("key_ops", json!("verify")),
            with("n", json!(URL_SAFE_NO_PAD.encode([0xc5; 128]))),
            with("n", json!("A+/=")),
            with("e", json!("AQ")),
            with("e", json!(65537)),
            with("d", json!("AQ")),
            with("kid", json!("")),
            with("kid", json!(7)),
            rsa(EMULATOR_KID),
        ];
        let count = odd.len();
        let mut keys = vec![rsa("first")];
        keys.extend(odd);
        keys.push(rsa("last"));
        let set = json!({"keys": keys, "more": true});
        assert_eq!(kids(&set), ["first", "last"]);
        assert_eq!(
            Jwks::parse(set.to_string().as_bytes(), false)
                .unwrap()
                .skipped,
            count
        );
    }

    #[test]
    fn what_clerk_leaves_out_may_be_absent() {
        let mut jwk = rsa("bare");
        jwk.as_object_mut()
            .unwrap()
            .retain(|name, _| !["use", "alg"].contains(&name.as_str()));
        assert_eq!(kids(&json!({"keys": [jwk]})), ["bare"]);
        let verifies = with("key_ops", json!(["verify"]));
        assert_eq!(kids(&json!({"keys": [verifies]})), ["odd"]);
    }

    #[test]
    fn an_entry_that_serde_json_cannot_hold_spoils_nothing() {
        let text = format!(
            r#"{{"keys":[{{"kty":"RSA","kid":"\ud800"}},{{"n":1e999}},{{"a":1,"a":2}},{}]}}"#,
            rsa("good")
        );
        assert_eq!(Jwks::parse(text.as_bytes(), false).unwrap().keys.len(), 1);
    }

    #[test]
    fn of_two_entries_with_one_kid_the_first_usable_one_counts() {
        let jwks = Jwks::parse(
            json!({"keys": [rsa("k"), rsa("k")]}).to_string().as_bytes(),
            false,
        )
        .unwrap();
        assert_eq!((jwks.keys.len(), jwks.skipped), (1, 1));
    }

    #[test]
    fn the_emulators_key_counts_only_when_asked_for() {
        let set = json!({"keys": [rsa(EMULATOR_KID)]}).to_string();
        assert!(Jwks::parse(set.as_bytes(), false).unwrap().keys.is_empty());
        assert!(
            Jwks::parse(set.as_bytes(), true)
                .unwrap()
                .keys
                .contains_key(EMULATOR_KID)
        );
    }

    #[test]
    fn other_documents_are_no_key_set() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "<html>",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            r#"{"keys":[]"#,
        ] {
            assert!(Jwks::parse(body.as_bytes(), false).is_none(), "{body}");
        }
        assert!(
            Jwks::parse(br#"{"keys":[]}"#, false)
                .unwrap()
                .keys
                .is_empty()
        );
    }
}
