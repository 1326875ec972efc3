//! Which Clerk instance, and how its tokens are verified.

use std::time::Duration;

use auth::{AuthConfig, AzpPolicy, ConfigFault, JwksSource, PublishableKey, Verifier};
use secrecy::SecretString;

use super::clerk_api_url;
use super::variables::Variables;

const DEFAULT_LEEWAY_SECONDS: u64 = 5;
const EMULATOR_ONLY: &str = "is the offline emulator's, which anybody can sign with: set CLERK_SYNC_ENV=development if this is no production";

const PUBLISHABLE_KEY: &str = "CLERK_PUBLISHABLE_KEY";
const DOMAIN: &str = "CLERK_DOMAIN";
const ISSUER: &str = "CLERK_ISSUER";
const JWKS_URL: &str = "CLERK_JWKS_URL";
const JWT_KEY: &str = "CLERK_JWT_KEY";
const AUTHORIZED_PARTIES: &str = "CLERK_AUTHORIZED_PARTIES";

/// All that is said of Clerk. It counts only when no fault was found.
pub(super) struct Clerk {
    pub(super) auth: AuthConfig,
    pub(super) secret_key: Option<SecretString>,
    pub(super) api_url: String,
}

/// A value, and the variable that it comes from: the one to name when it is wrong.
struct Told {
    value: String,
    by: &'static str,
}

pub(super) fn read(vars: &mut Variables<'_>, development: bool) -> Clerk {
    let secret_key = vars.secret_text("CLERK_SECRET_KEY");
    let publishable_key = publishable_key(vars);
    let issuer = issuer(vars, publishable_key.as_ref());
    let jwks = jwks(vars, publishable_key.as_ref());
    if !development {
        refuse_emulator(
            vars,
            publishable_key.as_ref(),
            secret_key.as_deref(),
            issuer.as_ref(),
        );
    }
    if vars
        .raw(AUTHORIZED_PARTIES)
        .is_some_and(|list| list.is_empty())
    {
        vars.fault(
            AUTHORIZED_PARTIES,
            "is set but empty: name the origins of your pages, or unset it",
        );
    }
    let auth = AuthConfig {
        jwks: jwks.as_ref().map(|told| JwksSource {
            url: told.value.clone(),
            bearer: None,
        }),
        jwt_key: vars.secret_text(JWT_KEY),
        authorized_parties: vars.list(AUTHORIZED_PARTIES),
        azp_policy: vars.choice(
            "CLERK_AZP_POLICY",
            &[
                ("off", AzpPolicy::Off),
                ("observe", AzpPolicy::Observe),
                ("if-present", AzpPolicy::IfPresent),
                ("enforce", AzpPolicy::Enforce),
            ],
            AzpPolicy::Enforce,
        ),
        audience: vars.raw("CLERK_AUDIENCE"),
        leeway: Duration::from_secs(vars.number(
            "CLERK_LEEWAY_SECONDS",
            DEFAULT_LEEWAY_SECONDS,
            0..=10,
        )),
        accept_emulator_keys: development,
        token_cache_capacity: super::cache::tokens(vars),
        publishable_key,
        ..AuthConfig::new(issuer.as_ref().map_or("", |told| &told.value))
    };
    if let Err(error) = Verifier::new(&auth) {
        for fault in error.faults {
            name(vars, &fault, issuer.as_ref(), jwks.as_ref());
        }
    }
    Clerk {
        auth,
        secret_key: secret_key.map(SecretString::from),
        api_url: clerk_api_url::read(vars),
    }
}

fn publishable_key(vars: &mut Variables<'_>) -> Option<PublishableKey> {
    let text = vars.text(PUBLISHABLE_KEY)?;
    PublishableKey::parse(&text)
        .map_err(|error| vars.fault(PUBLISHABLE_KEY, error.to_string()))
        .ok()
}

fn refuse_emulator(
    vars: &mut Variables<'_>,
    publishable_key: Option<&PublishableKey>,
    secret_key: Option<&str>,
    issuer: Option<&Told>,
) {
    if publishable_key.is_some_and(|key| key.frontend_api() == emulator::FRONTEND_API_HOST) {
        vars.fault(PUBLISHABLE_KEY, EMULATOR_ONLY);
    }
    if secret_key == Some(emulator::SECRET_KEY) {
        vars.fault("CLERK_SECRET_KEY", EMULATOR_ONLY);
    }
    if let Some(issuer) = issuer.filter(|issuer| issuer.value == emulator::ISSUER) {
        vars.fault(issuer.by, EMULATOR_ONLY);
    }
}

