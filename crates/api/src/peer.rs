//! Where a connection comes from.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;

use crate::app::App;

/// The address at the other end of the connection, where the server has noted it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) Option<IpAddr>);

impl FromRequestParts<App> for PeerAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let noted = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(noted.map(|ConnectInfo(address)| address.ip())))
    }
}
