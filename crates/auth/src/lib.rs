//! Turns a request's credentials into the verified claims of a Clerk session, or into a refusal with a reason code.
//!
//! In: headers, or a token, and the time. Out: [`SessionClaims`] or [`TokenError`]. The crate will never know users,
//! databases, routes or status codes, and never asks Clerk anything but for its public keys.
//!
//! The order is fixed: shape and header, key by `kid` from the configured key set only, signature, then the claims. RS256
//! is the only algorithm there is. What a template may add to a token can never refuse it; what decides can never be
//! absent or of another type.
//!
//! # Example
//!
//! ```
//! use auth::{AuthConfig, Authenticator, PublishableKey};
//! use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let key = PublishableKey::parse("pk_test_Y2xlcmsuY2xlcmsuZGV2JA")?;
//! let config = AuthConfig {
//!     authorized_parties: vec!["https://app.example.com".to_owned()],
//!     ..AuthConfig::for_instance(key)
//! };
//! let authenticator = Authenticator::new(&config)?;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer not.a.token"));
//! match authenticator.authenticate(&headers, chrono::Utc::now()).await {
//!     Ok(session) => println!("hello, {}", session.claims.user_id),
//!     Err(refusal) => assert_eq!(refusal.code(), "token_malformed"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorized_parties;
#[cfg(feature = "axum")]
pub mod axum;
mod claims;
mod compact;
mod config;
mod credentials;
mod entitlements;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod header;
mod jwks;
mod key_ring;
mod key_source;
pub mod legacy;
mod permissions;
mod publishable_key;
mod rules;
mod shared_lists;
mod shown;
mod strict_json;
mod verdicts;
mod verifier;
mod verifying_key;

pub use claims::{
    ActiveOrganization, Actor, CustomClaims, FactorAges, Feature, Plan, SessionClaims,
    SessionStatus,
};
pub use config::{AuthConfig, AzpPolicy, ConfigError, ConfigFault, JwksSource, KeyCacheSettings};
pub use credentials::{Credential, CredentialFinder, CredentialKind, cookies};
pub use error::TokenError;
pub use handshake::{CookieSite, PageCookie, PageCookies};
pub use key_ring::{KeyRing, KeyRingHealth};
#[cfg(feature = "mock")]
pub use key_source::MockKeySource;
pub use key_source::{HttpKeySource, KeySource, KeySourceError};
pub use publishable_key::{Environment, PublishableKey, PublishableKeyError};
pub use shown::Shown;
pub use verdicts::VerdictCounts;
pub use verifier::{Authenticated, Authenticator, Verifier};
