//! Invites: codes that let a user in, of which only digests are kept.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{Attribution, User};

/// Crockford's digits: no letter looks like another, and none makes an unfortunate word.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Digits of a code that we make: 28 of 5 bits are 140 bits.
const LENGTH: usize = 28;
/// Digits between two hyphens.
const GROUP: usize = 4;

/// What goes before a code when its digest is taken, so that the digest is of use nowhere else.
const DIGEST_CONTEXT: &[u8] = b"clerk-sync/invite-code/1\0";

/// How long a try is remembered.
pub const INVITE_ATTEMPT_WINDOW: TimeDelta = TimeDelta::hours(1);

/// A code as somebody may type it. Case, spaces, hyphens, underscores and full stops do not count, and the letters that
/// look like digits are those digits.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode {
    shown: String,
    normal: String,
}

/// Why a text cannot be a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteCodeError {
    /// Fewer than [`InviteCode::MIN_LENGTH`] characters count.
    #[error(
        "an invite code has at least {} letters or digits",
        InviteCode::MIN_LENGTH
    )]
    TooShort,
    /// More than [`InviteCode::MAX_LENGTH`] characters.
    #[error("an invite code has at most {} characters", InviteCode::MAX_LENGTH)]
    TooLong,
    /// A control character.
    #[error("an invite code holds no control characters")]
    ControlCharacter,
}

impl InviteCode {
    /// Characters that count, at least.
    pub const MIN_LENGTH: usize = 4;
    /// Characters at most, those that do not count among them.
    pub const MAX_LENGTH: usize = 128;
    /// Random bytes that a code is made of.
    pub const ENTROPY: usize = 18;

    /// Reads a code that a person chose or typed.
    ///
    /// # Errors
    /// When it is too short, too long or holds control characters.
    pub fn parse(text: &str) -> Result<Self, InviteCodeError> {
        let shown = text.trim();
        // Bytes first: a text of megabytes is not walked.
        if shown.len() > Self::MAX_LENGTH * 4 || shown.chars().count() > Self::MAX_LENGTH {
            return Err(InviteCodeError::TooLong);
        }
        if shown.chars().any(char::is_control) {
            return Err(InviteCodeError::ControlCharacter);
        }
        let normal = normal(shown);
        if normal.chars().count() < Self::MIN_LENGTH {
            return Err(InviteCodeError::TooShort);
        }
        Ok(Self {
            shown: shown.to_owned(),
            normal,
        })
    }

    /// Makes a code of random bytes, 140 bits of them.
    #[must_use]
    pub fn from_entropy(entropy: [u8; Self::ENTROPY]) -> Self {
        let (mut pool, mut bits) = (0_u32, 0_u32);
        let mut shown = String::with_capacity(LENGTH + LENGTH / GROUP);
        let mut digits = 0;
        for byte in entropy {
            pool = (pool << 8) | u32::from(byte);
            bits += 8;
            while bits >= 5 && digits < LENGTH {
                bits -= 5;
                let place = usize::try_from((pool >> bits) & 31).unwrap_or(0);
                if digits > 0 && digits % GROUP == 0 {
                    shown.push('-');
                }
                shown.push(DIGITS.get(place).copied().map_or('0', char::from));
                digits += 1;
            }
            pool &= (1 << bits) - 1;
        }
        let normal = normal(&shown);
        Self { shown, normal }
    }

    /// The code as it is given to people.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// What is kept of the code.
    #[must_use]
    pub fn digest(&self) -> InviteDigest {
        let mut hash = Sha256::new();
        hash.update(DIGEST_CONTEXT);
        hash.update(self.normal.as_bytes());
        InviteDigest(hash.finalize().into())
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode([redacted])")
    }
}

fn normal(text: &str) -> String {
    text.chars()
        .filter(|char| !(char.is_whitespace() || matches!(char, '-' | '_' | '.')))
        .flat_map(char::to_uppercase)
        .map(|char| match char {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

/// The digest of a code. Equality takes the same time whatever differs.
#[derive(Clone, Copy)]
pub struct InviteDigest([u8; 32]);

impl InviteDigest {
    /// The digest as it is kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for InviteDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for InviteDigest {}

impl fmt::Debug for InviteDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteDigest([redacted])")
    }
}

/// An invite to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInvite {
    /// A code that a person chose; without one a code is made.
    pub code: Option<InviteCode>,
    /// How many users it lets in; `None` for any number.
    pub max_uses: Option<u32>,
    /// From when on it counts no more.
    pub expires_at: Option<DateTime<Utc>>,
    /// The maker's own words.
    pub note: Option<String>,
}

/// An invite as it is kept: without its code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Invite {
    /// Ours.
    pub id: Uuid,
    /// How many users it lets in; `None` for any number.
    pub max_uses: Option<u64>,
    /// How many it has let in.
    pub uses: u64,
    /// From when on it counts no more.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The maker's own words.
    pub note: Option<String>,
    /// Who made it: a Clerk id or `system`.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What became of a wish for an invite.
#[derive(Debug, Clone, PartialEq)]
pub enum InviteCreation {
    /// It is there. This is the one time that the code is shown.
    Created {
        /// The invite.
        invite: Invite,
        /// Its code.
        code: InviteCode,
    },
    /// Another invite has this code, used, expired or not.
    CodeTaken,
}

/// How codes are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRules {
    /// The code in the configuration, which any number of users may use.
    pub shared: Option<InviteDigest>,
    /// Failed tries of one user within [`INVITE_ATTEMPT_WINDOW`].
    pub attempts_per_user: u32,
    /// Failed tries from one address within [`INVITE_ATTEMPT_WINDOW`].
    pub attempts_per_address: u32,
}

