//! Images of users and organizations. They are checked and then let go: only their address changes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use futures_util::stream;
use multer::Multipart;
use sha2::{Digest as _, Sha256};

use super::ApiError;
use crate::instance::{Caller, Instance};
use crate::organization::Organization;
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::user::User;

type Answer<T> = Result<Json<T>, ApiError>;

/// The beginnings of PNG, JPEG, GIF and WebP files, and of an SVG without and with a declaration.
const MAGIC: [&[u8]; 6] = [
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"RIFF",
    b"<svg",
    b"<?xml",
];

/// The part `file` of a form: what distinguishes this image from others.
pub(super) struct Image(String);

impl<S: Send + Sync> FromRequest<S> for Image {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let broken = |reason: String| ApiError::from(Refusal::BodyInvalid { reason });
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|it| it.to_str().ok());
        let boundary = multer::parse_boundary(content_type.unwrap_or_default())
            .map_err(|_| broken("it is no multipart/form-data".to_owned()))?;
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| broken(error.body_text()))?;
        let chunks = stream::iter([Ok::<_, Infallible>(bytes)]);
        let mut parts = Multipart::new(chunks, boundary);
        loop {
            let part = parts
                .next_field()
                .await
                .map_err(|it| broken(it.to_string()))?;
            let Some(part) = part else {
                return Err(Refusal::ParamMissing { param: "file" }.into());
            };
            if part.name() != Some("file") {
                continue;
            }
            let image = part.bytes().await.map_err(|it| broken(it.to_string()))?;
            if !MAGIC.iter().any(|magic| image.starts_with(magic)) {
                return Err(invalid("file", "a PNG, JPEG, GIF, WebP or SVG image").into());
            }
            let digest = Sha256::digest(&image);
            let shortened = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
            return Ok(Self(shortened.collect()));
        }
    }
}

pub(super) async fn set_profile_image(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Image(version): Image,
) -> Answer<User> {
    Ok(Json(instance.set_user_image(
        &id,
        Some(&version),
        &caller,
    )?))
}

pub(super) async fn delete_profile_image(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<User> {
    Ok(Json(instance.set_user_image(&id, None, &caller)?))
}

pub(super) async fn set_logo(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
    Image(version): Image,
) -> Answer<Organization> {
    Ok(Json(instance.set_logo(&id, Some(&version), &caller)?))
}

pub(super) async fn delete_logo(
    State(instance): State<Arc<Instance>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Organization> {
    Ok(Json(instance.set_logo(&id, None, &caller)?))
}