/// `CLERK_ISSUER`, else `https://` and `CLERK_DOMAIN`, else what the publishable key says.
fn issuer(vars: &Variables<'_>, publishable_key: Option<&PublishableKey>) -> Option<Told> {
    let own = vars.text(ISSUER).map(|value| Told { value, by: ISSUER });
    own.or_else(|| domain_origin(vars)).or_else(|| {
        publishable_key.map(|key| Told {
            value: key.issuer(),
            by: PUBLISHABLE_KEY,
        })
    })
}

/// `CLERK_JWKS_URL`, else the Frontend API's public key set.
fn jwks(vars: &Variables<'_>, publishable_key: Option<&PublishableKey>) -> Option<Told> {
    let own = vars.text(JWKS_URL).map(|value| Told {
        value,
        by: JWKS_URL,
    });
    own.or_else(|| {
        domain_origin(vars).map(|origin| Told {
            value: format!("{}/.well-known/jwks.json", origin.value),
            ..origin
        })
    })
    .or_else(|| {
        publishable_key.map(|key| Told {
            value: key.jwks_url(),
            by: PUBLISHABLE_KEY,
        })
    })
}

fn domain_origin(vars: &Variables<'_>) -> Option<Told> {
    let host = vars.text(DOMAIN)?;
    let bare = host
        .strip_prefix("https://")
        .unwrap_or(&host)
        .trim_end_matches('/');
    Some(Told {
        value: format!("https://{bare}"),
        by: DOMAIN,
    })
}

