//! Doors for the fuzz targets: what reads bytes from outside, without the signature that stands before it.

use chrono::{DateTime, Utc};

use crate::claims::SessionClaims;
use crate::config::AuthConfig;
use crate::error::TokenError;
use crate::jwks::Jwks;
use crate::rules::Rules;
use crate::strict_json;

/// How many keys of a key set can be used and how many entries were skipped; none when it is no key set.
pub fn key_set(body: &[u8], accept_emulator_keys: bool) -> Option<(usize, usize)> {
    let set = Jwks::parse(body, accept_emulator_keys)?;
    Some((set.keys.len(), set.skipped))
}

/// The rules, as they judge a payload whose signature holds. None when it is no JSON object with unique names.
pub fn judge(
    config: &AuthConfig,
    payload: &[u8],
    now: DateTime<Utc>,
) -> Option<Result<SessionClaims, TokenError>> {
    let claims = strict_json::object(payload)?;
    Some(Rules::new(config).judge(claims, now))
}
