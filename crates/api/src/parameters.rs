//! Parameters of lists, as strangers may write them: what cannot be used is a 400 that names it.

use axum::extract::{FromRequestParts, Path};
use chrono::{DateTime, Utc};
use domain::{CursorKey, List, PageQuery};
use http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::access::Asks;
use crate::app::App;
use crate::page::MOST;
use crate::problem::Problem;
use crate::query::{self, Others, invalid};

/// Characters of a filter at most.
const LONGEST: usize = 255;

/// The query of a request: each parameter at most once, and none that the document does not tell of.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T> Asks for Parameters<T> {}

impl<T: DeserializeOwned + IntoParams> FromRequestParts<App> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = query::parameters(parts, app, Others::Refused).await;
        read.map(Self)
    }
}

/// What the path names.
pub(crate) struct Id(pub(crate) String);

impl Asks for Id {}

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = Path::<String>::from_request_parts(parts, app).await;
        let Path(id) = read.map_err(|_| invalid("id", "must be UTF-8"))?;
        Ok(Self(id))
    }
}

/// The page that is wanted. More rows than a page has are answered with as many as it has.
pub(crate) fn page<K: CursorKey>(
    list: List,
    limit: Option<String>,
    cursor: Option<String>,
) -> Result<PageQuery<K>, Problem> {
    let limit = match limit.as_deref() {
        None | Some("") => None,
        Some(text) => Some(number(text)?),
    };
    let cursor = cursor.as_deref().filter(|cursor| !cursor.is_empty());
    PageQuery::new(list, limit, cursor).map_err(|error| invalid("cursor", error.to_string()))
}

fn number(text: &str) -> Result<u32, Problem> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A number that no integer holds is more than a page has, too.
    let number = text.parse().unwrap_or(MOST);
    if is_number && number > 0 {
        Ok(number)
    } else {
        Err(invalid(
            "limit",
            format!("must be a number from 1 to {MOST}"),
        ))
    }
}

/// Text to compare with; empty is none.
pub(crate) fn text(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > LONGEST {
        return Err(invalid(name, format!("at most {LONGEST} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(name, "no control characters"));
    }
    Ok(Some(text))
}

/// Yes or no; no when nothing is said.
pub(crate) fn flag(name: &str, text: Option<String>) -> Result<bool, Problem> {
    match text.as_deref() {
        None | Some("" | "false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(invalid(name, "must be true or false")),
    }
}

/// A time.
pub(crate) fn time(name: &str, text: Option<String>) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    DateTime::parse_from_rfc3339(&text)
        .map(|time| Some(time.to_utc()))
        .map_err(|_| invalid(name, "must be a time such as 2026-05-01T00:00:00Z"))
}

/// One of several names; nothing when none is given.
pub(crate) fn one_of<'a, T: Clone>(
    name: &str,
    text: Option<String>,
    known: impl Iterator<Item = (&'a str, T)>,
) -> Result<Option<T>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let mut names = Vec::new();
    for (candidate, value) in known {
        if candidate == text {
            return Ok(Some(value));
        }
        names.push(candidate);
    }
    Err(invalid(
        name,
        format!("must be one of {}", names.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    #[test]
    fn a_limit_is_a_number_and_a_large_one_is_the_largest() {
        for (text, expected) in [
            ("1", 1),
            ("007", 7),
            ("200", 200),
            ("9".repeat(40).as_str(), MOST),
        ] {
            assert_eq!(number(text), Ok(expected));
        }
        for wrong in ["0", "-1", "+1", "1.5", " 1", "x", "1e3", "٣"] {
            assert_eq!(number(wrong).unwrap_err().kind(), Kind::ParameterInvalid);
        }
    }

    #[test]
    fn text_is_bounded_and_visible() {
        let checked = |value: &str| text("q", Some(value.to_owned()));
        assert_eq!((text("q", None), checked("")), (Ok(None), Ok(None)));
        assert!(checked(&"é".repeat(255)).is_ok());
        for wrong in ["é".repeat(256), "a\0b".to_owned(), "\u{7f}".to_owned()] {
            assert!(checked(&wrong).is_err());
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_answered_with_those_that_are() {
        let known = || [("a", 1), ("b", 2)].into_iter();
        let asked = |value: &str| one_of("role", Some(value.to_owned()), known());
        assert_eq!(asked("b"), Ok(Some(2)));
        assert_eq!(asked(""), Ok(None));
        let expected = invalid("role", "must be one of a, b");
        assert_eq!(asked("B"), Err(expected));
    }

    #[test]
    fn flags_and_times() {
        let said = |value: &str| flag("f", Some(value.to_owned()));
        assert_eq!((said("true"), said("0")), (Ok(true), Ok(false)));
        assert!(said("yes").is_err());
        let at = |value: &str| time("since", Some(value.to_owned()));
        assert!(at("2026-05-01T02:00:00+02:00").is_ok());
        assert!(at("yesterday").is_err() && at("2026-05-01").is_err());
    }
}
