//! Ids: Clerk's prefixes, then 27 base-62 characters.

use aws_lc_rs::rand;
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 27;

/// Random bytes from the operating system; zeros should that ever fail, which only makes a fake's ids collide.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if rand::fill(&mut bytes).is_err() {
        tracing::warn!("the operating system gave no random bytes");
    }
    bytes
}

/// An id that no seed determines: messages, token ids and trace ids must differ between two runs of one seed, or a
/// receiver that kept the first run's message ids would take the second run's for duplicates.
pub(crate) fn random(prefix: &str) -> String {
    spell(prefix, &random_bytes::<LENGTH>())
}

/// The id of the `counter`-th object of a seeded run.
pub(crate) fn seeded(prefix: &str, seed: u64, counter: u64) -> String {
    let digest = Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(counter.to_be_bytes())
        .chain_update(prefix.as_bytes())
        .finalize();
    spell(prefix, &digest)
}

fn spell(prefix: &str, bytes: &[u8]) -> String {
    let tail = bytes
        .iter()
        .take(LENGTH)
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|byte| char::from(*byte));
    prefix.chars().chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_id_again_and_others_differ() {
        assert_eq!(seeded("user_", 7, 1), seeded("user_", 7, 1));
        assert_ne!(seeded("user_", 7, 1), seeded("user_", 7, 2));
        assert_ne!(seeded("user_", 7, 1), seeded("user_", 8, 1));
        assert_ne!(random("msg_"), random("msg_"));
    }

    #[test]
    fn ids_have_clerks_form() {
        let id = random("sess_");
        let tail = id.strip_prefix("sess_").unwrap();
        assert_eq!(tail.len(), LENGTH);
        assert!(tail.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
