//! Request bodies as Clerk reads them: JSON whatever the content type says, and nothing at all counts as `{}`.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::backend::ApiError;
use crate::refusal::Refusal;

/// A JSON body. A malformed one is refused with the place of the mistake.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let invalid = |reason| ApiError::from(Refusal::BodyInvalid { reason });
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| invalid(error.body_text()))?;
        let parsed = if bytes.trim_ascii().is_empty() {
            serde_json::from_value(Value::Object(Map::new()))
        } else {
            serde_json::from_slice(&bytes)
        };
        parsed.map(Body).map_err(|error| invalid(error.to_string()))
    }
}
