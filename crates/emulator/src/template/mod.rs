//! JWT templates: named sets of claims for tokens that other services read.

mod shortcode;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
pub(crate) use shortcode::filled;

use crate::collection::Keyed;

/// Claims that the instance writes itself.
pub(crate) const RESERVED: [&str; 7] = ["azp", "exp", "iat", "iss", "jti", "nbf", "sub"];

/// A template. Times are milliseconds since 1970, lifetimes seconds.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JwtTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) claims: Map<String, Value>,
    pub(crate) lifetime: i64,
    pub(crate) allowed_clock_skew: i64,
    /// Signs instead of the instance's key. It stands in the state file and nowhere else.
    pub(crate) own_key: Option<OwnKey>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A key of a template's own.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnKey {
    pub(crate) algorithm: Algorithm,
    /// A shared secret, or a private key as PEM.
    secret: String,
}

impl OwnKey {
    /// `None` when the algorithm is unknown or the key is none of its kind.
    pub(crate) fn new(algorithm: &str, secret: String) -> Option<Self> {
        let key = Self {
            algorithm: algorithm.parse().ok()?,
            secret,
        };
        // A key that signs nothing is found here and not when a token is wanted.
        key.sign("").ok()?;
        Some(key)
    }

    /// The signature of a token's first two parts, in base64url.
    pub(crate) fn sign(&self, message: &str) -> Result<String, jsonwebtoken::errors::Error> {
        let bytes = self.secret.as_bytes();
        let key = match self.algorithm {
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
                EncodingKey::from_secret(bytes)
            }
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(bytes)?,
            Algorithm::EdDSA => EncodingKey::from_ed_pem(bytes)?,
            _ => EncodingKey::from_rsa_pem(bytes)?,
        };
        jsonwebtoken::crypto::sign(message.as_bytes(), &key, self.algorithm)
    }
}

impl JwtTemplate {
    /// Clerk's JWTTemplate object, without the key.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "object": "jwt_template",
            "id": self.id,
            "name": self.name,
            "claims": self.claims,
            "lifetime": self.lifetime,
            "allowed_clock_skew": self.allowed_clock_skew,
            "custom_signing_key": self.own_key.is_some(),
            "signing_algorithm": self.algorithm(),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.own_key
            .as_ref()
            .map_or(Algorithm::RS256, |key| key.algorithm)
    }
}

impl Keyed for JwtTemplate {
    fn key(&self) -> &str {
        &self.id
    }
}
