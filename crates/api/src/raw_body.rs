//! The very bytes of a request, within a size and a time.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::app::App;
use crate::problem::{Kind, Problem};

/// How long a sender may take for the whole body. Svix gives up after 15 s.
const BODY_TIME: Duration = Duration::from_secs(10);

/// A webhook's body, at most `webhook_body_limit` bytes. It is never decompressed: the signature is over what was sent.
pub(crate) struct RawBody(pub(crate) Bytes);

impl FromRequest<App> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let limit = app.settings.webhook_body_limit;
        let read = Limited::new(request.into_body(), limit).collect();
        match tokio::time::timeout(BODY_TIME, read).await {
            Ok(Ok(body)) => Ok(Self(body.to_bytes())),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::with_detail(
                Kind::BodyTooLarge,
                format!("the body is over {limit} bytes"),
            )),
            Ok(Err(_)) => Err(Problem::with_detail(
                Kind::BodyUnreadable,
                "the body broke off",
            )),
            Err(_) => Err(Problem::of(Kind::BodyTimeout)),
        }
    }
}
