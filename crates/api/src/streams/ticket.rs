//! What a stream ticket is: 256 random bits, of which we keep a digest.

use std::fmt;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

/// How long a ticket waits to be used.
pub(crate) const LIFE: TimeDelta = TimeDelta::seconds(30);

/// A ticket as its holder has it. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket([u8; 32]);

impl Ticket {
    /// A new one; `None` when the system gives no random bits.
    pub(crate) fn random() -> Option<Self> {
        let mut bits = [0; 32];
        rand::fill(&mut bits).ok()?;
        Some(Self(bits))
    }

    /// Reads what [`Ticket::written`] wrote: 43 characters, exactly one writing for each ticket.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        let bits = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bits.try_into().ok()?))
    }

    /// In characters that need no escape in a URL.
    pub(crate) fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept of it. With 256 random bits there is nothing to guess, so that neither salt nor many rounds are
    /// needed, and looking a digest up tells nothing by its time.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_known_again_and_nothing_else_is_one() {
        let (one, other) = (Ticket::random().unwrap(), Ticket::random().unwrap());
        assert!(one != other && one.digest() != other.digest());
        assert_eq!(Ticket::parse(&one.written()), Some(one.clone()));
        assert!(!format!("{one:?}").contains(&one.written()));
        let written = one.written();
        let longer = format!("{written}A");
        let padded = format!("{written}=");
        for text in [
            "",
            &written[1..],
            &longer,
            &padded,
            &"+".repeat(43),
            &"é".repeat(21),
        ] {
            assert_eq!(Ticket::parse(text), None, "{text:?}");
        }
        // The last character carries two bits that mean nothing: only one writing counts.
        assert_eq!(Ticket::parse(&format!("{}B", "A".repeat(42))), None);
    }
}
