//! Keeps web pages of other origins away from the control API: a page that a developer merely visits must not mint
//! tokens or point webhooks at his network.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::backend::ApiError;

/// Refuses a request whose `Origin` is not on this machine, or whose `Host` is a name (which a page can make resolve
/// to this machine). Addresses are let through: whoever allowed another bind address reaches the emulator by one.
pub(crate) async fn refuse_foreign_pages(
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if is_foreign(request.headers()) {
        let long = "The control API answers this machine's programs and pages only.";
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "origin_invalid",
            "not from there",
            long,
        ));
    }
    Ok(next.run(request).await)
}

fn is_foreign(headers: &HeaderMap) -> bool {
    let foreign_origin =
        headers.contains_key(ORIGIN) && !text(headers, ORIGIN).is_some_and(|it| is_near(it, true));
    let foreign_host =
        headers.contains_key(HOST) && !text(headers, HOST).is_some_and(|it| is_near(it, false));
    foreign_origin || foreign_host
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn is_near(value: &str, loopback_only: bool) -> bool {
    let Ok(uri) = value.parse::<Uri>() else {
        return false;
    };
    let Some(host) = uri.host() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(address) => !loopback_only || address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(name: HeaderName, value: &str) -> bool {
        is_foreign(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    #[test]
    fn pages_of_this_machine_pass_and_others_do_not() {
        for near in [
            "http://localhost:3000",
            "http://127.0.0.1:4100",
            "http://[::1]:4100",
            "http://app.localhost",
        ] {
            assert!(!foreign(ORIGIN, near), "{near}");
        }
        for far in [
            "https://evil.example",
            "null",
            "http://10.0.0.7",
            "http://localhost.evil.example",
        ] {
            assert!(foreign(ORIGIN, far), "{far}");
        }
        assert!(!is_foreign(&HeaderMap::new()));
    }

    #[test]
    fn a_name_that_was_made_to_point_here_does_not_pass() {
        assert!(foreign(HOST, "evil.example:4100"));
        for near in [
            "127.0.0.1:4100",
            "localhost:4100",
            "[::1]:4100",
            "192.168.1.5:4100",
        ] {
            assert!(!foreign(HOST, near), "{near}");
        }
    }
}
