//! Signing secrets: `whsec_` and the base64 of the key.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

const PREFIX: &str = "whsec_";

/// The shortest key that is taken, in bytes. Svix makes keys of 24; below 16 a key can be guessed.
const MIN_KEY_BYTES: usize = 16;

/// Why a list of signing secrets cannot be used. Secrets are named by their place in the list, from 1, never by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The list has no entry.
    #[error("no signing secret is given")]
    NoneGiven,
    /// An entry has no key behind the prefix.
    #[error("signing secret {position} is empty")]
    Empty {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// An entry is not base64 in the standard alphabet, with padding.
    #[error("signing secret {position} is not base64 after its whsec_ prefix")]
    NotBase64 {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// An entry's key has fewer than 16 bytes.
    #[error("signing secret {position} holds fewer than {MIN_KEY_BYTES} bytes of key")]
    TooShort {
        /// Its place in the list, from 1.
        position: usize,
    },
}

/// One key.
pub(crate) struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads the secret at `position` of the list. White space around it, as files and shells leave it, is no part.
    pub(crate) fn parse(secret: &SecretString, position: usize) -> Result<Self, SecretError> {
        let text = secret.expose_secret().trim();
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        if encoded.is_empty() {
            return Err(SecretError::Empty { position });
        }
        // The decoder's own error quotes a character of the secret, so it is dropped.
        let key = STANDARD
            .decode(encoded)
            .map_err(|_| SecretError::NotBase64 { position })?;
        if key.len() < MIN_KEY_BYTES {
            return Err(SecretError::TooShort { position });
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    pub(crate) fn hmac(&self) -> &hmac::Key {
        let Self(key) = self;
        key
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(secret: &str) -> Result<SigningKey, SecretError> {
        SigningKey::parse(&SecretString::from(secret.to_owned()), 2)
    }

    #[test]
    fn takes_a_secret_with_and_without_its_prefix() {
        assert!(parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").is_ok());
        assert!(parse("C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n").is_ok());
    }

    #[test]
    fn names_the_place_and_the_fault_and_never_the_value() {
        let position = 2;
        for (secret, fault) in [
            ("", SecretError::Empty { position }),
            ("whsec_", SecretError::Empty { position }),
            ("whsec_!!secret!!", SecretError::NotBase64 { position }),
            (
                "whsec_C2FVsBQIhrscChlQIMV-b5sSYspob7oD",
                SecretError::NotBase64 { position },
            ),
            ("whsec_c2hvcnQ=", SecretError::TooShort { position }),
        ] {
            let error = parse(secret).unwrap_err();
            assert_eq!(error, fault, "{secret}");
            assert!(error.to_string().contains("secret 2 "));
        }
        let shown = format!(
            "{:?}",
            parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap()
        );
        assert_eq!(shown, "SigningKey([redacted])");
    }
}
