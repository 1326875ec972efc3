//! The settings as a whole, and what the tests of their parts begin with.

use super::*;

type Settings<'a> = Vec<(&'static str, &'a str)>;

const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The least that `serve` starts with.
pub(in crate::config) fn good() -> Settings<'static> {
    vec![
        ("CLERK_PUBLISHABLE_KEY", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("CLERK_AUTHORIZED_PARTIES", "https://app.example.com"),
    ]
}

/// The same with other values; an empty one stays as a variable that is set to nothing.
pub(in crate::config) fn with<'a>(own: &[(&'static str, &'a str)]) -> Settings<'a> {
    let is_own = |name: &str| own.iter().any(|(known, _)| *known == name);
    let kept = good().into_iter().filter(|(name, _)| !is_own(name));
    kept.chain(own.iter().copied()).collect()
}

pub(in crate::config) fn read(settings: &[(&'static str, &str)]) -> Result<Config, ConfigErrors> {
    Config::read(|name| {
        let mut settings = settings.iter();
        let found = settings.find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// The variables that are named, in the order of the report.
pub(in crate::config) fn faulty(settings: &[(&'static str, &str)]) -> Vec<&'static str> {
    let faults = read(settings).map_or_else(|errors| errors.0, |_| Vec::new());
    faults.into_iter().map(|fault| fault.variable).collect()
}

#[test]
fn three_settings_are_enough_and_each_is_named_when_none_is_there() {
    let config = read(&good()).unwrap();
    assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
    assert!(
        matches!(config.database.url, DatabaseUrl::Sqlite(path) if path.ends_with("clerk-sync.db"))
    );
    let errors = read(&[]).unwrap_err();
    assert!(
        errors.to_string().starts_with("3 settings to mend"),
        "{errors}"
    );
    assert_eq!(
        faulty(&[]),
        [
            "CLERK_PUBLISHABLE_KEY",
            "CLERK_AUTHORIZED_PARTIES",
            "CLERK_WEBHOOK_SECRET"
        ]
    );
}

#[test]
fn every_fault_is_named_at_once_and_no_value_is_shown() {
    const CANARY: &str = "hunter2";
    let wrong = [
        "ADMIN_USER_IDS",
        "BIND_ADDR",
        "CLERK_API_URL",
        "CLERK_AZP_POLICY",
        "CLERK_ISSUER",
        "CLERK_JWKS_URL",
        "CLERK_JWT_KEY",
        "CLERK_LEEWAY_SECONDS",
        "CLERK_PUBLISHABLE_KEY",
        "CLERK_SYNC_ENV",
        "CLERK_WEBHOOK_SECRET",
        "DATABASE_MIGRATION_URL",
        "DATABASE_POOL_SIZE",
        "DATABASE_URL",
        "INVITE_ATTEMPTS_PER_IP",
        "INVITE_ATTEMPTS_PER_USER",
        "INVITE_CODE_ENABLED",
        "JIT_PROVISIONING",
        "POLICY_FILE",
        "REDIS_URL",
        "REQUEST_TIMEOUT_SECONDS",
        "SHUTDOWN_DELAY_SECONDS",
        "TOKEN_CACHE_CAPACITY",
        "USER_CACHE_CAPACITY",
        "USER_CACHE_SECONDS",
        "WEBHOOK_BODY_LIMIT",
    ];
    let mut settings = wrong.map(|name| (name, CANARY)).to_vec();
    settings.push(("CLERK_AUTHORIZED_PARTIES", ""));
    let mut named = faulty(&settings);
    named.sort_unstable();
    let mut expected = [&wrong[..], &["CLERK_AUTHORIZED_PARTIES"]].concat();
    expected.sort_unstable();
    assert_eq!(named, expected);
    let errors = read(&settings).unwrap_err();
    assert!(!format!("{errors} {errors:?}").contains(CANARY), "{errors}");
}

#[test]
fn a_config_shows_no_secret() {
    let settings = with(&[
        ("CLERK_SECRET_KEY", "sk_live_hunter2"),
        ("DATABASE_URL", "postgres://u:hunter2@localhost/db"),
        (
            "DATABASE_MIGRATION_URL",
            "postgres://o:hunter2@localhost/db",
        ),
    ]);
    let shown = format!("{:?}", read(&settings).unwrap());
    assert!(
        !shown.contains("hunter2") && !shown.contains(&SECRET[6..]),
        "{shown}"
    );
}

#[test]
fn the_webhook_secret_has_a_second_name() {
    const ALIAS: &str = "CLERK_WEBHOOK_SIGNING_SECRET";
    let alone = |value| with(&[("CLERK_WEBHOOK_SECRET", ""), (ALIAS, value)]);
    assert_eq!(read(&alone(SECRET)).unwrap().webhooks.secrets.len(), 1);
    assert_eq!(faulty(&alone("whsec_!")), [ALIAS]);
    let unreadable = ("CLERK_WEBHOOK_SIGNING_SECRET_FILE", "/no/such/file");
    let settings = with(&[("CLERK_WEBHOOK_SECRET", ""), unreadable]);
    assert_eq!(faulty(&settings), [ALIAS]);
    let rotation = format!("{SECRET}, {SECRET}");
    let settings = with(&[("CLERK_WEBHOOK_SECRET", &rotation)]);
    assert_eq!(read(&settings).unwrap().webhooks.secrets.len(), 2);
}

#[test]
fn a_port_of_a_platform_opens_every_address() {
    let bind = |own: &[(&'static str, &str)]| read(&with(own)).unwrap().bind.to_string();
    assert_eq!(bind(&[("PORT", "5000")]), "0.0.0.0:5000");
    let both = [("PORT", "5000"), ("BIND_ADDR", "127.0.0.1:7000")];
    assert_eq!(bind(&both), "127.0.0.1:7000");
    for port in ["65536", "-1", "http"] {
        assert_eq!(faulty(&with(&[("PORT", port)])), ["PORT"], "{port}");
    }
}

#[test]
fn both_database_urls_are_of_one_kind() {
    let owner = ("DATABASE_MIGRATION_URL", "postgres://o@localhost/db");
    assert_eq!(faulty(&with(&[owner])), ["DATABASE_MIGRATION_URL"]);
    // Also when something else is wrong.
    let settings = with(&[owner, ("CLERK_SYNC_ENV", "staging")]);
    assert_eq!(
        faulty(&settings),
        ["CLERK_SYNC_ENV", "DATABASE_MIGRATION_URL"]
    );
    let app = ("DATABASE_URL", "postgres://a@localhost/db");
    assert!(read(&with(&[owner, app])).is_ok());
}
