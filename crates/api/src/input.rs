//! Bodies that are JSON objects, and what is often in them.

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, Request};
use domain::ClerkId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::access::Asks;
use crate::app::App;
use crate::json_body;
use crate::problem::{Kind, Problem};

/// Characters of somebody's own words at most.
pub(crate) const LONGEST_WORDS: usize = 500;

/// A JSON object of at most so many bytes, without a member too many; no body at all is an empty one.
pub(crate) struct Input<T, const MAX_BYTES: usize = { json_body::MAX_BYTES }>(pub(crate) T);

impl<T, const MAX_BYTES: usize> Asks for Input<T, MAX_BYTES> {}

impl<T: DeserializeOwned, const MAX_BYTES: usize> FromRequest<App> for Input<T, MAX_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if request.body().size_hint().exact() == Some(0) {
            return json_body::parsed(b"{}").map(Self);
        }
        let body = json_body::read(request, app, MAX_BYTES).await?;
        // An object and nothing else: a list would be taken for an object's members in their order.
        if body.trim_ascii_start().first() != Some(&b'{') {
            let words = "a JSON object is wanted";
            return Err(Problem::with_detail(Kind::BodyInvalid, words));
        }
        json_body::parsed(&body).map(Self)
    }
}

/// Why somebody does something.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// The admin's own words, for the audit log: 500 characters at most.
    #[serde(default)]
    #[schema(example = "asked for by support, ticket 4711", max_length = 500)]
    reason: Option<String>,
}

impl Reason {
    /// The words, if they may be kept.
    pub(crate) fn checked(self) -> Result<Option<String>, Problem> {
        words("reason", self.reason)
    }
}

/// Somebody's own words: without control characters, and not too many. Empty ones are none.
pub(crate) fn words(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    if text.chars().count() > LONGEST_WORDS {
        let message = format!("at most {LONGEST_WORDS} characters");
        return Err(Problem::with_field(Kind::BodyInvalid, field, message));
    }
    if text.chars().any(char::is_control) {
        let message = "no control characters";
        return Err(Problem::with_field(Kind::BodyInvalid, field, message));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// A member that may be null, and that is told from one that is not there.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// An id of Clerk's in a path.
pub(crate) fn clerk_id(text: String, kind: Kind) -> Result<ClerkId, Problem> {
    ClerkId::parse(text).map_err(|error| Problem::with_detail(kind, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_few_and_visible() {
        let checked = |text: &str| words("reason", Some(text.to_owned()));
        assert_eq!(words("reason", None), Ok(None));
        assert_eq!(checked("  "), Ok(None));
        assert_eq!(checked(" a b "), Ok(Some("a b".to_owned())));
        assert!(checked(&"é".repeat(500)).is_ok());
        for wrong in ["é".repeat(501), "a\nb".to_owned(), "a\0".to_owned()] {
            let problem = checked(&wrong).unwrap_err();
            assert_eq!(problem.kind(), Kind::BodyInvalid);
        }
    }
}
