use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

/// How fast something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Once in this time.
    pub interval: Duration,
    /// And so often at once, after it was not done for long enough; at least 1.
    pub burst: u32,
}

/// What all processes of a service may do together, such as ask Clerk.
#[async_trait]
pub trait SharedBudget: Debug + Send + Sync {
    /// Takes one of the share of this name; every process has to name the same pace for it. Answers how long there will be
    /// none where there is none, and then nothing was taken. Where nobody can be asked that is `None` as well: each
    /// process keeps to its own count then.
    async fn take(&self, share: &'static str, pace: Pace) -> Option<Duration>;
}
