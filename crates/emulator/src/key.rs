//! The RSA key that signs tokens: made, kept in a file, shown as JWKS and as PEM.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::config::EmulatorError;

/// An RSA key of 2048 bits. Cloning shares it, so that many emulators in one test run need only one.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    encoding: EncodingKey,
    private_pem: String,
    public_pem: String,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    /// A new key. This takes some tenths of a second of processor time.
    ///
    /// # Errors
    /// [`EmulatorError::KeyGeneration`] when the cryptographic library refuses.
    pub fn generate() -> Result<Self, EmulatorError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| EmulatorError::KeyGeneration)?;
        let der = pair.as_der().map_err(|_| EmulatorError::KeyGeneration)?;
        Self::from_pair(&pair, pem("PRIVATE KEY", der.as_ref())).ok_or(EmulatorError::KeyGeneration)
    }

    /// The key in the file, or a new one that is written there, readable by its owner only.
    ///
    /// # Errors
    /// [`EmulatorError::KeyFile`] when the file cannot be read or written, [`EmulatorError::KeyFileCorrupt`] when it
    /// holds anything but an unencrypted PKCS#8 RSA key; such a file is left alone.
    pub fn load_or_create(path: &Path) -> Result<Self, EmulatorError> {
        let file_error = |source| EmulatorError::KeyFile {
            path: path.to_owned(),
            source,
        };
        match fs::read_to_string(path) {
            Ok(text) => Self::from_pem(&text).ok_or_else(|| EmulatorError::KeyFileCorrupt {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(EmulatorError::KeyFileCorrupt {
                    path: path.to_owned(),
                })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = Self::generate()?;
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(file_error)?;
                }
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path).map_err(file_error)?;
                file.write_all(key.0.private_pem.as_bytes())
                    .map_err(file_error)?;
                Ok(key)
            }
            Err(error) => Err(file_error(error)),
        }
    }

    fn from_pem(text: &str) -> Option<Self> {
        let body = text
            .trim()
            .strip_prefix("-----BEGIN PRIVATE KEY-----")?
            .strip_suffix("-----END PRIVATE KEY-----")?;
        let der = STANDARD
            .decode(body.split_whitespace().collect::<String>())
            .ok()?;
        let pair = KeyPair::from_pkcs8(&der).ok()?;
        Self::from_pair(&pair, pem("PRIVATE KEY", &der))
    }

    fn from_pair(pair: &KeyPair, private_pem: String) -> Option<Self> {
        let public = pair.public_key();
        Some(Self(Arc::new(Inner {
            encoding: EncodingKey::from_rsa_pem(private_pem.as_bytes()).ok()?,
            public_pem: pem("PUBLIC KEY", public.as_der().ok()?.as_ref()),
            modulus: URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            exponent: URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            private_pem,
        })))
    }

    /// The public half as PEM (SubjectPublicKeyInfo), for verifiers without a network.
    #[must_use]
    pub fn public_pem(&self) -> &str {
        &self.0.public_pem
    }

    /// The public half as a JWK with all six members; clerk-rs matches on each.
    pub(crate) fn jwk(&self) -> Value {
        json!({
            "use": "sig", "kty": "RSA", "kid": crate::INSTANCE_ID, "alg": "RS256",
            "n": self.0.modulus, "e": self.0.exponent,
        })
    }

    /// The RS256 signature of a token's first two parts, in base64url.
    pub(crate) fn sign(&self, message: &str) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.0.encoding, Algorithm::RS256)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("private", &"[redacted]")
            .finish_non_exhaustive()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_written_is_the_key_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/key.pem");
        let made = SigningKey::load_or_create(&path).unwrap();
        let read = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(made.jwk(), read.jwk());
        assert_eq!(made.public_pem(), read.public_pem());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn a_corrupt_key_file_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        for bytes in [
            &b"not a key"[..],
            b"",
            b"\xff\xfe",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            fs::write(&path, bytes).unwrap();
            let error = SigningKey::load_or_create(&path).unwrap_err();
            assert!(error.to_string().contains("key.pem"), "{error}");
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }
}
