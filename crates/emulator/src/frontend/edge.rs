//! What happens to every call before a route is chosen and after it answered: the true method, trailing slashes, whose
//! page it is, and the headers that let that page read the answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::backend::{ApiError, Query};
use crate::guard::{is_far_from, is_foreign_host};
use crate::instance::Instance;

/// Puts the method of `?_method=` in place of POST, and takes the slashes off the end of the path:
/// `/me/email_addresses/` is what Clerk's library sends.
pub(super) async fn rewrite(query: Query, mut request: Request, next: Next) -> Response {
    if let Some(named) = query
        .one("_method")
        .filter(|_| request.method() == Method::POST)
    {
        let method = match named.to_ascii_uppercase().as_str() {
            "POST" => Method::POST,
            "PATCH" => Method::PATCH,
            "PUT" => Method::PUT,
            "DELETE" => Method::DELETE,
            _ => {
                let long = "_method is POST, PATCH, PUT or DELETE.";
                let status = StatusCode::METHOD_NOT_ALLOWED;
                let code = "method_not_allowed";
                return ApiError::new(status, code, "method not allowed", long).into_response();
            }
        };
        *request.method_mut() = method;
    }
    if let Some(uri) = without_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let bare = path.trim_end_matches('/');
    if bare == path || bare.is_empty() {
        return None;
    }
    match uri.query() {
        Some(query) => format!("{bare}?{query}").parse().ok(),
        None => bare.parse().ok(),
    }
}

/// Refuses pages of other machines, answers their browsers' questions beforehand, and lets this machine's pages read.
pub(super) async fn guard(
    State((instance, loopback)): State<(Arc<Instance>, bool)>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    if !is_welcome(&instance, loopback, request.headers()) {
        let long = "The Frontend API answers pages of this machine only, and those of the origins that it was told.";
        let status = StatusCode::FORBIDDEN;
        let error = ApiError::new(status, "origin_invalid", "not from there", long);
        return no_store(error.into_response());
    }
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers())
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let yes = HeaderValue::from_static("true");
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        let exposed = HeaderValue::from_static("Authorization, Clerk-Db-Jwt");
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    no_store(response)
}

/// Unless the answer says otherwise.
fn no_store(mut response: Response) -> Response {
    let kept = response.headers_mut().entry(CACHE_CONTROL);
    kept.or_insert(HeaderValue::from_static("no-store"));
    response
}

fn is_welcome(instance: &Instance, loopback: bool, headers: &HeaderMap) -> bool {
    let front = &instance.front;
    let is_told = |value: &HeaderValue| {
        let mut told = front.page_origins.iter().chain([&front.origin]);
        told.any(|own| own.trim_end_matches('/').as_bytes() == value.as_bytes())
    };
    let origin = headers.get(ORIGIN);
    let strange_page = origin.is_some_and(|value| is_far_from(value) && !is_told(value));
    let strange_host = loopback && is_foreign_host(headers, &front.origin);
    !strange_page && !strange_host
}

fn preflight(asked: &HeaderMap) -> Response {
    let methods = HeaderValue::from_static("GET, POST, PATCH, PUT, DELETE");
    let mut headers = HeaderMap::from_iter([
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ]);
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_end_go_and_the_query_stays() {
        let bare = |text: &str| without_slash(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(bare("/v1/me/?a=%2F").as_deref(), Some("/v1/me?a=%2F"));
        assert_eq!(bare("/v1/me//").as_deref(), Some("/v1/me"));
        assert_eq!((bare("/v1/me"), bare("/"), bare("//")), (None, None, None));
    }
}