/// A user tries a code.
#[derive(Debug, Clone, PartialEq)]
pub struct InviteAttempt {
    /// Who: our id.
    pub user_id: Uuid,
    /// Where the request came from, if that is known.
    pub address: Option<IpAddr>,
    /// What was typed; `None` for a text that cannot be a code, which counts as a try all the same.
    pub digest: Option<InviteDigest>,
    /// Who acts, and when.
    pub by: Attribution,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq)]
pub enum InviteOutcome {
    /// The user's invite is valid, by this try or by an earlier one.
    Validated {
        /// The user's row.
        user: Box<User>,
        /// Whether it was this try.
        is_first: bool,
    },
    /// No invite has this code, or it is used up, expired or taken back: nobody is told which.
    Refused {
        /// Whether this used up the last try, for the first time in this hour.
        is_alarming: bool,
    },
    /// Too many tries failed: this one was not compared with anything.
    Limited {
        /// When the next try will be taken.
        retry_at: DateTime<Utc>,
    },
    /// There is no such user, or he is deleted.
    UserUnknown,
}

/// The name under which tries from an address are counted. A host has a whole /64 of IPv6 addresses to itself, so that
/// is one; and an IPv4 address is the same one however it is written.
#[must_use]
pub fn attempt_subject_of_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
            format!("address:{network}/64")
        }
    }
}

/// The name under which a user's tries are counted.
#[must_use]
pub fn attempt_subject_of_user(user_id: Uuid) -> String {
    format!("user:{user_id}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn digest(text: &str) -> InviteDigest {
        InviteCode::parse(text).unwrap().digest()
    }

    #[test]
    fn case_and_separators_and_looks_do_not_count() {
        let code = digest("K7QM-0W1X");
        for text in [
            "k7qm0w1x",
            " k7qm 0w1x ",
            "K7Q_M0.W1X",
            "k7qm-ow1x",
            "k7qm-0wlx",
            "K7QM-0WIX",
            "k7qm\u{a0}0w1x",
        ] {
            assert_eq!(digest(text), code, "{text:?}");
        }
        for text in ["K7QM-0W1Y", "K7QM-0W1", "K7QM-0W1XX", "K7QM/0W1X"] {
            assert_ne!(digest(text), code, "{text:?}");
        }
    }

    #[test]
    fn what_is_kept_of_a_code_is_its_digest() {
        let (one, other) = (digest("K7QM-0W1X"), digest("K7QM-0W1Y"));
        assert_eq!((one.as_bytes().len(), other.as_bytes().len()), (32, 32));
        assert_ne!(one.as_bytes(), other.as_bytes());
        assert_eq!(one.as_bytes(), digest("k7qm0w1x").as_bytes());
    }

    #[test]
    fn users_are_counted_each_for_himself() {
        let subject = |id| attempt_subject_of_user(Uuid::from_u128(id));
        assert_eq!(subject(1), "user:00000000-0000-0000-0000-000000000001");
        assert_ne!(subject(1), subject(2));
    }

    #[test]
    fn what_cannot_be_a_code_is_named() {
        let error = |text: &str| InviteCode::parse(text).unwrap_err();
        assert_eq!(error(""), InviteCodeError::TooShort);
        assert_eq!(error("a-b-c"), InviteCodeError::TooShort);
        assert_eq!(error(&"x".repeat(129)), InviteCodeError::TooLong);
        assert_eq!(error(&"é".repeat(1 << 20)), InviteCodeError::TooLong);
        assert_eq!(error("abcd\0efg"), InviteCodeError::ControlCharacter);
        assert!(InviteCode::parse("a-b-c-d").is_ok());
        for letter in ["x", "é", "\u{10400}"] {
            assert!(InviteCode::parse(&letter.repeat(128)).is_ok(), "{letter}");
        }
    }

    #[test]
    fn every_bit_of_the_entropy_that_is_used_changes_the_code() {
        let codes: HashSet<String> = (0..140)
            .map(|bit: usize| {
                let mut entropy = [0; InviteCode::ENTROPY];
                entropy[bit / 8] = 0x80 >> (bit % 8);
                InviteCode::from_entropy(entropy).shown().to_owned()
            })
            .collect();
        assert_eq!(codes.len(), 140);
        let code = InviteCode::from_entropy([0xff; InviteCode::ENTROPY]);
        assert_eq!(code.shown(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(digest(code.shown()), code.digest());
    }

    #[test]
    fn nothing_of_a_code_is_shown_by_accident() {
        let code = InviteCode::parse("hunter-hunter").unwrap();
        let text = format!("{code:?} {:?}", code.digest());
        assert_eq!(text, "InviteCode([redacted]) InviteDigest([redacted])");
    }

    #[test]
    fn addresses_of_one_host_are_counted_together() {
        let subject = |text: &str| attempt_subject_of_address(text.parse().unwrap());
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
        assert_ne!(subject("192.0.2.1"), subject("192.0.2.2"));
        assert_eq!(subject("2001:db8:1:2::3"), subject("2001:db8:1:2:ffff::"));
        assert_ne!(subject("2001:db8:1:2::3"), subject("2001:db8:1:3::3"));
    }
}
