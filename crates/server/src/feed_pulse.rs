//! How far the feed has been seen, by looking at its end again and again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{FeedPulse, FeedTail};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Looks when somebody asks.
pub(crate) struct Looking(pub(crate) Arc<dyn FeedTail>);

#[async_trait]
impl FeedPulse for Looking {
    async fn moved(&self, cursor: i64) -> i64 {
        loop {
            match self.0.newest().await {
                Ok(newest) if newest != cursor => return newest,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the feed's end cannot be seen"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
