//! Svix's signature, made by Svix's own library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use svix::webhooks::Webhook;

use crate::ids;

/// Why a body cannot be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The secret is empty or not `whsec_` and base64. Its text is not repeated.
    #[error("the webhook secret must be whsec_ followed by base64")]
    Secret,
    /// The body is not UTF-8, which Svix's library demands.
    #[error("the webhook body is not UTF-8")]
    Body,
}

/// The `svix-signature` header, `v1,` and base64, of this message at this time in Unix seconds.
///
/// # Errors
/// [`SignError`] when the secret or the body cannot be used.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SignError> {
    let webhook = Webhook::new(secret).map_err(|_| SignError::Secret)?;
    webhook
        .sign(id, timestamp, body)
        .map_err(|_| SignError::Body)
}

/// A new secret of 24 random bytes, as Svix makes them.
#[must_use]
pub fn generate_secret() -> String {
    format!("whsec_{}", STANDARD.encode(ids::random_bytes::<24>()))
}

/// Whether the text is a usable secret, with its prefix: without it people paste the wrong value.
pub(crate) fn is_secret(text: &str) -> bool {
    text.starts_with("whsec_") && Webhook::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_depend_on_every_part() {
        let secret = generate_secret();
        let signed = sign(&secret, "msg_1", 1_700_000_000, b"{}").unwrap();
        assert!(signed.starts_with("v1,"));
        assert_ne!(
            signed,
            sign(&secret, "msg_2", 1_700_000_000, b"{}").unwrap()
        );
        assert_ne!(
            signed,
            sign(&secret, "msg_1", 1_700_000_001, b"{}").unwrap()
        );
        assert_ne!(
            signed,
            sign(&secret, "msg_1", 1_700_000_000, b"[]").unwrap()
        );
        assert_ne!(
            signed,
            sign(&generate_secret(), "msg_1", 1_700_000_000, b"{}").unwrap()
        );
    }

    #[test]
    fn unusable_secrets_are_refused() {
        for bad in ["", "whsec_", "whsec_###", "c2VjcmV0"] {
            assert!(!is_secret(bad), "{bad}");
        }
        assert!(matches!(
            sign("whsec_", "msg_1", 0, b""),
            Err(SignError::Secret)
        ));
        assert!(matches!(
            sign(&generate_secret(), "msg_1", 0, b"\xff"),
            Err(SignError::Body)
        ));
    }
}
