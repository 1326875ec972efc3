//! Clerk: whether the keys belong together, whether its key set can be had, and whether the clocks agree.

use std::time::Duration;

use api::MOST_CLOCK_SKEW;
use auth::{Authenticator, Environment};
use chrono::Utc;
use clerk::{ClerkApi, clock_ahead};
use domain::{Directory as _, Listing};
use secrecy::ExposeSecret as _;

use super::finding::{Finding, chain};
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the keys are of one instance, as far as they say it.
pub(super) fn keys(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "keys";
    let mut findings = Vec::new();
    let publishable = config.auth.publishable_key.as_ref();
    let secret = config
        .clerk_api
        .as_ref()
        .map(|api| api.secret_key.expose_secret());
    match (publishable, secret) {
        (Some(publishable), Some(secret)) => {
            let is_live = publishable.environment() == Environment::Live;
            if is_live != secret.starts_with("sk_live_") {
                findings.push(Finding::fail(
                    CHECK,
                    "CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY are of different instances: one is for production, the \
                     other for development",
                    "copy both from the same instance, under API keys in Clerk's dashboard",
                ));
            }
        }
        (_, None) => findings.push(Finding::warn(
            CHECK,
            "without CLERK_SECRET_KEY nothing is compared with Clerk, and what webhooks missed stays missed",
            "set CLERK_SECRET_KEY to the instance's secret key",
        )),
        (None, Some(_)) => {}
    }
    if let Some(publishable) = publishable
        && publishable.issuer() != config.auth.issuer
    {
        findings.push(Finding::warn(
            CHECK,
            format!(
                "tokens have to say `{}`, and the publishable key is of {}",
                config.auth.issuer,
                publishable.issuer()
            ),
            "unset CLERK_ISSUER and CLERK_DOMAIN, unless the Frontend API is proxied",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "the keys are of one instance"));
    }
    findings
}

/// Whether the key set can be had, and how Clerk's clock stands.
pub(super) async fn key_set(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "signing keys";
    let Some(source) = &config.auth.jwks else {
        return vec![Finding::ok(
            CHECK,
            "tokens are verified by CLERK_JWT_KEY, without a network",
        )];
    };
    let authenticator = match Authenticator::new(&config.auth) {
        Ok(authenticator) => authenticator,
        Err(error) => {
            let fix = "mend what the message names";
            return vec![Finding::fail(CHECK, chain(&error), fix)];
        }
    };
    let keys = authenticator.verifier().keys();
    keys.refresh_if_due(Utc::now()).await;
    let health = keys.health(Utc::now());
    let found = match (health.last_success, health.last_error) {
        (Some(_), _) if health.keys > 0 => {
            Finding::ok(CHECK, format!("{} of them, at {}", health.keys, source.url))
        }
        (Some(_), _) => Finding::fail(
            CHECK,
            format!("the key set at {} has no key that can be used", source.url),
            "see that CLERK_PUBLISHABLE_KEY or CLERK_JWKS_URL is that of a Clerk instance",
        ),
        (None, error) => {
            let why = error.map_or_else(|| "no answer".to_owned(), |(_, why)| why);
            Finding::fail(
                CHECK,
                format!("the key set at {} cannot be had: {why}", source.url),
                "see that this machine may call that host by https, and that CLERK_PUBLISHABLE_KEY (or CLERK_JWKS_URL) is right",
            )
        }
    };
    let mut findings = vec![found];
    findings.extend(clocks(&source.url).await);
    findings
}

/// How far this machine's clock is from that of whoever serves the keys; nothing where he does not say.
async fn clocks(url: &str) -> Option<Finding> {
    const CHECK: &str = "clock";
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .ok()?;
    let asked_at = Utc::now();
    let answer = client.get(url).send().await.ok()?;
    let skew = clock_ahead(answer.headers(), asked_at)?.abs();
    Some(if skew > MOST_CLOCK_SKEW {
        Finding::fail(
            CHECK,
            format!(
                "this machine's clock is {} s away from Clerk's",
                skew.num_seconds()
            ),
            "let it follow a time server (timedatectl set-ntp true)",
        )
    } else {
        Finding::ok(CHECK, "it agrees with Clerk's")
    })
}

/// Whether the Backend API takes the secret key.
pub(super) async fn backend_api(config: &Config) -> Option<Finding> {
    const CHECK: &str = "Backend API";
    let api = config.clerk_api.as_ref()?;
    let mut once = api.clone();
    once.attempts = 1;
    let asked = match ClerkApi::new(&once) {
        Ok(api) => tokio::time::timeout(PATIENCE, api.count(Listing::Users)).await,
        Err(error) => {
            let fix = "mend CLERK_API_URL and CLERK_SECRET_KEY";
            return Some(Finding::fail(CHECK, chain(&error), fix));
        }
    };
    Some(match asked {
        Ok(Ok(count)) => Finding::ok(CHECK, format!("it answers, and knows {count} users")),
        Ok(Err(error)) => Finding::fail(
            CHECK,
            chain(&error),
            "see that CLERK_SECRET_KEY is the instance's and has not been rolled, and that this machine may call CLERK_API_URL",
        ),
        Err(_) => Finding::fail(
            CHECK,
            format!("no answer within {} s", PATIENCE.as_secs()),
            "see that this machine may call CLERK_API_URL by https",
        ),
    })
}
