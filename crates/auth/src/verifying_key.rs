//! One RSA public key, parsed once, that can do one thing: verify RS256.
//!
//! The signature is checked with aws-lc-rs itself rather than through jsonwebtoken. Every rule about header and claims is
//! ours anyway; what would be left of jsonwebtoken is a call that rebuilds the key for each token, and that panics at the
//! first one when another crate of the application has switched on a second crypto backend, which is no promise a library
//! can give. The algorithm is a constant here: neither the token nor the key set can name another.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rsa::PublicKey;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;

/// Which key verified a token: another number for every key that was read, and never the same one twice in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(u64);

static KEYS_READ: AtomicU64 = AtomicU64::new(0);

/// A key that verifies RS256 signatures.
#[derive(Debug)]
pub(crate) struct VerifyingKey {
    parsed: ParsedPublicKey,
    id: KeyId,
    /// Modulus and exponent.
    components: (Box<[u8]>, Box<[u8]>),
}

impl VerifyingKey {
    /// From modulus and exponent, big-endian and without leading zeros. 2048 to 8192 bits; the exponent is odd, at least
    /// 65537 and at most 32 bits (FIPS 186-5 has the same lower bound; Clerk's is 65537).
    pub(crate) fn from_components(n: &[u8], e: &[u8]) -> Result<Self, &'static str> {
        let bits = match n.first() {
            Some(first) if *first != 0 => n.len() * 8 - first.leading_zeros() as usize,
            _ => return Err("its modulus is empty or has leading zeros"),
        };
        if !(MIN_BITS..=MAX_BITS).contains(&bits) {
            return Err("its modulus has not 2048 to 8192 bits");
        }
        if n.last().is_some_and(|last| last % 2 == 0) {
            return Err("its modulus is even");
        }
        if e.len() > 4 || e.first() == Some(&0) {
            return Err("its exponent is longer than 32 bits or has leading zeros");
        }
        let exponent = e
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        if exponent < 65_537 || exponent % 2 == 0 {
            return Err("its exponent is even or below 65537");
        }
        RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map(|parsed| Self {
                parsed,
                id: KeyId(KEYS_READ.fetch_add(1, Ordering::Relaxed)),
                components: (n.into(), e.into()),
            })
            .map_err(|_| "it is not an RSA public key")
    }

    /// From a SubjectPublicKeyInfo as Clerk's dashboard shows it: full PEM, PEM with its line breaks lost or written as
    /// `\n`, or the bare base64.
    pub(crate) fn from_pem(text: &str) -> Result<Self, &'static str> {
        if text.contains("PRIVATE KEY") {
            return Err("it is a private key");
        }
        let text = text.replace("\\n", "\n").replace("\\r", "");
        let mut body = text.trim();
        if let Some(rest) = body.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            body = rest
                .trim_end()
                .strip_suffix("-----END PUBLIC KEY-----")
                .ok_or("its footer is missing")?;
        }
        let base64: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = STANDARD
            .decode(base64)
            .map_err(|_| "it is neither PEM (PUBLIC KEY) nor base64")?;
        let key = PublicKey::from_der(&der).map_err(|_| "it holds no RSA public key")?;
        let (n, e) = components(key.as_ref()).ok_or("it holds no RSA public key")?;
        Self::from_components(n, e)
    }

    /// Whether `signature` is this key's RSASSA-PKCS1-v1_5 signature with SHA-256 over `message`.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// Whether this is the same key, read another time.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.components == other.components
    }
}

/// Modulus and exponent of the PKCS#1 `RSAPublicKey` that aws-lc has just written: a sequence of two positive integers.
fn components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = element(der, 0x30)?;
    let (n, sequence) = element(sequence, 0x02)?;
    let (e, sequence) = element(sequence, 0x02)?;
    (rest.is_empty() && sequence.is_empty()).then_some((without_sign(n), without_sign(e)))
}

