//! Signed-in users who ask who they are.

use std::time::Instant;

use e2e::{ME, Visitor};

use crate::clock::{Pace, Stop, now};
use crate::figures::{Failure, Load};
use crate::outages::Whom;

/// Asks as one user after another, so many times a second, until told to stop.
pub(crate) async fn read(
    whom: Whom,
    visitors: Vec<Visitor>,
    first: usize,
    a_second: u32,
    stop: Stop,
) -> Load {
    let mut load = Load::default();
    let Some(mut pace) = Pace::of(a_second, &stop) else {
        return load;
    };
    let mut turns = visitors.iter().cycle().skip(first);
    while pace.goes_on().await {
        let Some(visitor) = turns.next() else { break };
        let (from, began) = (now(), Instant::now());
        let status = visitor.try_get(ME).await.ok().map(|answer| answer.status);
        if status == Some(200) {
            load.times.push(began.elapsed());
        } else {
            load.failures.push(Failure {
                what: "GET /api/auth/me",
                whom,
                from,
                until: now(),
                status,
            });
        }
    }
    load
}
