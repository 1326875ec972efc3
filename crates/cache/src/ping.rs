//! Whether Redis answers, asked once: for whoever looks into a setup.

use std::time::Duration;

use redis::{Client, RedisError};

use crate::redis_url::RedisUrl;

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Why Redis does not answer. It shows no password.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// It says so, or there is no way to it.
    #[error("no answer")]
    Redis(#[from] RedisError),
    /// It takes longer than it may.
    #[error("no answer within {} s", LIMIT.as_secs())]
    TimedOut,
}

/// Asks Redis for a sign of life.
///
/// # Errors
/// [`PingError`].
pub async fn ping(url: &RedisUrl) -> Result<(), PingError> {
    let asking = async {
        let client = Client::open(url.0.clone())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").exec_async(&mut connection).await
    };
    let answered = tokio::time::timeout(LIMIT, asking).await;
    Ok(answered.map_err(|_| PingError::TimedOut)??)
}
