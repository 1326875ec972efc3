//! Passwords of made-up users, stretched with PBKDF2 because people type real ones by habit.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::ids;

const ROUNDS: NonZeroU32 = match NonZeroU32::new(20_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// A salted digest. It stands in the state file and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PasswordDigest {
    salt: String,
    digest: String,
}

impl PasswordDigest {
    pub(crate) fn of(password: &str) -> Self {
        let salt = ids::random_bytes::<16>();
        let mut digest = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            password.as_bytes(),
            &mut digest,
        );
        Self {
            salt: STANDARD.encode(salt),
            digest: STANDARD.encode(digest),
        }
    }

    pub(crate) fn fits(&self, password: &str) -> bool {
        let (Ok(salt), Ok(digest)) = (STANDARD.decode(&self.salt), STANDARD.decode(&self.digest))
        else {
            return false;
        };
        pbkdf2::verify(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            password.as_bytes(),
            &digest,
        )
        .is_ok()
    }
}

impl std::fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fits_only_its_own_password() {
        let digest = PasswordDigest::of("correct horse");
        assert!(digest.fits("correct horse"));
        assert!(!digest.fits("correct horsf"));
        assert_ne!(digest.digest, PasswordDigest::of("correct horse").digest);
        assert_eq!(format!("{digest:?}"), "[redacted]");
    }
}
