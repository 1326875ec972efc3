//! What an operator would set for a service with the emulator as its Clerk.

use emulator::Emulator;

/// The origin that callers' tokens are issued to.
pub const PARTY: &str = "http://localhost:3000";

/// Environment variables of a service on a free port, in development, as pairs of name and value; `own` ones win, and
/// an empty value counts as unset.
#[must_use]
pub fn settings(
    database_url: &str,
    clerk: &Emulator,
    own: &[(&str, &str)],
) -> Vec<(String, String)> {
    let usual = [
        ("CLERK_SYNC_ENV", "development".to_owned()),
        ("BIND_ADDR", "127.0.0.1:0".to_owned()),
        ("METRICS_ADDR", "off".to_owned()),
        ("DATABASE_URL", database_url.to_owned()),
        ("DATABASE_POOL_SIZE", "5".to_owned()),
        ("CLERK_PUBLISHABLE_KEY", clerk.publishable_key()),
        ("CLERK_SECRET_KEY", clerk.secret_key().to_owned()),
        ("CLERK_API_URL", clerk.origin()),
        ("CLERK_API_BUDGET", "100000/10s".to_owned()),
        ("CLERK_JWKS_URL", clerk.jwks_url()),
        // All tests come from one address, and some ask as fast as they can.
        ("RATE_LIMIT_PER_USER", "off".to_owned()),
        ("RATE_LIMIT_PER_IP", "off".to_owned()),
        // What the mirror knows, webhooks have told it, unless a test asks for more.
        ("RECONCILE_INTERVAL_SECONDS", "off".to_owned()),
        ("CLERK_WEBHOOK_SECRET", clerk.webhook_secret()),
        ("CLERK_AUTHORIZED_PARTIES", PARTY.to_owned()),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| !own.iter().any(|(known, _)| known == name));
    kept.map(|(name, value)| (name.to_owned(), value))
        .chain(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
        .filter(|(_, value)| !value.is_empty())
        .collect()
}
