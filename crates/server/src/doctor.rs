//! Looks at everything that the service needs, and says what to do about what is wrong. It changes nothing but a lease of its
//! own, which shows that the database can be written.

mod clerk_side;
mod database;
mod finding;
mod redis;

pub(crate) use finding::{Finding, Status, chain};

use crate::config::{Config, DatabaseConfig};

/// Everything that was found, in the order in which a person would mend it.
pub(crate) async fn examine(lookup: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let config = match Config::read(&lookup) {
        Ok(config) => config,
        Err(errors) => {
            let mut findings: Vec<Finding> = errors
                .0
                .into_iter()
                .map(|fault| {
                    let fix = format!("set {} in the environment or in .env", fault.variable);
                    let message = format!("{}: {}", fault.variable, fault.message);
                    Finding::fail("configuration", message, fix)
                })
                .collect();
            // What does not depend on the rest is looked at all the same.
            if let Ok(database) = DatabaseConfig::read(&lookup) {
                findings.extend(database::examine(&database, None, false).await);
            }
            return findings;
        }
    };
    let mut findings = vec![Finding::ok(
        "configuration",
        "every setting that is needed is there and can be read",
    )];
    findings.extend(clerk_side::keys(&config));
    findings.extend(clerk_side::key_set(&config).await);
    findings.extend(clerk_side::backend_api(&config).await);
    let is_development = config.is_development;
    let policy = Some(config.policy.clone());
    findings.extend(database::examine(&config.database, policy, is_development).await);
    findings.extend(redis::examine(config.cache.redis.as_ref()).await);
    findings
}
