//! Bodies as browsers send them: forms with snake_case names, null as the empty string, objects as JSON text. JSON is
//! taken too.

use axum::Form as AxumForm;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::denial::Denial;
use crate::params::invalid;
use crate::refusal::Refusal;

/// More than any single text needs; a hundred addresses are one too.
const TEXT_LIMIT: usize = 16 * 1024;

/// The members of a body.
#[derive(Debug, Default)]
pub(super) struct Form(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Denial;

    async fn from_request(request: Request, state: &S) -> Result<Self, Denial> {
        let refused = |reason| Denial::Refused(Refusal::BodyInvalid { reason });
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE);
        let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        let whole = Request::from_parts(parts.clone(), body);
        let bytes = Bytes::from_request(whole, state).await.map_err(|error| {
            match error.status().as_u16() {
                413 => Denial::TooLarge,
                _ => refused(error.body_text()),
            }
        })?;
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Ok(Self::default());
        }
        if kind.starts_with("application/json") {
            return match serde_json::from_slice(text) {
                Ok(Value::Object(members)) => Ok(Self(members)),
                Ok(_) => Err(refused("it is JSON of another type".to_owned())),
                Err(error) => Err(refused(error.to_string())),
            };
        }
        let whole = Request::from_parts(parts, Body::from(bytes));
        let AxumForm(pairs) = AxumForm::<Vec<(String, String)>>::from_request(whole, state)
            .await
            .map_err(|error| refused(error.body_text()))?;
        let members = pairs.into_iter().map(|(name, value)| (name, value.into()));
        Ok(Self(members.collect()))
    }
}

impl Form {
    /// `None` when absent, `Some(None)` when null or empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<Option<String>>, Refusal> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(None)),
            Some(Value::String(text)) if text.len() > TEXT_LIMIT => {
                Err(invalid(name, "at most 16 KiB"))
            }
            Some(Value::String(text)) => Ok(Some(Some(text.clone()))),
            Some(_) => Err(invalid(name, "text")),
        }
    }

    /// The text, unless it is absent or empty.
    pub(super) fn some(&self, name: &str) -> Result<Option<String>, Refusal> {
        Ok(self.text(name)?.flatten())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<String, Refusal> {
        self.some(name)?
            .ok_or(Refusal::ParamMissing { param: name })
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) => match text.as_str() {
                "" | "false" => Ok(false),
                "true" => Ok(true),
                _ => Err(invalid(name, "true or false")),
            },
            Some(_) => Err(invalid(name, "true or false")),
        }
    }

    /// An object, or JSON text of one; null and the empty text count as the empty one.
    pub(super) fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        let wrong = || invalid(name, "a JSON object");
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(Map::new())),
            Some(Value::Object(members)) => Ok(Some(members.clone())),
            Some(Value::String(text)) if text.is_empty() => Ok(Some(Map::new())),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| wrong()),
            Some(_) => Err(wrong()),
        }
    }

    /// The given members that are there, to be handed on as JSON. Others are not, whatever the page sends.
    pub(super) fn pick(&self, names: &[&str]) -> Result<Map<String, Value>, Refusal> {
        let mut picked = Map::new();
        for name in names {
            if let Some(text) = self.text(name)? {
                picked.insert((*name).to_owned(), text.into());
            }
        }
        Ok(picked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn form(kind: &str, body: &str) -> Result<Form, Denial> {
        let request = Request::post("/")
            .header(CONTENT_TYPE, kind)
            .body(Body::from(body.to_owned()));
        Form::from_request(request.unwrap(), &()).await
    }

    #[tokio::test]
    async fn forms_and_json_say_the_same() {
        let urlencoded = "application/x-www-form-urlencoded";
        let sent = [
            (urlencoded, "a=x%20y&b=&c=true&d=%7B%22k%22%3A1%7D"),
            (
                "application/json; charset=utf-8",
                r#"{"a": "x y", "b": null, "c": true, "d": {"k": 1}}"#,
            ),
        ];
        for (kind, body) in sent {
            let form = form(kind, body).await.unwrap();
            assert_eq!(form.some("a"), Ok(Some("x y".to_owned())), "{kind}");
            assert_eq!(form.text("b"), Ok(Some(None)));
            assert_eq!((form.text("z"), form.flag("c")), (Ok(None), Ok(true)));
            assert_eq!(form.object("d").unwrap().unwrap().len(), 1);
        }
        assert!(form("", "").await.unwrap().0.is_empty());
    }

    #[tokio::test]
    async fn what_is_neither_is_refused() {
        for (kind, body) in [
            ("application/json", "{"),
            ("application/json", "[1]"),
            ("text/plain", "a=1"),
        ] {
            let refused = form(kind, body).await;
            assert!(
                matches!(refused, Err(Denial::Refused(Refusal::BodyInvalid { .. }))),
                "{kind} {body}"
            );
        }
    }
}
