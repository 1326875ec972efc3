//! `.env.example` says what `serve` reads, all of it and nothing else.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use clerk_sync::Config;

/// What logs and traces alone read.
const OF_LOGS: [&str; 3] = ["LOG_FORMAT", "OTEL_EXPORTER_OTLP_ENDPOINT", "RUST_LOG"];

const EXAMPLE: &str = include_str!("../../../.env.example");

/// The settings in the file: those that are set, and with `all` those too that are commented out.
fn settings(all: bool) -> BTreeMap<&'static str, &'static str> {
    let lines = EXAMPLE.lines();
    lines
        .filter_map(|line| match line.strip_prefix("# ") {
            Some(commented) if all => Some(commented),
            Some(_) => None,
            None => Some(line),
        })
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| {
            let is_letter = |c: char| c.is_ascii_uppercase() || c == '_';
            !name.is_empty() && name.chars().all(is_letter)
        })
        .collect()
}

fn read(settings: &BTreeMap<&str, &str>) -> Result<Config, Vec<&'static str>> {
    let lookup = |name: &str| settings.get(name).map(|value| (*value).to_owned());
    Config::read(lookup).map_err(|errors| errors.0.iter().map(|fault| fault.variable).collect())
}

#[test]
fn it_has_what_is_read_and_nothing_else() {
    let asked = RefCell::new(BTreeSet::new());
    let _ = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    // Where one variable answers, its stand-in is not asked.
    let mut asked = asked.into_inner();
    asked.retain(|name| !name.ends_with("_FILE") || name == "POLICY_FILE");
    asked.extend(OF_LOGS.map(str::to_owned));
    let shown: BTreeSet<String> = settings(true).into_keys().map(str::to_owned).collect();
    assert_eq!(shown, asked);
}

#[test]
fn only_the_placeholders_have_to_be_replaced() {
    let mut filled = settings(false);
    let wrong = read(&filled).unwrap_err();
    let placeholders = ["CLERK_PUBLISHABLE_KEY", "CLERK_WEBHOOK_SECRET"];
    let named: BTreeSet<&str> = wrong.into_iter().collect();
    assert_eq!(named, BTreeSet::from(placeholders));

    // The host of this key is clerk.example.com.
    filled.insert("CLERK_PUBLISHABLE_KEY", "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k");
    filled.insert(
        "CLERK_WEBHOOK_SECRET",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    );
    let config = read(&filled).unwrap();
    assert_eq!(config.auth.issuer, "https://clerk.example.com");

    // What stands as a default or as an example is valid, and the defaults are true.
    let mut all = settings(true);
    all.extend(&filled);
    let explicit = read(&all).unwrap();
    assert_eq!(explicit.bind, config.bind);
    assert_eq!(explicit.database.pool_size, config.database.pool_size);
    assert_eq!(explicit.webhook_body_limit, config.webhook_body_limit);
    assert_eq!(explicit.request_timeout, config.request_timeout);
    assert_eq!(explicit.jit_provisioning, config.jit_provisioning);
    assert_eq!(explicit.invites.is_enforced, config.invites.is_enforced);
    assert_eq!(explicit.invites.rules, config.invites.rules);
    assert_eq!(
        explicit.sync.reconcile_interval,
        config.sync.reconcile_interval
    );
    assert_eq!(explicit.sync.max_absent, config.sync.max_absent);
    assert_eq!(explicit.sync.retention_days, config.sync.retention_days);
    assert_eq!(explicit.service_tokens.len(), config.service_tokens.len());
    let api = |config: Config| {
        let api = config.clerk_api.unwrap();
        (api.base_url, api.budget)
    };
    let key = ("CLERK_SECRET_KEY", "sk_test_example");
    let with_key = |mut settings: BTreeMap<_, _>| {
        settings.extend([key]);
        read(&settings).unwrap()
    };
    assert!(config.clerk_api.is_none());
    assert_eq!(api(with_key(all)), api(with_key(filled)));
    assert_eq!(explicit.auth.azp_policy, config.auth.azp_policy);
    assert_eq!(explicit.auth.leeway, config.auth.leeway);
    assert_eq!(
        explicit.auth.accept_emulator_keys,
        config.auth.accept_emulator_keys
    );
    let product = |config: &Config| config.database.url.product();
    assert_eq!(product(&explicit), product(&config));
}
