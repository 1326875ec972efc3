//! What each of Clerk's clients must be told to talk to an emulator instead of to Clerk.

use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::emulator::publishable_key;

/// A client, or a service with settings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Clerk's browser bundles, by script tag or import.
    ClerkJs,
    /// `@clerk/nextjs`.
    Next,
    /// `@clerk/express` and `@clerk/fastify`.
    Express,
    /// `@clerk/backend`.
    Backend,
    /// PyPI's `clerk-backend-api`.
    Python,
    /// crates.io's `clerk-rs`.
    Rust,
    /// This workspace's service.
    ClerkSync,
}

/// How settings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettingsFormat {
    /// `NAME=value`, in double quotes where needed.
    #[default]
    Dotenv,
    /// `export NAME='value'`.
    Shell,
    /// One object.
    Json,
}

/// What is known of an emulator.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'a> {
    /// Such as `http://127.0.0.1:4100`.
    pub origin: &'a str,
    /// `whsec_…`.
    pub webhook_secret: Option<&'a str>,
    /// The public key as PEM.
    pub jwt_key: Option<&'a str>,
}

/// A client's name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a client: name one of {}", Client::names())]
pub struct UnknownClient;

impl Client {
    /// Every client.
    pub const ALL: [Self; 7] = [
        Self::ClerkJs,
        Self::Next,
        Self::Express,
        Self::Backend,
        Self::Python,
        Self::Rust,
        Self::ClerkSync,
    ];

    /// Such as `clerk-js`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClerkJs => "clerk-js",
            Self::Next => "next",
            Self::Express => "express",
            Self::Backend => "backend",
            Self::Python => "python",
            Self::Rust => "rust",
            Self::ClerkSync => "clerk-sync",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Names and values. A value that is not known is left out.
    #[must_use]
    pub fn settings(self, reached: Reached<'_>) -> Vec<(&'static str, String)> {
        let Reached {
            origin,
            webhook_secret,
            jwt_key,
        } = reached;
        let proxy = format!("{origin}/__clerk");
        let bundle =
            |package: &str, file: &str| format!("{proxy}/npm/@clerk/{package}/dist/{file}");
        let js = bundle("clerk-js@6", "clerk.browser.js");
        let ui = bundle("ui@1", "ui.browser.js");
        let key = publishable_key();
        let secret_key = crate::SECRET_KEY.to_owned();
        let webhook_secret = webhook_secret.map(str::to_owned);
        let mut settings = match self {
            Self::ClerkJs => vec![
                ("CLERK_PUBLISHABLE_KEY", key),
                ("CLERK_PROXY_URL", proxy),
                ("CLERK_JS_URL", js),
                ("CLERK_UI_URL", ui),
            ],
            Self::Next => vec![
                ("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", key),
                ("CLERK_SECRET_KEY", secret_key),
                ("CLERK_API_URL", origin.to_owned()),
                ("NEXT_PUBLIC_CLERK_PROXY_URL", proxy),
                ("NEXT_PUBLIC_CLERK_JS_URL", js),
                ("NEXT_PUBLIC_CLERK_UI_URL", ui),
                ("NEXT_PUBLIC_CLERK_TELEMETRY_DISABLED", "1".to_owned()),
                ("NEXT_PUBLIC_CLERK_KEYLESS_DISABLED", "1".to_owned()),
            ],
            Self::Express | Self::Backend => vec![
                ("CLERK_PUBLISHABLE_KEY", key),
                ("CLERK_SECRET_KEY", secret_key),
                ("CLERK_API_URL", origin.to_owned()),
                ("CLERK_PROXY_URL", proxy),
                ("CLERK_TELEMETRY_DISABLED", "1".to_owned()),
            ],
            // Its calls want the version in the URL, its verification does not.
            Self::Python => vec![
                ("CLERK_SECRET_KEY", secret_key),
                ("CLERK_SERVER_URL", format!("{origin}/v1")),
                ("CLERK_API_URL", origin.to_owned()),
            ],
            Self::Rust => vec![
                ("CLERK_SECRET_KEY", secret_key),
                ("CLERK_BASE_PATH", format!("{origin}/v1")),
            ],
            Self::ClerkSync => vec![
                ("CLERK_PUBLISHABLE_KEY", key),
                ("CLERK_SECRET_KEY", secret_key),
                ("CLERK_API_URL", origin.to_owned()),
                ("CLERK_JWKS_URL", format!("{origin}/.well-known/jwks.json")),
                ("CLERK_ISSUER", crate::ISSUER.to_owned()),
                ("CLERK_SYNC_ENV", "development".to_owned()),
            ],
        };
        let hook_name = match self {
            Self::ClerkJs | Self::Rust => None,
            Self::Python | Self::ClerkSync => Some("CLERK_WEBHOOK_SECRET"),
            Self::Next | Self::Express | Self::Backend => Some("CLERK_WEBHOOK_SIGNING_SECRET"),
        };
        settings.extend(hook_name.zip(webhook_secret));
        // Its `authenticate_request` asks Clerk itself for keys unless it has one.
        if let (Self::Python, Some(pem)) = (self, jwt_key) {
            settings.push(("CLERK_JWT_KEY", pem.to_owned()));
        }
        settings
    }
}

