//! Session tokens, signed with a key of this run.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use serde_json::json;

use crate::Failure;
use crate::load::Requests;

pub(crate) const ISSUER: &str = "https://clerk.bench.example.com";
pub(crate) const PARTY: &str = "https://app.bench.example.com";

/// How long tokens are good for: longer than any run.
const LIFE_SECONDS: i64 = 24 * 3600;

/// The key that signs.
pub(crate) struct Signer(KeyPair);

impl Signer {
    pub(crate) fn generate() -> Result<Self, Failure> {
        Ok(Self(KeyPair::generate(KeySize::Rsa2048)?))
    }

    /// The public key as PEM, as Clerk's dashboard shows it.
    pub(crate) fn public_pem(&self) -> Result<String, Failure> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der()?;
        let body = STANDARD.encode(der.as_ref());
        Ok(format!(
            "-----BEGIN PUBLIC KEY-----\\n{body}\\n-----END PUBLIC KEY-----"
        ))
    }

    /// The public key as PKCS#1 DER.
    pub(crate) fn public_der(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    /// A token of the `n`th user.
    pub(crate) fn token(&self, n: usize) -> Result<String, Failure> {
        self.token_again(n, 0)
    }

    /// Another token of the same user and session for each `time`.
    pub(crate) fn token_again(&self, n: usize, time: usize) -> Result<String, Failure> {
        let now = Utc::now().timestamp();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": "ins_bench"});
        let claims = json!({
            "azp": PARTY, "iss": ISSUER, "sub": user_id(n), "sid": format!("sess_bench{n:08}"),
            "iat": now, "nbf": now - 10, "exp": now + LIFE_SECONDS, "sts": "active", "v": 2, "fva": [3, -1],
            "jti": format!("{n:016x}{time:016x}"),
        });
        let mut token = format!("{}.{}", encoded(&header), encoded(&claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            token.as_bytes(),
            &mut signature,
        )?;
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(token)
    }
}

/// The id of the `n`th user.
pub(crate) fn user_id(n: usize) -> String {
    format!("user_bench{n:08}")
}

/// The same token with a signature of the right length that is wrong.
pub(crate) fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap_or_default();
    let flipped: String = signature
        .chars()
        .rev()
        .map(|c| if c == 'A' { 'B' } else { c })
        .collect();
    // The last digit of 256 bytes carries four bits: `A` has the others unset.
    let body = flipped.get(..flipped.len().saturating_sub(1));
    format!("{signed}.{}A", body.unwrap_or_default())
}

fn encoded(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Requests with these tokens in turn; each connection begins at another place.
pub(crate) fn requests(
    path: &str,
    tokens: &[String],
    connections: usize,
) -> Vec<Box<dyn Requests>> {
    let all: std::sync::Arc<[Vec<u8>]> = tokens
        .iter()
        .map(|token| {
            format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
                .into_bytes()
        })
        .collect();
    (0..connections)
        .map(|k| {
            let next = k * all.len() / connections.max(1);
            let all = std::sync::Arc::clone(&all);
            Box::new(Turns { all, next }) as Box<dyn Requests>
        })
        .collect()
}

struct Turns {
    all: std::sync::Arc<[Vec<u8>]>,
    next: usize,
}

impl Requests for Turns {
    fn next(&mut self, request: &mut Vec<u8>) {
        request.clear();
        if let Some(bytes) = self.all.get(self.next) {
            request.extend_from_slice(bytes);
        }
        self.next = (self.next + 1) % self.all.len().max(1);
    }
}
