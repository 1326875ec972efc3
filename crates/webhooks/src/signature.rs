//! Svix's signature: HMAC-SHA256 over `id.timestamp.body`, as one of the entries of a header.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue};
use mapping::visible;

use crate::{Refusal, secret::SigningKey};

/// How far the sender's clock and ours may differ, in seconds, both ways and inclusive.
const TOLERANCE_SECONDS: i64 = 300;

/// The signature scheme that is verified; entries of other schemes are skipped.
const SCHEME: &str = "v1";

/// The names of the three headers: Svix's own, or the unbranded ones.
struct Family {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

const SVIX: Family = Family {
    id: "svix-id",
    timestamp: "svix-timestamp",
    signature: "svix-signature",
};

const UNBRANDED: Family = Family {
    id: "webhook-id",
    timestamp: "webhook-timestamp",
    signature: "webhook-signature",
};

impl Family {
    /// The one family that a message is judged by, so that no message is judged by a mixture of two.
    fn of(headers: &HeaderMap) -> Self {
        let named = [SVIX.id, SVIX.timestamp, SVIX.signature];
        let is_unbranded = !named.iter().any(|name| headers.contains_key(*name))
            && [UNBRANDED.id, UNBRANDED.timestamp, UNBRANDED.signature]
                .iter()
                .any(|name| headers.contains_key(*name));
        if is_unbranded { UNBRANDED } else { SVIX }
    }
}

/// What the headers claim, proven by nothing yet.
pub(crate) struct Claim<'a> {
    id: &'a HeaderValue,
    timestamp: &'a HeaderValue,
    seconds: i64,
    entries: &'a str,
}

impl<'a> Claim<'a> {
    /// Reads the three headers, each of which must be there exactly once.
    pub(crate) fn read(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let family = Family::of(headers);
        let id = single(headers, family.id)?;
        let timestamp = single(headers, family.timestamp)?;
        let signature = single(headers, family.signature)?;
        let entries = signature.to_str().map_err(|_| Refusal::HeaderInvalid {
            header: family.signature,
        })?;
        Ok(Self {
            id,
            timestamp,
            seconds: seconds(timestamp)?,
            entries,
        })
    }

    /// The message id as it came.
    pub(crate) fn id(&self) -> &'a [u8] {
        self.id.as_bytes()
    }

    /// Proves the claim: the signature first, the clock after it, so that only the sender learns about our clock.
    pub(crate) fn prove(
        &self,
        body: &[u8],
        keys: &[SigningKey],
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let is_proven = keys.iter().any(|key| self.is_signed_with(key, body));
        if !is_proven {
            return Err(Refusal::SignatureInvalid);
        }
        let now = now.timestamp();
        if self.seconds.saturating_add(TOLERANCE_SECONDS) < now {
            Err(Refusal::TimestampExpired)
        } else if self.seconds > now.saturating_add(TOLERANCE_SECONDS) {
            Err(Refusal::TimestampInFuture)
        } else {
            Ok(())
        }
    }

    /// Whether an entry is this key's MAC. It is made once, however many entries there are, and compared in constant time
    /// ([why not by Svix's library](../../../docs/decisions/0134-signatures-by-the-processor.md)).
    fn is_signed_with(&self, key: &SigningKey, body: &[u8]) -> bool {
        let mut signing = hmac::Context::with_key(key.hmac());
        for part in [
            self.id.as_bytes(),
            b".",
            self.timestamp.as_bytes(),
            b".",
            body,
        ] {
            signing.update(part);
        }
        let expected = signing.sign();
        self.entries
            .split(' ')
            .filter_map(|entry| entry.split_once(','))
            .filter(|(scheme, _)| *scheme == SCHEME)
            .filter_map(|(_, mac)| STANDARD.decode(mac).ok())
            .any(|mac| constant_time::verify_slices_are_equal(expected.as_ref(), &mac).is_ok())
    }
}

/// The message id that the headers claim, cut to 128 visible ASCII characters.
pub(crate) fn claimed_message_id(headers: &HeaderMap) -> Option<String> {
    let claimed = headers.get(Family::of(headers).id)?;
    Some(visible(claimed.as_bytes(), 128)).filter(|id| !id.is_empty())
}

fn single<'a>(headers: &'a HeaderMap, header: &'static str) -> Result<&'a HeaderValue, Refusal> {
    let mut values = headers.get_all(header).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Refusal::HeaderMissing { header }),
        (Some(_), Some(_)) => Err(Refusal::HeaderDuplicated { header }),
        (Some(value), None) if value.is_empty() => Err(Refusal::HeaderInvalid { header }),
        (Some(value), None) => Ok(value),
    }
}

/// Reads plain decimal digits without leading zeros: a sender signs the number, not the text, and two spellings of one
/// number would be two messages.
fn seconds(timestamp: &HeaderValue) -> Result<i64, Refusal> {
    let digits = timestamp.to_str().map_err(|_| Refusal::TimestampInvalid)?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    if !is_plain {
        return Err(Refusal::TimestampInvalid);
    }
    digits.parse().map_err(|_| Refusal::TimestampInvalid)
}
