//! A request's query, as strangers may write it: each parameter at most once, and what cannot be used is named.

use axum::extract::{FromRequestParts as _, Query};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::app::App;
use crate::problem::{Kind, Problem};

/// Of a name that a stranger made up, at most so many characters are repeated.
const LONGEST_NAME: usize = 64;

/// Whether parameters of which the document does not tell are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are named, as they may be a filter with a slip in it, which would be a longer list than was meant.
    Refused,
    /// They are let be.
    Ignored,
}

/// The parameters of a type that the document tells of; texts, as each is judged by its own rules.
///
/// # Errors
/// When one is there more than once, or is unknown and may not be.
pub(crate) async fn parameters<T>(
    parts: &mut Parts,
    app: &App,
    others: Others,
) -> Result<T, Problem>
where
    T: DeserializeOwned + IntoParams,
{
    let told = T::into_params(|| None);
    let known: Vec<&str> = told
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    let chosen = named(parts, app, &known, others).await?;
    serde_json::from_value(Value::Object(chosen)).map_err(|error| unreadable(error.to_string()))
}

/// The parameters of these names, as far as they are there.
///
/// # Errors
/// As for [`parameters`].
pub(crate) async fn named(
    parts: &mut Parts,
    app: &App,
    known: &[&str],
    others: Others,
) -> Result<Map<String, Value>, Problem> {
    let read = Query::<Vec<(String, String)>>::from_request_parts(parts, app).await;
    let Query(pairs) = read.map_err(|rejection| unreadable(rejection.body_text()))?;
    chosen(pairs, known, others)
}

fn unreadable(words: String) -> Problem {
    Problem::with_detail(Kind::ParameterInvalid, words)
}

/// The known ones among the pairs.
fn chosen(
    pairs: Vec<(String, String)>,
    known: &[&str],
    others: Others,
) -> Result<Map<String, Value>, Problem> {
    let mut chosen = Map::new();
    for (name, value) in pairs {
        if !known.contains(&name.as_str()) {
            if others == Others::Ignored {
                continue;
            }
            let name: String = name.chars().take(LONGEST_NAME).collect();
            let message = match known {
                [] => "is not known here, where there are no parameters".to_owned(),
                known => format!("is not known here; there are {}", known.join(", ")),
            };
            return Err(invalid(&name, message));
        }
        if chosen.contains_key(&name) {
            return Err(invalid(&name, "is there more than once"));
        }
        chosen.insert(name, Value::String(value));
    }
    Ok(chosen)
}

/// A parameter that cannot be used.
pub(crate) fn invalid(name: &str, message: impl Into<String>) -> Problem {
    Problem::with_field(Kind::ParameterInvalid, name, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["limit", "q"];

    fn read(pairs: &[(&str, &str)], others: Others) -> Result<Value, Problem> {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        chosen(owned.collect(), KNOWN, others).map(Value::Object)
    }

    #[test]
    fn each_parameter_is_there_once_and_known() {
        let chosen = read(&[("q", "a&b"), ("limit", "")], Others::Refused).unwrap();
        assert_eq!(chosen, serde_json::json!({"q": "a&b", "limit": ""}));
        let twice = [("q", "a"), ("limit", "1"), ("q", "a")];
        for others in [Others::Refused, Others::Ignored] {
            let expected = Err(invalid("q", "is there more than once"));
            assert_eq!(read(&twice, others), expected);
        }
        let unknown = [("Q", "a"), ("Q", "b")];
        let expected = Err(invalid("Q", "is not known here; there are limit, q"));
        assert_eq!(read(&unknown, Others::Refused), expected);
        assert_eq!(read(&unknown, Others::Ignored), Ok(serde_json::json!({})));
    }

    #[test]
    fn of_a_long_name_the_beginning_is_repeated() {
        let name = "é".repeat(LONGEST_NAME + 1);
        let refused = read(&[(&name, "")], Others::Refused);
        let expected = invalid(
            &"é".repeat(LONGEST_NAME),
            "is not known here; there are limit, q",
        );
        assert_eq!(refused, Err(expected));
    }
}
