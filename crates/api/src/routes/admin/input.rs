//! Bodies of administrators: small JSON objects without a member too many.

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, Request};
use domain::ClerkId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::Asks;
use crate::app::App;
use crate::json_body::JsonBody;
use crate::problem::{Kind, Problem};

/// Characters of somebody's own words at most.
pub(super) const LONGEST_WORDS: usize = 500;

/// Characters of the parser's words at most.
const MAX_WORDS: usize = 300;

/// A JSON object; no body at all is an empty one.
pub(crate) struct Input<T>(pub(super) T);

impl<T> Asks for Input<T> {}

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        // An object and nothing else: a list would be taken for an object's members in their order.
        let members = if request.body().size_hint().exact() == Some(0) {
            Map::new()
        } else {
            let JsonBody(members) = JsonBody::from_request(request, app).await?;
            members
        };
        serde_json::from_value(Value::Object(members))
            .map(Self)
            .map_err(|error| {
                // It may repeat what it was given.
                let words = error
                    .to_string()
                    .chars()
                    .take(MAX_WORDS)
                    .collect::<String>();
                Problem::with_detail(Kind::BodyInvalid, words)
            })
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
    pub(super) fn checked(self) -> Result<Option<String>, Problem> {
        words("reason", self.reason)
    }
}

/// Somebody's own words: without control characters, and not too many. Empty ones are none.
pub(super) fn words(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
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
pub(super) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// An id of Clerk's in a path.
pub(super) fn clerk_id(text: String, kind: Kind) -> Result<ClerkId, Problem> {
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