fn without_sign(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

/// The contents of the DER element of this tag that the bytes begin with, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (
                bytes
                    .iter()
                    .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    if *found == tag {
        rest.split_at_checked(length)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256};

    use super::*;

    fn wrapped(base64: &str) -> String {
        let lines: Vec<&str> = base64
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        )
    }

    fn sign(pair: &KeyPair, padding: &'static dyn aws_lc_rs::signature::RsaEncoding) -> Vec<u8> {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), b"message", &mut signature)
            .unwrap();
        signature
    }

    #[test]
    fn every_spelling_of_the_pem_gives_the_same_key() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let bare = STANDARD.encode(der.as_ref());
        let full = wrapped(&bare);
        let signature = sign(&pair, &RSA_PKCS1_SHA256);
        for text in [
            full.clone(),
            full.replace('\n', ""),
            full.replace('\n', " "),
            full.replace('\n', "\\n"),
            full.replace('\n', "\r\n"),
            bare.clone(),
            format!("  {bare}\n"),
        ] {
            let key = VerifyingKey::from_pem(&text).unwrap();
            assert!(key.verifies(b"message", &signature), "{text}");
            assert!(!key.verifies(b"massage", &signature));
        }
        for text in [
            "",
            "x",
            "-----BEGIN PUBLIC KEY-----",
            &bare[..40],
            &full.replace("END", "ENDE"),
        ] {
            assert!(VerifyingKey::from_pem(text).is_err(), "{text}");
        }
        assert_eq!(
            VerifyingKey::from_pem("-----BEGIN PRIVATE KEY-----").err(),
            Some("it is a private key")
        );
    }

    #[test]
    fn other_paddings_and_digests_do_not_verify() {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let (n, e) = components(pair.public_key().as_ref()).unwrap();
        let key = VerifyingKey::from_components(n, e).unwrap();
        assert!(key.verifies(b"message", &sign(&pair, &RSA_PKCS1_SHA256)));
        assert!(!key.verifies(b"message", &sign(&pair, &RSA_PKCS1_SHA512)));
        assert!(!key.verifies(b"message", &sign(&pair, &RSA_PSS_SHA256)));
        assert!(!key.verifies(b"message", b""));
    }

    #[test]
    fn each_rule_says_what_is_wrong() {
        let modulus = vec![0xc5; 256];
        let with_zero = [&[0], &modulus[..]].concat();
        for (n, e, problem) in [
            (
                &with_zero,
                &[1, 0, 1][..],
                "its modulus is empty or has leading zeros",
            ),
            (&modulus, &[1, 0, 2], "its exponent is even or below 65537"),
            (
                &modulus,
                &[0xff, 0xff],
                "its exponent is even or below 65537",
            ),
            (
                &modulus,
                &[1, 0, 0, 0, 1],
                "its exponent is longer than 32 bits or has leading zeros",
            ),
        ] {
            assert_eq!(VerifyingKey::from_components(n, e).err(), Some(problem));
        }
        assert!(VerifyingKey::from_components(&modulus, &[0x80, 0, 0, 1]).is_ok());
    }

    #[test]
    fn a_key_is_the_same_when_it_is_read_again_and_another_is_not() {
        let key = |byte, e: &[u8]| VerifyingKey::from_components(&[byte; 256], e).unwrap();
        let (one, again) = (key(0xc5, &[1, 0, 1]), key(0xc5, &[1, 0, 1]));
        assert!(one.is_same_as(&again) && one.id() != again.id());
        assert!(!one.is_same_as(&key(0xc7, &[1, 0, 1])));
        assert!(!one.is_same_as(&key(0xc5, &[1, 0, 3])));
    }

    #[test]
    fn nothing_may_follow_the_numbers() {
        // SEQUENCE { INTEGER 0x00c5, INTEGER 3 }
        let whole = [0x30, 7, 2, 2, 0, 0xc5, 2, 1, 3];
        assert_eq!(components(&whole), Some((&[0xc5][..], &[3][..])));
        let behind = [&whole[..], &[0]].concat();
        assert_eq!(components(&behind), None);
        let within = [0x30, 9, 2, 2, 0, 0xc5, 2, 1, 3, 5, 0];
        assert_eq!(components(&within), None);
    }

    #[test]
    fn weak_and_odd_keys_are_refused() {
        let modulus = |bytes: usize| -> Vec<u8> { vec![0xc5; bytes] };
        let e = [1, 0, 1];
        assert!(VerifyingKey::from_components(&modulus(256), &e).is_ok());
        assert!(
            VerifyingKey::from_components(&modulus(128), &e).is_err(),
            "1024 bits"
        );
        let mut short = modulus(256);
        short[0] = 0x7f;
        assert!(
            VerifyingKey::from_components(&short, &e).is_err(),
            "2047 bits"
        );
        assert!(
            VerifyingKey::from_components(&modulus(1025), &e).is_err(),
            "8200 bits"
        );
        assert!(
            VerifyingKey::from_components(&vec![0xc4; 256], &e).is_err(),
            "an even modulus"
        );
        assert!(VerifyingKey::from_components(&[], &e).is_err());
        for e in [
            &[][..],
            &[1],
            &[3],
            &[0, 1, 0, 1],
            &[1, 0, 0],
            &[1, 0, 0, 0, 1],
        ] {
            assert!(
                VerifyingKey::from_components(&modulus(256), e).is_err(),
                "{e:?}"
            );
        }
    }
}
