//! How the mirror is kept equal to Clerk besides webhooks.

use std::num::NonZeroU32;
use std::time::Duration;

use clerk::{ClerkApi, ClerkApiConfig};
use domain::{MaxAbsent, Policy};
use secrecy::{ExposeSecret as _, SecretString};

use super::variables::Variables;
use super::{ConfigErrors, DatabaseConfig, clerk_api_url};

const DEFAULT_RECONCILE_SECONDS: u64 = 3600;
const DEFAULT_FULL_SECONDS: u64 = 86_400;
const DEFAULT_RETENTION_DAYS: u32 = 30;
const BUDGET: &str = "CLERK_API_BUDGET";
/// Clerk's own limits, in requests per ten seconds.
const LIVE_BUDGET: NonZeroU32 = NonZeroU32::new(1000).unwrap();
const TEST_BUDGET: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// Settings of background work.
#[derive(Debug, Clone)]
pub struct SyncConfig {
    /// How often the mirror is held against Clerk and put right; `None`: never by itself.
    pub reconcile_interval: Option<Duration>,
    /// How often everything is read for that; in between only what has changed.
    pub full_interval: Duration,
    /// How many rows one sweep may delete.
    pub max_absent: MaxAbsent,
    /// How long ledger lines are kept.
    pub retention_days: u32,
}

/// What the jobs of the command line need: no webhooks, no tokens.
#[derive(Debug, Clone)]
pub struct JobConfig {
    /// Where rows are.
    pub database: DatabaseConfig,
    /// How Clerk's Backend API is asked; `None` without a secret key.
    pub clerk_api: Option<ClerkApiConfig>,
    /// Limits of a sweep.
    pub sync: SyncConfig,
    /// Events of another instance are not applied by a replay either.
    pub instance_id: Option<String>,
    /// Decides the roles and tiers that rows show.
    pub policy: Policy,
}

impl JobConfig {
    /// Reads the settings through `lookup`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut vars = Variables::new(&lookup);
        let secret_key = vars.secret_text("CLERK_SECRET_KEY").map(SecretString::from);
        let api_url = clerk_api_url::read(&mut vars);
        let config = Self {
            database: super::database(&mut vars),
            clerk_api: clerk_api(&mut vars, secret_key, api_url),
            sync: read(&mut vars),
            instance_id: vars.text("CLERK_INSTANCE_ID"),
            policy: super::policy::read(&mut vars),
        };
        vars.finish(config)
    }
}

pub(super) fn read(vars: &mut Variables<'_>) -> SyncConfig {
    const INTERVAL: &str = "RECONCILE_INTERVAL_SECONDS";
    let reconcile_interval = match vars.text(INTERVAL).as_deref() {
        Some("off") => None,
        _ => Some(Duration::from_secs(vars.number(
            INTERVAL,
            DEFAULT_RECONCILE_SECONDS,
            1..=31_536_000,
        ))),
    };
    let percent = vars
        .text("RECONCILE_MAX_ABSENT")
        .map(|text| text.trim_end_matches('%').trim().parse::<u8>());
    let max_absent = match percent {
        None => MaxAbsent::default(),
        Some(Ok(percent)) if percent <= 100 => MaxAbsent {
            percent,
            ..MaxAbsent::default()
        },
        Some(_) => {
            vars.fault(
                "RECONCILE_MAX_ABSENT",
                "must be a share in percent, from 0 to 100",
            );
            MaxAbsent::default()
        }
    };
    let full_seconds = vars.number(
        "RECONCILE_FULL_INTERVAL_SECONDS",
        DEFAULT_FULL_SECONDS,
        1..=31_536_000,
    );
    SyncConfig {
        reconcile_interval,
        full_interval: Duration::from_secs(full_seconds),
        max_absent,
        retention_days: vars.number(
            "DELIVERY_RETENTION_DAYS",
            DEFAULT_RETENTION_DAYS,
            1..=36_500,
        ),
    }
}

pub(super) fn clerk_api(
    vars: &mut Variables<'_>,
    secret_key: Option<SecretString>,
    base_url: String,
) -> Option<ClerkApiConfig> {
    let budget = budget(vars);
    let secret_key = secret_key?;
    let default = if secret_key.expose_secret().starts_with("sk_live_") {
        LIVE_BUDGET
    } else {
        TEST_BUDGET
    };
    let config = ClerkApiConfig {
        budget: budget.unwrap_or(default),
        ..ClerkApiConfig::new(base_url, secret_key)
    };
    if let Err(error) = ClerkApi::new(&config) {
        vars.fault("CLERK_SECRET_KEY", error.to_string());
    }
    Some(config)
}

/// `N/10s`
fn budget(vars: &mut Variables<'_>) -> Option<NonZeroU32> {
    let text = vars.text(BUDGET)?;
    let budget = text
        .strip_suffix("/10s")
        .and_then(|number| number.trim().parse().ok());
    if budget.is_none() {
        vars.fault(
            BUDGET,
            "must be a number of requests per ten seconds: write 100/10s",
        );
    }
    budget
}
