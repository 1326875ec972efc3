//! Query strings with repeated parameters.

use std::collections::HashMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::ApiError;
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::user::User;

/// How many values a filter takes.
const MOST_VALUES: usize = 100;

/// The pairs of a query string, in order. `name[]` counts as `name`.
#[derive(Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs =
            axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let axum::extract::Query(mut pairs) =
            pairs.map_err(|_| invalid("query", "a query string"))?;
        for (name, _) in &mut pairs {
            if let Some(bare) = name.strip_suffix("[]") {
                *name = bare.to_owned();
            }
        }
        Ok(Self(pairs))
    }
}

impl Query {
    /// From a query string itself, without its question mark; empty when it is none.
    pub(crate) fn parsed(text: &str) -> Self {
        let uri = axum::http::Uri::builder()
            .path_and_query(format!("/?{text}"))
            .build();
        let pairs = uri
            .ok()
            .and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok());
        Self(pairs.map_or_else(Vec::new, |axum::extract::Query(pairs)| pairs))
    }

    #[cfg(test)]
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The first value of this name that is not empty.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.one(name).is_some()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.one(name)
            .map(|text| text.parse().map_err(|_| invalid(name, "true or false")))
            .transpose()
    }

    pub(super) fn millis(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.one(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| invalid(name, "a time in milliseconds"))
            })
            .transpose()
    }

    /// `limit` (1 to 500, 10 by default) and `offset`.
    pub(crate) fn page(&self) -> Result<(usize, usize), Refusal> {
        let limit = match self.one("limit") {
            None => 10,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=500).contains(limit))
                .ok_or_else(|| invalid("limit", "between 1 and 500"))?,
        };
        let offset = match self.one("offset") {
            None => 0,
            Some(text) => text
                .parse()
                .map_err(|_| invalid("offset", "a number that is not negative"))?,
        };
        Ok((limit, offset))
    }

    /// `order_by`, by default `-created_at`: whether it descends, and the field.
    pub(super) fn order(&self) -> (bool, &str) {
        let order = self.one("order_by").unwrap_or("-created_at");
        match order.strip_prefix('-') {
            Some(field) => (true, field),
            // An unencoded plus arrives as a space.
            None => (false, order.trim_start_matches(['+', ' '])),
        }
    }

    /// Whether the caller asked for `{data, total_count}` where a bare array is the default.
    pub(crate) fn paginated(&self) -> Result<bool, Refusal> {
        Ok(self.flag("paginated")?.unwrap_or(false))
    }

    /// Whether `query` is this id, or a part of one of these texts in any case; true without it.
    pub(super) fn searches<const N: usize>(&self, id: &str, texts: [&str; N]) -> bool {
        self.one("query") == Some(id) || self.matches("query", || texts.into_iter())
    }

    /// A hundred values of a filter at most, and both halves of one by provider.
    pub(super) fn require_few(&self) -> Result<(), Refusal> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (name, value) in &self.0 {
            let count = counts.entry(name).or_default();
            *count += usize::from(!value.is_empty());
            if *count > MOST_VALUES {
                return Err(invalid(name, "given at most 100 times"));
            }
        }
        match (self.has("provider"), self.has("provider_user_id")) {
            (false, true) => Err(Refusal::ParamMissing { param: "provider" }),
            (true, false) => {
                let param = "provider_user_id";
                Err(Refusal::ParamMissing { param })
            }
            _ => Ok(()),
        }
    }

    /// Whether the user has one of the accounts at `provider` that `provider_user_id` names; true without them.
    pub(super) fn admits_account(&self, user: &User) -> bool {
        let Some(provider) = self.one("provider") else {
            return true;
        };
        let plain = |name: &str| name.trim_start_matches("oauth_").to_owned();
        user.external_accounts.iter().any(|account| {
            let text = |name: &str| account.get(name).and_then(serde_json::Value::as_str);
            text("provider").is_some_and(|held| plain(held) == plain(provider))
                && text("provider_user_id")
                    .is_some_and(|held| self.all("provider_user_id").any(|wanted| wanted == held))
        })
    }

    pub(super) fn require_any(&self, names: &[&'static str]) -> Result<(), Refusal> {
        match names.first() {
            Some(first) if !names.iter().any(|name| self.has(name)) => {
                Err(Refusal::ParamMissing { param: first })
            }
            _ => Ok(()),
        }
    }
}
