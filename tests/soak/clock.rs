//! Work at a steady pace, until everybody is told to stop.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// Tells everybody that the load is over.
pub(crate) type Stop = watch::Receiver<bool>;

/// Ticks at so many a second until told to stop; what was missed is not made up for.
pub(crate) struct Pace {
    interval: Interval,
    stop: Stop,
}

impl Pace {
    /// `None` when there is nothing to do.
    pub(crate) fn of(a_second: u32, stop: &Stop) -> Option<Self> {
        let period = Duration::from_secs(1).checked_div(a_second)?;
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(Self {
            interval,
            stop: stop.clone(),
        })
    }

    /// Waits for the next tick; `false` when the load is over.
    pub(crate) async fn goes_on(&mut self) -> bool {
        tokio::select! {
            _ = self.stop.wait_for(|over| *over) => false,
            _ = self.interval.tick() => true,
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
