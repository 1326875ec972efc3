//! Proof that what stands in Redis was put there by this service.
//!
//! The key stands in the database: who can write into Redis but not read the database can make nobody an admin. It also
//! separates services that share one Redis, and is not the key of any other thing.

use aws_lc_rs::{error::Unspecified, hmac, rand};
use domain::{Housekeeping, StoreError};

/// Where the key is kept.
const CHECKPOINT: &str = "cache:seal";
const TAG: usize = 32;

/// Makes seals and tests them.
pub(crate) struct Seal {
    key: hmac::Key,
    name: String,
}

impl Seal {
    /// With the service's key, which is made if there is none. Should two processes make one at the same moment, they
    /// share nothing in Redis until one of them starts anew.
    pub(crate) async fn of_service(store: &dyn Housekeeping) -> Result<Self, StoreError> {
        if store.checkpoint(CHECKPOINT).await?.is_none() {
            let key = random_key().map_err(|error| StoreError::Unavailable(error.into()))?;
            store.keep_checkpoint(CHECKPOINT, Some(key)).await?;
        }
        let key = store.checkpoint(CHECKPOINT).await?;
        let key = key.ok_or_else(|| StoreError::Unreadable(format!("{CHECKPOINT} is gone")))?;
        Ok(Self::new(key.as_bytes()))
    }

    pub(crate) fn new(key: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let tag = hmac::sign(&key, b"name");
        Self {
            name: hexadecimal(tag.as_ref()).chars().take(16).collect(),
            key,
        }
    }

    /// What the names of this service's keys in Redis begin with.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The content of a place, sealed for this place alone.
    pub(crate) fn close(&self, place: &str, content: &[u8]) -> Vec<u8> {
        let tag = self.context(place, content).sign();
        [tag.as_ref(), content].concat()
    }

    /// What was sealed for this place; `None` when it was not.
    pub(crate) fn open<'a>(&self, place: &str, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, content) = sealed.split_at_checked(TAG)?;
        hmac::verify(&self.key, &signed(place, content), tag)
            .is_ok()
            .then_some(content)
    }

    fn context(&self, place: &str, content: &[u8]) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&signed(place, content));
        context
    }
}

/// 256 random bits.
fn random_key() -> Result<String, Unspecified> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes)?;
    Ok(hexadecimal(&bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// No place holds a line feed.
fn signed(place: &str, content: &[u8]) -> Vec<u8> {
    [place.as_bytes(), b"\n", content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_here_for_this_place_opens() {
        let (seal, other) = (Seal::new(b"one"), Seal::new(b"other"));
        let sealed = seal.close("a:b", b"content");
        assert_eq!(seal.open("a:b", &sealed), Some(&b"content"[..]));
        assert_eq!(seal.open("a:c", &sealed), None);
        assert_eq!(other.open("a:b", &sealed), None);
        assert_ne!(seal.name(), other.name());
        for place in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[place] ^= 1;
            assert_eq!(seal.open("a:b", &forged), None, "{place}");
        }
        for short in [&b""[..], &sealed[..TAG - 1]] {
            assert_eq!(seal.open("a:b", short), None);
        }
    }
}
