//! Which Clerk instance, and how its tokens are verified.

use std::time::Duration;

use auth::{AuthConfig, AzpPolicy, ConfigFault, JwksSource, PublishableKey, Verifier};
use secrecy::SecretString;

use super::variables::Variables;

const DEFAULT_LEEWAY_SECONDS: u64 = 5;
const EMULATOR_ONLY: &str = "is the offline emulator's, which anybody can sign with: set CLERK_SYNC_ENV=development if this is no production";

/// The verifier's settings and the secret key. The result counts only when no fault was found.
pub(super) fn read(
    vars: &mut Variables<'_>,
    development: bool,
) -> (AuthConfig, Option<SecretString>) {
    let secret_key = vars.secret_text("CLERK_SECRET_KEY");
    let publishable_key = publishable_key(vars);
    refuse_emulator(
        vars,
        development,
        publishable_key.as_ref(),
        secret_key.as_deref(),
    );
    let config = AuthConfig {
        jwks: jwks(vars, publishable_key.as_ref()),
        jwt_key: vars.secret_text("CLERK_JWT_KEY"),
        authorized_parties: vars.list("CLERK_AUTHORIZED_PARTIES"),
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
        ..AuthConfig::new(issuer(vars, publishable_key.as_ref()))
    };
    let config = AuthConfig {
        publishable_key,
        ..config
    };
    if vars
        .raw("CLERK_AUTHORIZED_PARTIES")
        .is_some_and(|list| list.is_empty())
    {
        vars.fault(
            "CLERK_AUTHORIZED_PARTIES",
            "is set but empty: name the origins of your pages, or unset it",
        );
    }
    if let Err(error) = Verifier::new(&config) {
        for fault in error.faults {
            name(vars, &fault);
        }
    }
    (config, secret_key.map(SecretString::from))
}

fn publishable_key(vars: &mut Variables<'_>) -> Option<PublishableKey> {
    const NAME: &str = "CLERK_PUBLISHABLE_KEY";
    let text = vars.text(NAME)?;
    PublishableKey::parse(&text)
        .map_err(|error| vars.fault(NAME, error.to_string()))
        .ok()
}

fn refuse_emulator(
    vars: &mut Variables<'_>,
    development: bool,
    publishable_key: Option<&PublishableKey>,
    secret_key: Option<&str>,
) {
    if development {
        return;
    }
    if publishable_key.is_some_and(|key| key.frontend_api() == emulator::FRONTEND_API_HOST) {
        vars.fault("CLERK_PUBLISHABLE_KEY", EMULATOR_ONLY);
    }
    if secret_key == Some(emulator::SECRET_KEY) {
        vars.fault("CLERK_SECRET_KEY", EMULATOR_ONLY);
    }
    if vars.text("CLERK_ISSUER").as_deref() == Some(emulator::ISSUER) {
        vars.fault("CLERK_ISSUER", EMULATOR_ONLY);
    }
}

/// `CLERK_ISSUER`, else `https://` and `CLERK_DOMAIN`, else what the publishable key says.
fn issuer(vars: &mut Variables<'_>, publishable_key: Option<&PublishableKey>) -> String {
    vars.text("CLERK_ISSUER")
        .or_else(|| domain_origin(vars))
        .or_else(|| publishable_key.map(PublishableKey::issuer))
        .unwrap_or_default()
}

/// `CLERK_JWKS_URL`, else the Frontend API's public key set.
fn jwks(vars: &mut Variables<'_>, publishable_key: Option<&PublishableKey>) -> Option<JwksSource> {
    let url = vars
        .text("CLERK_JWKS_URL")
        .or_else(|| domain_origin(vars).map(|origin| format!("{origin}/.well-known/jwks.json")))
        .or_else(|| publishable_key.map(PublishableKey::jwks_url))?;
    Some(JwksSource { url, bearer: None })
}

fn domain_origin(vars: &mut Variables<'_>) -> Option<String> {
    let host = vars.text("CLERK_DOMAIN")?;
    let bare = host
        .strip_prefix("https://")
        .unwrap_or(&host)
        .trim_end_matches('/');
    Some(format!("https://{bare}"))
}

/// Names the variable behind a fault that the verifier found.
fn name(vars: &mut Variables<'_>, fault: &ConfigFault) {
    let no_instance =
        || vars.text("CLERK_PUBLISHABLE_KEY").is_none() && vars.text("CLERK_DOMAIN").is_none();
    let (variable, advice) = match fault {
        ConfigFault::Issuer if vars.text("CLERK_ISSUER").is_none() && no_instance() => (
            "CLERK_PUBLISHABLE_KEY",
            ": set it (pk_…), or CLERK_DOMAIN, or CLERK_ISSUER",
        ),
        ConfigFault::Issuer => ("CLERK_ISSUER", ""),
        ConfigFault::NoKeySource if no_instance() => (
            "CLERK_PUBLISHABLE_KEY",
            ": set it (pk_…), or CLERK_JWKS_URL, or CLERK_JWT_KEY",
        ),
        // The key itself has a fault of its own then.
        ConfigFault::NoKeySource => return,
        ConfigFault::JwksUrl | ConfigFault::JwksBearer => ("CLERK_JWKS_URL", ""),
        ConfigFault::JwtKey(_) => ("CLERK_JWT_KEY", ""),
        ConfigFault::NoAuthorizedParties => (
            "CLERK_AUTHORIZED_PARTIES",
            ": name the origins of your pages (https://app.example.com), or set CLERK_AZP_POLICY=off",
        ),
        ConfigFault::EmptyAuthorizedParty => ("CLERK_AUTHORIZED_PARTIES", ""),
        ConfigFault::EmptyAudience => ("CLERK_AUDIENCE", ""),
        ConfigFault::Leeway => ("CLERK_LEEWAY_SECONDS", ""),
        ConfigFault::HttpClient | ConfigFault::KeyCache => ("CLERK_JWKS_URL", ""),
    };
    let words = if advice.contains("set it") {
        "nothing says which Clerk instance".to_owned()
    } else {
        fault.to_string()
    };
    vars.fault(variable, format!("{words}{advice}"));
}