/// Names the variable behind a fault that the verifier found.
fn name(vars: &mut Variables<'_>, fault: &ConfigFault, issuer: Option<&Told>, jwks: Option<&Told>) {
    let (variable, message) = match (fault, issuer) {
        (ConfigFault::Issuer, Some(issuer)) => (issuer.by, fault.to_string()),
        (ConfigFault::Issuer | ConfigFault::NoKeySource, None) => (
            PUBLISHABLE_KEY,
            "nothing says which Clerk instance: set it (pk_…), or CLERK_DOMAIN, or CLERK_ISSUER with a key source"
                .to_owned(),
        ),
        // The key is there, with a fault of its own.
        (ConfigFault::NoKeySource, Some(_)) if vars.is_faulty(JWT_KEY) => return,
        (ConfigFault::NoKeySource, Some(_)) => (
            PUBLISHABLE_KEY,
            format!("{fault}: set it (pk_…), or {JWKS_URL}, or {JWT_KEY}"),
        ),
        (ConfigFault::NoAuthorizedParties, _) => (
            AUTHORIZED_PARTIES,
            "is missing: name the origins of your pages (https://app.example.com), or set CLERK_AZP_POLICY=off"
                .to_owned(),
        ),
        (
            ConfigFault::JwksUrl
            | ConfigFault::JwksBearer
            | ConfigFault::HttpClient
            | ConfigFault::KeyCache,
            _,
        ) => (jwks.map_or(JWKS_URL, |told| told.by), fault.to_string()),
        (ConfigFault::JwtKey(_), _) => (JWT_KEY, fault.to_string()),
        (ConfigFault::EmptyAuthorizedParty, _) => (AUTHORIZED_PARTIES, fault.to_string()),
        (ConfigFault::EmptyAudience, _) => ("CLERK_AUDIENCE", fault.to_string()),
        (ConfigFault::TokenCache, _) => ("TOKEN_CACHE_CAPACITY", fault.to_string()),
        (ConfigFault::Leeway, _) => ("CLERK_LEEWAY_SECONDS", fault.to_string()),
    };
    vars.fault(variable, message);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn the_publishable_key_says_which_instance() {
        let auth = read(&good()).unwrap().auth;
        assert_eq!(auth.issuer, "https://clerk.example.com");
        let url = auth.jwks.unwrap().url;
        assert_eq!(url, "https://clerk.example.com/.well-known/jwks.json");
        assert!(!auth.accept_emulator_keys);
    }

    #[test]
    fn the_domain_says_it_too_and_wins() {
        for domain in ["clerk.example.org", "https://clerk.example.org/"] {
            for key in ["", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"] {
                let settings = with(&[("CLERK_DOMAIN", domain), ("CLERK_PUBLISHABLE_KEY", key)]);
                let auth = read(&settings).unwrap().auth;
                assert_eq!(auth.issuer, "https://clerk.example.org");
                let url = auth.jwks.unwrap().url;
                assert_eq!(url, "https://clerk.example.org/.well-known/jwks.json");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_the_instance_names_one_variable() {
        let without_key = |own: &[(&'static str, &'static str)]| {
            with(&[&[("CLERK_PUBLISHABLE_KEY", "")], own].concat())
        };
        for (settings, expected) in [
            (without_key(&[]), "CLERK_PUBLISHABLE_KEY"),
            (
                with(&[("CLERK_PUBLISHABLE_KEY", "pk_live_nothing")]),
                "CLERK_PUBLISHABLE_KEY",
            ),
            (
                with(&[
                    ("CLERK_PUBLISHABLE_KEY", "pk_live_nothing"),
                    ("CLERK_ISSUER", "https://clerk.example.com"),
                ]),
                "CLERK_PUBLISHABLE_KEY",
            ),
            (
                without_key(&[("CLERK_DOMAIN", "http://clerk.example.com")]),
                "CLERK_DOMAIN",
            ),
            (
                without_key(&[("CLERK_DOMAIN", "not a host")]),
                "CLERK_DOMAIN",
            ),
            (
                with(&[("CLERK_ISSUER", "clerk.example.com")]),
                "CLERK_ISSUER",
            ),
            (
                without_key(&[("CLERK_ISSUER", "https://clerk.example.com")]),
                "CLERK_PUBLISHABLE_KEY",
            ),
            (
                without_key(&[("CLERK_JWKS_URL", "https://clerk.example.com/jwks")]),
                "CLERK_PUBLISHABLE_KEY",
            ),
            (
                with(&[("CLERK_JWKS_URL", "http://clerk.example.com/jwks")]),
                "CLERK_JWKS_URL",
            ),
            (
                without_key(&[
                    ("CLERK_ISSUER", "https://clerk.example.com"),
                    ("CLERK_JWT_KEY_FILE", "/no/such/file"),
                ]),
                "CLERK_JWT_KEY",
            ),
            (with(&[("CLERK_JWT_KEY", "no key")]), "CLERK_JWT_KEY"),
        ] {
            assert_eq!(faulty(&settings), [expected], "{settings:?}");
        }
    }

    #[test]
    fn a_pem_key_alone_needs_the_issuer_only() {
        let key = emulator::SigningKey::generate().unwrap();
        let settings = with(&[
            ("CLERK_PUBLISHABLE_KEY", ""),
            ("CLERK_ISSUER", "https://clerk.example.com"),
            ("CLERK_JWT_KEY", key.public_pem()),
        ]);
        let auth = read(&settings).unwrap().auth;
        assert_eq!(auth.issuer, "https://clerk.example.com");
        assert!(auth.jwks.is_none() && auth.jwt_key.is_some());
    }

    #[test]
    fn the_emulator_is_for_development_only() {
        let key = emulator::publishable_key();
        for (name, value) in [
            ("CLERK_PUBLISHABLE_KEY", key.as_str()),
            ("CLERK_SECRET_KEY", emulator::SECRET_KEY),
            ("CLERK_ISSUER", emulator::ISSUER),
            ("CLERK_DOMAIN", emulator::FRONTEND_API_HOST),
        ] {
            let mut settings = with(&[(name, value)]);
            assert_eq!(faulty(&settings), [name]);
            settings.push(("CLERK_SYNC_ENV", "development"));
            assert!(read(&settings).unwrap().auth.accept_emulator_keys);
        }
    }

    #[test]
    fn parties_are_named_or_the_policy_is_off() {
        let parties = |list| ("CLERK_AUTHORIZED_PARTIES", list);
        let off = ("CLERK_AZP_POLICY", "off");
        let unset: Vec<_> = good()
            .into_iter()
            .filter(|(name, _)| *name != "CLERK_AUTHORIZED_PARTIES")
            .collect();
        assert_eq!(faulty(&unset), ["CLERK_AUTHORIZED_PARTIES"]);
        assert!(read(&[&unset[..], &[off]].concat()).is_ok());
        for list in ["", " ", "https://a.example,", ",https://a.example"] {
            let settings = with(&[parties(list), off]);
            assert_eq!(faulty(&settings), ["CLERK_AUTHORIZED_PARTIES"], "{list:?}");
        }
        let auth = read(&with(&[parties(" https://a.example , https://b.example ")]))
            .unwrap()
            .auth;
        assert_eq!(
            auth.authorized_parties,
            ["https://a.example", "https://b.example"]
        );
    }
}
