//! The compact form of a JWS: three base64url segments, split and decoded strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::TokenError;
use crate::header::Header;

/// The longest token that is looked at, in bytes. Browsers cap a cookie at 4 KiB; templates in a header may be longer.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

pub(crate) const TOO_LONG: TokenError = TokenError::Malformed("it is longer than 16 KiB");

/// A token taken apart. Nothing in it is believed yet.
pub(crate) struct Compact<'a> {
    pub(crate) header: Header,
    /// `header.payload` as it came: the bytes that were signed.
    pub(crate) signing_input: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Splits and decodes, and holds the header to the rules that come before the signature ([`Header::parse`]).
    pub(crate) fn parse(token: &'a str, expected_alg: &str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TOO_LONG);
        }
        let Some((signing_input, signature)) = token.rsplit_once('.') else {
            return Err(TokenError::Malformed("it has not three parts"));
        };
        let Some((header, payload)) = signing_input.split_once('.') else {
            return Err(TokenError::Malformed("it has not three parts"));
        };
        if payload.contains('.') {
            return Err(TokenError::Malformed(
                "it has more than three parts (encrypted tokens are not accepted)",
            ));
        }
        Ok(Self {
            header: Header::parse(
                &decode(header, "its header is not unpadded base64url")?,
                expected_alg,
            )?,
            signing_input: signing_input.as_bytes(),
            payload: decode(payload, "its payload is not unpadded base64url")?,
            signature: decode(signature, "its signature is not unpadded base64url")?,
        })
    }
}

/// The `iss` that a token claims, unverified: only for choosing between cookies of several instances, and between the
/// ways in which a token may be verified.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    claimed(token, 1, "iss")
}

/// The `alg` that a token claims, unverified: only for choosing the way in which it is verified.
pub(crate) fn claimed_algorithm(token: &str) -> Option<String> {
    claimed(token, 0, "alg")
}

fn claimed(token: &str, segment: usize, name: &str) -> Option<String> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let segment = token.split('.').nth(segment)?;
    let object = crate::strict_json::object(&URL_SAFE_NO_PAD.decode(segment).ok()?)?;
    object.get(name)?.as_str().map(str::to_owned)
}

// This engine refuses padding, other alphabets, whitespace and trailing bits that are not zero, so that one signature
// has one spelling.
fn decode(segment: &str, problem: &'static str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(segment)
        .map_err(|_| TokenError::Malformed(problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::RS256;

    // {"alg":"RS256"}
    const HEADER: &str = "eyJhbGciOiJSUzI1NiJ9";

    fn refused(token: &str) -> &'static str {
        Compact::parse(token, RS256).err().expect("refused").code()
    }

    #[test]
    fn three_segments_are_taken_apart() {
        let token = format!("{HEADER}.e30.AQ");
        let compact = Compact::parse(&token, RS256).unwrap();
        assert_eq!(compact.signing_input, format!("{HEADER}.e30").as_bytes());
        assert_eq!(
            (compact.payload.as_slice(), compact.signature.as_slice()),
            (&b"{}"[..], &[1][..])
        );
    }

    #[test]
    fn other_numbers_of_parts_are_malformed() {
        for token in [
            "",
            "42",
            "null",
            "a.b",
            "..",
            ".",
            "a.b.c.d",
            "a.b.c.d.e",
            "....",
            &format!("{HEADER}.e30.AQ."),
        ] {
            assert_eq!(refused(token), "token_malformed", "{token}");
        }
    }

    #[test]
    fn base64url_has_one_spelling() {
        // Padding, the other alphabet, whitespace, and "AR": the same byte as "AQ" with trailing bits set.
        for signature in ["AQ==", "AQ=", "+/+/", " AQ", "AQ\n", "AR", "A"] {
            assert_eq!(
                refused(&format!("{HEADER}.e30.{signature}")),
                "token_malformed",
                "{signature:?}"
            );
        }
    }

    #[test]
    fn nothing_is_looked_for_in_a_token_that_is_too_long() {
        // {"iss":"x"}
        let claims = ".eyJpc3MiOiJ4In0.AQ";
        for (length, issuer) in [
            (MAX_TOKEN_BYTES - 1, Some("x")),
            (MAX_TOKEN_BYTES, Some("x")),
            (MAX_TOKEN_BYTES + 1, None),
        ] {
            let token = format!("{}{claims}", "A".repeat(length - claims.len()));
            assert_eq!(claimed_issuer(&token).as_deref(), issuer, "{length}");
        }
    }

    #[test]
    fn long_tokens_are_refused_before_any_work() {
        let token = format!("{HEADER}.{}.AQ", "A".repeat(MAX_TOKEN_BYTES));
        assert_eq!(refused(&token), "token_malformed");
    }
}