impl FromStr for Client {
    type Err = UnknownClient;

    fn from_str(text: &str) -> Result<Self, UnknownClient> {
        let mut all = Self::ALL.into_iter();
        all.find(|client| client.name() == text)
            .ok_or(UnknownClient)
    }
}

impl SettingsFormat {
    /// The settings as text, ending with a line break.
    #[must_use]
    pub fn write(self, settings: &[(&str, String)]) -> String {
        let mut text = String::new();
        match self {
            Self::Dotenv => {
                for (name, value) in settings {
                    let _ = writeln!(text, "{name}={}", dotenv_value(value));
                }
            }
            Self::Shell => {
                for (name, value) in settings {
                    let _ = writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"));
                }
            }
            Self::Json => {
                let members = settings.iter();
                let object: Map<String, Value> = members
                    .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
                    .collect();
                let _ = writeln!(text, "{:#}", Value::Object(object));
            }
        }
        text
    }
}

/// Plain where no reader of such files can misunderstand it, else in double quotes with `\n` for line breaks.
fn dotenv_value(value: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.:/@+=%,".contains(it);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
    let escaped = escaped.replace('$', r"\$").replace('\n', r"\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REACHED: Reached<'_> = Reached {
        origin: "http://127.0.0.1:4100",
        webhook_secret: Some("whsec_AAAA"),
        jwt_key: Some("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
    };

    #[test]
    fn every_client_has_a_name_and_knows_where_the_emulator_is() {
        for client in Client::ALL {
            assert_eq!(client.name().parse(), Ok(client));
            let text = SettingsFormat::Dotenv.write(&client.settings(REACHED));
            assert!(text.contains("http://127.0.0.1:4100"), "{text}");
        }
        let unknown = "nextjs".parse::<Client>().unwrap_err();
        assert!(unknown.to_string().contains("clerk-js, next"), "{unknown}");
    }

    #[test]
    fn the_version_is_in_the_url_only_where_the_client_wants_it() {
        let of = |client: Client, name: &str| {
            let mut settings = client.settings(REACHED).into_iter();
            settings.find(|(it, _)| *it == name).map(|(_, value)| value)
        };
        assert_eq!(
            of(Client::Backend, "CLERK_API_URL").as_deref(),
            Some(REACHED.origin)
        );
        assert!(
            of(Client::Python, "CLERK_SERVER_URL")
                .unwrap()
                .ends_with("/v1")
        );
        assert!(
            of(Client::Rust, "CLERK_BASE_PATH")
                .unwrap()
                .ends_with("/v1")
        );
        assert!(of(Client::Next, "CLERK_WEBHOOK_SIGNING_SECRET").is_some());
        assert_eq!(
            of(Client::ClerkJs, "CLERK_SECRET_KEY"),
            None,
            "a page has no secrets"
        );
    }

    #[test]
    fn each_format_carries_every_value_whole() {
        let settings = [
            ("A", "x y'z\"$\n".to_owned()),
            ("B", "http://h:1/p".to_owned()),
        ];
        assert_eq!(
            SettingsFormat::Dotenv.write(&settings),
            "A=\"x y'z\\\"\\$\\n\"\nB=http://h:1/p\n"
        );
        assert_eq!(
            SettingsFormat::Shell.write(&settings),
            "export A='x y'\\''z\"$\n'\nexport B='http://h:1/p'\n"
        );
        let json: Value = serde_json::from_str(&SettingsFormat::Json.write(&settings)).unwrap();
        assert_eq!(json["A"], settings[0].1);
    }
}
