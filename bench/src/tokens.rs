//! Session tokens, signed with a key of this run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
        // Strict readers want lines of 64.
        let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
        for line in body.as_bytes().chunks(64) {
            pem.push_str(&String::from_utf8_lossy(line));
            pem.push('\n');
        }
        pem.push_str("-----END PUBLIC KEY-----");
        Ok(pem)
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

fn encoded(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Requests with these tokens in turn; each connection begins at another place.
pub(crate) fn requests(
    path: &str,
    tokens: &[String],
    connections: usize,
) -> Vec<Box<dyn Requests>> {
    let all: Arc<[Vec<u8>]> = tokens
        .iter()
        .map(|token| {
            format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
                .into_bytes()
        })
        .collect();
    (0..connections)
        .map(|k| {
            let next = k * all.len() / connections.max(1);
            let all = Arc::clone(&all);
            Box::new(Turns { all, next }) as Box<dyn Requests>
        })
        .collect()
}

struct Turns {
    all: Arc<[Vec<u8>]>,
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

/// Requests with signatures of the right length that are wrong, and each another: nothing can be known of them beforehand.
pub(crate) fn forgeries(
    path: &str,
    tokens: &[String],
    connections: usize,
) -> Vec<Box<dyn Requests>> {
    let made = Arc::new(AtomicU64::new(0));
    requests(path, tokens, connections)
        .into_iter()
        .map(|requests| {
            Box::new(Forgeries {
                requests,
                made: Arc::clone(&made),
            }) as Box<dyn Requests>
        })
        .collect()
}

/// Digits of a number that fit into a signature, and how far from the end of the request they are written.
const DIGITS: usize = 16;
const FROM_END: usize = 100;

struct Forgeries {
    requests: Box<dyn Requests>,
    made: Arc<AtomicU64>,
}

impl Requests for Forgeries {
    fn next(&mut self, request: &mut Vec<u8>) {
        self.requests.next(request);
        let number = format!("{:0DIGITS$x}", self.made.fetch_add(1, Ordering::Relaxed));
        let start = request.len().saturating_sub(FROM_END);
        if let Some(place) = request.get_mut(start..start + DIGITS) {
            place.copy_from_slice(number.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forgery_is_another_one_of_the_same_shape() {
        let signer = Signer::generate().unwrap();
        let tokens = [signer.token(0).unwrap()];
        let (mut good, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
        requests("/me", &tokens, 1).pop().unwrap().next(&mut good);
        let mut source = forgeries("/me", &tokens, 1).pop().unwrap();
        source.next(&mut first);
        source.next(&mut second);
        assert!(first != good && second != good && first != second);
        assert_eq!(first.len(), good.len());
        let signed = good.iter().rposition(|byte| *byte == b'.').unwrap();
        assert_eq!(first.get(..signed), good.get(..signed));
        assert_eq!(first.get(good.len() - 4..), Some(&b"\r\n\r\n"[..]));
    }
}
