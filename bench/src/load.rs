//! Many connections that each send one request after another for a while.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::connection::Connection;

/// How long after its time a measurement may end: an answer that is on its way is waited for.
pub(crate) const LATEST: Duration = Duration::from_secs(30);

/// Where a connection's requests come from.
pub(crate) trait Requests: Send {
    /// Puts the next request in the place of what `request` held.
    fn next(&mut self, request: &mut Vec<u8>);
}

/// What a measured while gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measurement {
    /// Answers a second.
    pub(crate) rate: f64,
    /// Half of the answers took at most this long.
    pub(crate) p50: Duration,
    /// And 99 of a hundred this.
    pub(crate) p99: Duration,
    /// Answers with another status than was expected.
    pub(crate) unexpected: usize,
}

/// Loads `address` for `time` with one connection for each of `sources`; counts answers whose status is not as `expected`.
pub(crate) async fn load(
    address: SocketAddr,
    sources: Vec<Box<dyn Requests>>,
    expected: fn(u16) -> bool,
    time: Duration,
) -> Result<Measurement, Failure> {
    let limit = time + LATEST;
    tokio::time::timeout(limit, loaded(address, sources, expected, time))
        .await
        .map_err(|_| "a server has stopped answering")?
}

async fn loaded(
    address: SocketAddr,
    sources: Vec<Box<dyn Requests>>,
    expected: fn(u16) -> bool,
    time: Duration,
) -> Result<Measurement, Failure> {
    let begin = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for source in sources {
        connections.spawn(drive(address, source, expected, begin + time));
    }
    let mut times: Vec<Duration> = Vec::new();
    let mut unexpected = 0;
    while let Some(driven) = connections.join_next().await {
        let (these, others) = driven??;
        times.extend(these);
        unexpected += others;
    }
    let elapsed = begin.elapsed().as_secs_f64();
    Ok(Measurement {
        unexpected,
        ..Measurement::of(times, elapsed)
    })
}

impl Measurement {
    /// Of answers that took so long each, in so many seconds.
    pub(crate) fn of(mut times: Vec<Duration>, seconds: f64) -> Self {
        times.sort_unstable();
        Self {
            rate: times.len() as f64 / seconds,
            p50: quantile(&times, 50),
            p99: quantile(&times, 99),
            unexpected: 0,
        }
    }
}

async fn drive(
    address: SocketAddr,
    mut source: Box<dyn Requests>,
    expected: fn(u16) -> bool,
    end: Instant,
) -> Result<(Vec<Duration>, usize), Failure> {
    let mut connection = Connection::open(address).await?;
    let mut request = Vec::with_capacity(4096);
    let (mut times, mut unexpected) = (Vec::with_capacity(65_536), 0);
    loop {
        source.next(&mut request);
        let sent = Instant::now();
        if sent >= end {
            return Ok((times, unexpected));
        }
        if !expected(connection.exchange(&request).await?) {
            unexpected += 1;
        }
        times.push(sent.elapsed());
    }
}

/// The smallest time that `percent` of the sorted times do not exceed.
pub(crate) fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 50), Duration::from_millis(50));
        assert_eq!(quantile(&times, 99), Duration::from_millis(99));
        assert_eq!(quantile(&[], 99), Duration::ZERO);
    }
}
