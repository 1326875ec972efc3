//! Answers written while the state is read.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::{ApiError, Query};
use crate::refusal::Refusal;

/// A JSON body as bytes.
pub(crate) struct Written(Vec<u8>);

impl Written {
    pub(crate) fn of(body: &impl Serialize) -> Result<Self, ApiError> {
        serde_json::to_vec(body).map(Self).map_err(|error| {
            let reason = error.to_string();
            ApiError::from(Refusal::BodyInvalid { reason })
        })
    }

    /// `{data, total_count}` with the page of these records that the query asks for, each as `show` shows it.
    pub(super) fn list<'a, T: 'a>(
        query: &Query,
        total: usize,
        records: impl Iterator<Item = &'a T>,
        show: impl Fn(&T) -> Value,
    ) -> Result<Self, ApiError> {
        let (limit, offset) = query.page()?;
        let page: Vec<Value> = records.skip(offset).take(limit).map(show).collect();
        Self::of(&json!({ "data": page, "total_count": total }))
    }

    /// The page of these records as a bare array, or as [`Self::list`] with `paginated=true`.
    pub(super) fn bare_or_paginated<T>(
        query: &Query,
        records: &[&T],
        show: impl Fn(&T) -> Value,
    ) -> Result<Self, ApiError> {
        if query.paginated()? {
            return Self::list(query, records.len(), records.iter().copied(), show);
        }
        let (limit, offset) = query.page()?;
        let page = records.iter().skip(offset).take(limit);
        Self::of(&page.map(|it| show(it)).collect::<Vec<_>>())
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, json)], self.0).into_response()
    }
}
