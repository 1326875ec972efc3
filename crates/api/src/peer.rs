//! Where a request comes from.
//!
//! The connection says so. Where it is a proxy's that the configuration trusts, the proxies say it in `X-Forwarded-For`:
//! each adds whom it was called by at the end, so the list is read from its end for as long as proxies are trusted. What
//! stands before that anybody may have written.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::app::App;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies in a row, at most.
const MOST_HOPS: usize = 32;

/// The address of whoever sent the request, where the server has noted it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) Option<IpAddr>);

impl PeerAddress {
    /// Of a request, by its connection and its headers.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let noted = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = noted.map(|ConnectInfo(address)| address.ip().to_canonical());
        Self(peer.map(|peer| client(peer, headers, trusted)))
    }

    /// Of a request to this application.
    pub(crate) fn in_parts(parts: &Parts, app: &App) -> Self {
        let trusted = &app.settings.trusted_proxies;
        Self::of(&parts.extensions, &parts.headers, trusted)
    }
}

impl FromRequestParts<App> for PeerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::in_parts(parts, app))
    }
}

impl App {
    /// Whether the request was passed on by a proxy whose word counts.
    #[must_use]
    pub fn comes_by_proxy(&self, extensions: &Extensions) -> bool {
        let noted = extensions.get::<ConnectInfo<SocketAddr>>();
        let trusted = &self.settings.trusted_proxies;
        noted.is_some_and(|ConnectInfo(address)| {
            let peer = address.ip().to_canonical();
            trusted.iter().any(|net| net.contains(&peer))
        })
    }
}

/// The first address, from the near end, that is no trusted proxy's; the last that can be read, where something stands that
/// is no address.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    if trusted.is_empty() {
        return peer;
    }
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut hops = lines
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
        .take(MOST_HOPS);
    let mut nearest = peer;
    while is_trusted(&nearest) {
        let Some(hop) = hops.next().and_then(address) else {
            break;
        };
        nearest = hop;
    }
    nearest
}

/// An address as proxies write it, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse::<IpAddr>().ok();
    let ip = ip.or_else(|| {
        text.parse::<SocketAddr>()
            .ok()
            .map(|with_port| with_port.ip())
    });
    ip.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn found(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        for lines in [&["198.51.100.7"][..], &["10.0.0.1, 198.51.100.7"], &[]] {
            assert_eq!(found("203.0.113.9", lines, &[]), "203.0.113.9");
            assert_eq!(found("203.0.113.9", lines, &["10.0.0.0/8"]), "203.0.113.9");
        }
    }

    #[test]
    fn the_list_is_read_from_its_end_while_proxies_are_trusted() {
        let trusted = &["10.0.0.0/8", "::1/128"];
        for (lines, expected) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            // What the client wrote himself is before what a proxy saw.
            (&["192.0.2.1, 198.51.100.7"], "198.51.100.7"),
            (&["192.0.2.1", "198.51.100.7"], "198.51.100.7"),
            (&["192.0.2.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::7]:4711"], "2001:db8::7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["nobody"], "10.0.0.1"),
            (&["198.51.100.7, "], "10.0.0.1"),
            (&[], "10.0.0.1"),
            // Nothing but proxies: the farthest of them.
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            assert_eq!(found("10.0.0.1", lines, trusted), expected, "{lines:?}");
        }
        let many = vec!["10.0.0.2"; 10_000].join(",");
        assert_eq!(found("::1", &[&many], trusted), "10.0.0.2");
    }
}
