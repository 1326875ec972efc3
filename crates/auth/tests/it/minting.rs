//! Keys and tokens, right and wrong.

use std::sync::LazyLock;

use auth::AuthConfig;
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub const NOW: i64 = 1_766_000_000;
pub const ISSUER: &str = "https://clerk.example.com";
pub const PARTY: &str = "https://app.example.com";

/// The instance's key, its next one, and a stranger's: made once a process, since making them is slow.
pub static FIRST: LazyLock<Key> = LazyLock::new(|| Key::generate("ins_first"));
pub static SECOND: LazyLock<Key> = LazyLock::new(|| Key::generate("ins_second"));
pub static STRANGER: LazyLock<Key> = LazyLock::new(|| Key::generate("ins_first"));

pub fn now() -> DateTime<Utc> {
    after(0)
}

/// So many seconds after the time at which `token` mints.
pub fn after(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(NOW + seconds, 0).unwrap()
}

/// The instance under test, without any key source.
pub fn config() -> AuthConfig {
    AuthConfig {
        authorized_parties: vec![PARTY.to_owned()],
        ..AuthConfig::new(ISSUER)
    }
}

pub struct Key {
    pub kid: &'static str,
    pair: KeyPair,
}

impl Key {
    fn generate(kid: &'static str) -> Self {
        Self {
            kid,
            pair: KeyPair::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    /// The public half as an entry of a JWKS.
    pub fn jwk(&self) -> Value {
        // RSAPublicKey of 2048 bits with exponent 65537: 9 bytes, the modulus, 5 bytes.
        let der = self.pair.public_key().as_ref();
        assert_eq!(
            (der.len(), &der[der.len() - 5..]),
            (270, &[2, 3, 1, 0, 1][..])
        );
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": base64url(&der[9..265]), "e": "AQAB"})
    }

    pub fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der.as_ref())
        )
    }

    /// Header and payload as they are, signed.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_with(&RSA_PKCS1_SHA256, header, payload)
    }

    pub fn sign_with(
        &self,
        padding: &'static dyn RsaEncoding,
        header: impl AsRef<[u8]>,
        payload: impl AsRef<[u8]>,
    ) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(payload));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                padding,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", base64url(signature))
    }

    /// A token with these claims and a plain header.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(self.header().to_string(), claims.to_string())
    }

    /// A token like any other, good at `at` seconds after `NOW`.
    pub fn token_at(&self, at: i64) -> String {
        let mut claims = claims();
        for name in ["exp", "iat", "nbf"] {
            claims[name] = json!(claims[name].as_i64().unwrap() + at);
        }
        self.token(&claims)
    }

    pub fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.kid, "typ": "JWT", "cat": "cl_B7d4PD111AAA"})
    }
}

pub fn jwks(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

/// The claims of a version 2 token in which nothing is wrong.
pub fn claims() -> Value {
    json!({
        "azp": PARTY, "exp": NOW + 60, "iat": NOW, "nbf": NOW - 10, "iss": ISSUER, "jti": "0f1e2d3c4b5a69788796",
        "sid": "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "sub": "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "sts": "active", "v": 2,
        "fea": "o:dashboard,o:teams", "fva": [7, -1], "pla": "o:pro",
        "o": {"id": "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "slg": "acme-corp", "rol": "admin", "per": "manage,read", "fpm": "3,2"},
    })
}

/// The same with one claim changed.
pub fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

/// The same without one claim.
pub fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
