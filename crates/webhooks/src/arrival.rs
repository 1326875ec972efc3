//! How a message came, apart from what it says.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};

/// The facts about a message's arrival that its body does not hold. They are in the ledger with it, since a replay must
/// place its facts exactly where the first reading did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// What makes a repetition a duplicate: see [`Arrival::new`].
    pub message_id: String,
    /// When it came first.
    pub received_at: DateTime<Utc>,
}

impl Arrival {
    /// The longest message id that is kept as it came, in bytes.
    const MAX_MESSAGE_ID: usize = 255;

    /// The facts about a message that has just come. An id that an index cannot hold (longer than 255 bytes, or not
    /// visible ASCII) is kept as `sha256:` and the hexadecimal SHA-256 of it.
    #[must_use]
    pub fn new(message_id: &[u8], received_at: DateTime<Utc>) -> Self {
        Self {
            message_id: dedupe_key(message_id),
            received_at,
        }
    }
}

fn dedupe_key(message_id: &[u8]) -> String {
    let fits = (1..=Arrival::MAX_MESSAGE_ID).contains(&message_id.len())
        && message_id.iter().all(u8::is_ascii_graphic);
    if fits {
        return message_id.iter().map(|&byte| char::from(byte)).collect();
    }
    let digest = digest::digest(&digest::SHA256, message_id);
    let hex = |byte: &u8| {
        [byte >> 4, byte & 0xf].map(|half| char::from_digit(u32::from(half), 16).unwrap_or('0'))
    };
    "sha256:"
        .chars()
        .chain(digest.as_ref().iter().flat_map(hex))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_id_is_its_own_key() {
        for id in ["msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", &"m".repeat(255)] {
            assert_eq!(dedupe_key(id.as_bytes()), id);
        }
    }

    #[test]
    fn an_id_that_no_index_holds_is_kept_as_its_digest() {
        // The digest of "a b" by sha256sum.
        assert_eq!(
            dedupe_key(b"a b"),
            "sha256:c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65"
        );
        let long = [b'm'; 256];
        let keys = [&b"\xff"[..], b"msg\0", &long].map(dedupe_key);
        for key in &keys {
            assert_eq!(key.len(), "sha256:".len() + 64, "{key}");
            assert!(key.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        assert_ne!(keys[0], keys[1]);
    }
}
