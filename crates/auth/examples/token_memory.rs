//! How much memory verified tokens take while they are remembered (Linux).
//!
//! ```text
//! cargo run --release -p auth --example token_memory -- 100000
//! ```
//!
//! Every token is another user's and another session's, with an organization, eight permissions, and three custom claims,
//! signed and verified for real.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program of its own, which speaks to its terminal"
)]

use std::error::Error;
use std::task::{Context, Poll, Waker};

use auth::{AuthConfig, Verifier};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{TimeDelta, Utc};
use serde_json::json;

const ISSUER: &str = "https://clerk.example.com";
const PARTY: &str = "https://app.example.com";

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 100_000,
    };
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
    let verifier = Verifier::new(&AuthConfig {
        jwt_key: Some(STANDARD.encode(der.as_ref())),
        authorized_parties: vec![PARTY.to_owned()],
        token_cache_capacity: count,
        ..AuthConfig::new(ISSUER)
    })?;
    let now = Utc::now();
    let iat = now.timestamp();
    let before = resident()?;
    for number in 0..count {
        let claims = json!({
            "azp": PARTY, "iss": ISSUER, "iat": iat, "nbf": iat - 10, "exp": iat + 3600, "sts": "active", "v": 2,
            "sub": format!("user_2g7np7Hrk0SN6kj5EDML{number:07}"), "sid": format!("sess_2g7np7Hrk0SN6kj5EDML{number:07}"),
            "fea": "o:dashboard,o:teams", "fva": [7, -1], "pla": "o:pro",
            "o": {
                "id": "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "slg": "acme-corp", "rol": "admin",
                "per": "create,read,update,delete", "fpm": "15,15",
            },
            "email": format!("somebody.{number}@example.com"), "name": "Ada Lovelace",
            "metadata": {"role": "growth", "tier": "paid"},
        });
        let token = sign(&pair, &claims.to_string())?;
        let mut verdict = std::pin::pin!(verifier.verify(&token, now + TimeDelta::seconds(1)));
        // With a PEM key there is nothing to wait for.
        match verdict
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(verdict) => drop(verdict?),
            Poll::Pending => return Err("a verifier without key set waits".into()),
        }
    }
    let (after, entries) = (resident()?, verifier.verdict_counts().entries);
    let grown = after.saturating_sub(before);
    println!(
        "{entries} tokens remembered: {:.1} MiB, {} bytes each; the process has {:.1} MiB",
        grown as f64 / 1048576.0,
        grown / entries.max(1),
        after as f64 / 1048576.0
    );
    Ok(())
}

fn sign(pair: &KeyPair, payload: &str) -> Result<String, Box<dyn Error>> {
    let header = r#"{"alg":"RS256","kid":"ins_memory","typ":"JWT"}"#;
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The process's resident memory, in bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: usize = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("no VmRSS")?
        .parse()?;
    Ok(kibibytes * 1024)
}
