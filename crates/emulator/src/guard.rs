//! Keeps web pages of other origins away from the control API: a page that a developer merely visits must not mint
//! tokens or point webhooks at his network.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::backend::ApiError;

/// Refuses a request whose `Origin` is not on this machine. On a loopback address it also refuses a `Host` that is a
/// name, which a page can make resolve to this machine; elsewhere, in a container say, names are how it is reached.
pub(crate) async fn refuse_foreign_pages(
    State(loopback): State<bool>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if is_foreign(request.headers(), loopback) {
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

fn is_foreign(headers: &HeaderMap, loopback: bool) -> bool {
    is_far(headers, ORIGIN) || (loopback && is_far(headers, HOST))
}

/// Whether the header is there and names anything but this machine.
fn is_far(headers: &HeaderMap, name: HeaderName) -> bool {
    headers.get(name).is_some_and(is_far_from)
}

/// Whether the origin or host is anything but this machine.
pub(crate) fn is_far_from(value: &HeaderValue) -> bool {
    let text = value.to_str().ok();
    let uri = text.and_then(|text| text.parse::<Uri>().ok());
    !uri.as_ref()
        .and_then(Uri::host)
        .is_some_and(is_this_machine)
}

/// Whether the request is addressed to a name that is neither this machine's nor that of `origin`.
pub(crate) fn is_foreign_host(headers: &HeaderMap, origin: &str) -> bool {
    let own = origin.split_once("://").map(|(_, host)| host);
    headers
        .get(HOST)
        .is_some_and(|value| is_far_from(value) && Some(value.as_bytes()) != own.map(str::as_bytes))
}

/// Whether the host, without its port, is this machine.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    loopback || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(name: HeaderName, value: &str) -> bool {
        is_foreign(
            &HeaderMap::from_iter([(name, value.parse().unwrap())]),
            true,
        )
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
        assert!(!is_foreign(&HeaderMap::new(), true));
    }

    #[test]
    fn a_name_that_was_made_to_point_here_does_not_pass() {
        assert!(foreign(HOST, "evil.example:4100"));
        for near in ["127.0.0.1:4100", "localhost:4100", "[::1]:4100"] {
            assert!(!foreign(HOST, near), "{near}");
        }
        let named = HeaderMap::from_iter([(HOST, "emulator:4100".parse().unwrap())]);
        assert!(is_foreign(&named, true) && !is_foreign(&named, false));
    }
}
