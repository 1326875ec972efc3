//! An axum application of its own, protected by Clerk's session tokens.
//!
//! ```text
//! cargo run -p auth --features axum --example protect_axum -- pk_test_… https://app.example.com
//! curl -i http://127.0.0.1:3000/hello -H "Authorization: Bearer <session token>"
//! ```
#![allow(clippy::print_stdout, reason = "an example speaks to its terminal")]

#[path = "protect_axum/app.rs"]
mod app;

use auth::axum::Sessions;
use auth::{AuthConfig, PublishableKey};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(key), Some(origin)) = (arguments.next(), arguments.next()) else {
        return Err("usage: protect_axum <publishable key> <origin of the page>".into());
    };
    let config = AuthConfig {
        authorized_parties: vec![origin],
        ..AuthConfig::for_instance(PublishableKey::parse(&key)?)
    };
    let app = app::router(Sessions::new(&config)?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/hello", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
