//! Redis, where it is used.

use cache::RedisUrl;

use super::finding::{Finding, chain};

/// Whether it answers.
pub(super) async fn examine(url: Option<&RedisUrl>) -> Option<Finding> {
    const CHECK: &str = "Redis";
    let url = url?;
    Some(match cache::ping(url).await {
        Ok(()) => Finding::ok(CHECK, "it answers"),
        Err(error) => Finding::warn(
            CHECK,
            format!(
                "it does not answer, and requests are served without it: {}",
                chain(&error)
            ),
            "see that the server runs, and that REDIS_URL names it and its password; rediss:// for TLS",
        ),
    })
}
