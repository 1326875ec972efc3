//! Clerk's publishable key: the public text that names an instance.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Both spellings are in use: with padding and without.
const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A parsed publishable key: `pk_test_` or `pk_live_`, then base64 of the Frontend API's host and a `$`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishableKey {
    text: String,
    frontend_api: String,
    environment: Environment,
}

/// Which kind of instance a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// `pk_test_`: a development instance.
    Test,
    /// `pk_live_`: a production instance.
    Live,
}

/// The text is not a publishable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a publishable key: expected pk_test_ or pk_live_ and the base64 of a host name that ends in one $"
)]
pub struct PublishableKeyError;

impl PublishableKey {
    /// Takes the key apart. The host must be a name with a dot, so that the URLs made from it lead where they say.
    pub fn parse(text: &str) -> Result<Self, PublishableKeyError> {
        let (environment, encoded) =
            match (text.strip_prefix("pk_test_"), text.strip_prefix("pk_live_")) {
                (Some(encoded), _) => (Environment::Test, encoded),
                (_, Some(encoded)) => (Environment::Live, encoded),
                _ => return Err(PublishableKeyError),
            };
        let decoded = STANDARD.decode(encoded).map_err(|_| PublishableKeyError)?;
        let decoded = String::from_utf8(decoded).map_err(|_| PublishableKeyError)?;
        let host = decoded
            .strip_suffix('$')
            .filter(|host| is_host(host))
            .ok_or(PublishableKeyError)?;
        Ok(Self {
            text: text.to_owned(),
            frontend_api: host.to_owned(),
            environment,
        })
    }

    /// The key as it was configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The Frontend API's host, for example `clerk.example.com`.
    pub fn frontend_api(&self) -> &str {
        &self.frontend_api
    }

    /// Test or live.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// What this instance's tokens carry as `iss`.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.frontend_api)
    }

    /// The Frontend API's key set, public.
    pub fn jwks_url(&self) -> String {
        format!("https://{}/.well-known/jwks.json", self.frontend_api)
    }

    /// The suffix of this instance's cookies: 8 characters of the SHA-1 of the whole key as configured, so padding
    /// counts. (SHA-1 is Clerk's choice for telling names apart; nothing is kept secret by it.)
    pub fn cookie_suffix(&self) -> String {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, self.text.as_bytes());
        URL_SAFE_NO_PAD.encode(digest).chars().take(8).collect()
    }
}

fn is_host(host: &str) -> bool {
    let labels = |host: &str| {
        host.split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-'))
    };
    host.len() <= 253
        && host.contains('.')
        && labels(host)
        && host.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_and_the_environment_are_read() {
        for (text, host, environment) in [
            (
                "pk_test_Zm9vLWJhci0xMy5jbGVyay5hY2NvdW50cy5kZXYk",
                "foo-bar-13.clerk.accounts.dev",
                Environment::Test,
            ),
            (
                "pk_live_ZmFrZS1jbGVyay10ZXN0LmNsZXJrLmFjY291bnRzLmRldiQ=",
                "fake-clerk-test.clerk.accounts.dev",
                Environment::Live,
            ),
            (
                "pk_test_Y2xlcmsuY2xlcmsuZGV2JA",
                "clerk.clerk.dev",
                Environment::Test,
            ),
        ] {
            let key = PublishableKey::parse(text).unwrap();
            assert_eq!(
                (key.frontend_api(), key.environment(), key.as_str()),
                (host, environment, text)
            );
            assert_eq!(key.issuer(), format!("https://{host}"));
            assert_eq!(
                key.jwks_url(),
                format!("https://{host}/.well-known/jwks.json")
            );
        }
    }

    #[test]
    fn the_cookie_suffix_depends_on_the_whole_text() {
        for (text, suffix) in [
            (
                "pk_live_ZmFrZS1jbGVyay10ZXN0LmNsZXJrLmFjY291bnRzLmRldiQ=",
                "qReyu04C",
            ),
            ("pk_test_Y2xlcmsuY2xlcmsuZGV2JA", "QvfNY2dr"),
            ("pk_live_Y2xlcmsuY2xlcmsuZGV2JA", "1Z8AzTQD"),
            (
                "pk_test_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA",
                "vWCgMp3A",
            ),
            (
                "pk_live_Y2xlcmsuaW5zcGlyZWQucHVtYS03NC5sY2wuZGV2JA",
                "MqCvchyS",
            ),
        ] {
            assert_eq!(PublishableKey::parse(text).unwrap().cookie_suffix(), suffix);
        }
        let padded = PublishableKey::parse("pk_test_Y2xlcmsuY2xlcmsuZGV2JA==").unwrap();
        assert_ne!(padded.cookie_suffix(), "QvfNY2dr");
    }

    #[test]
    fn anything_else_is_refused() {
        let encode = |host: &str| format!("pk_test_{}", STANDARD.encode(host));
        for text in [
            "pk_live_aW52YWxpZGtleSQ=".to_owned(),
            "pk_live_ZmFrZS1jbGVyay1tdWx0aXBsZS5jbGVyay5hY2NvdW50cy5kZXYkJA==".to_owned(),
            "pk_live_ZmFrZS1jbGVyay1tYWxmb3JtZWQuY2xlcmsuYWNjb3VudHMuZGV2JGV4dHJh".to_owned(),
            "sk_test_Y2xlcmsuY2xlcmsuZGV2JA".to_owned(),
            "pk_test_".to_owned(),
            String::new(),
            encode("a.b"),
            encode("evil.example/path$"),
            encode("user@evil.example$"),
            encode("evil.example:80$"),
            encode("a..b$"),
            encode("evil .example$"),
        ] {
            assert_eq!(
                PublishableKey::parse(&text),
                Err(PublishableKeyError),
                "{text}"
            );
        }
    }
}
