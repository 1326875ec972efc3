//! The promises that a run is held against.

use crate::figures::Found;
use crate::memory::quarters;

/// In the last quarter the mean may be so much more than in the first: a tenth and 2 MiB, for caches that fill late.
const GROWTH: (f64, f64) = (1.1, 2.0);

/// How many failures are named.
const NAMED: usize = 10;

/// What was promised and did not hold, one sentence each.
pub(crate) fn broken(found: &Found) -> Vec<String> {
    let mut broken = Vec::new();
    let drift = &found.drift;
    if drift.left > 0 || drift.differing > 0 {
        broken.push(format!(
            "{} rows are out of step after the repair, and {} differ when compared",
            drift.left, drift.differing
        ));
    }
    if !found.lost.is_empty() {
        broken.push(format!(
            "{} messages were acknowledged and are lost: {:?}",
            found.lost.len(),
            found.lost.iter().take(NAMED).collect::<Vec<_>>()
        ));
    }
    if found.acknowledged() == 0 || found.reads.times.is_empty() {
        broken.push("there was no load".to_owned());
    }
    let (_, unplanned) = found.failures();
    if !unplanned.is_empty() {
        broken.push(format!(
            "{} requests failed outside the planned outages: {:?}",
            unplanned.len(),
            unplanned.iter().take(NAMED).collect::<Vec<_>>()
        ));
    }
    if let Some([first, .., last]) = quarters(&found.samples)
        && last > most(first)
    {
        broken.push(format!(
            "memory grew: {first:.1} MiB in the first quarter, {last:.1} MiB in the last"
        ));
    }
    broken
}

/// What the last quarter may have, in MiB.
pub(crate) fn most(first: f64) -> f64 {
    first * GROWTH.0 + GROWTH.1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::figures::{Drift, Failure, Load};
    use crate::memory::Sample;
    use crate::outages::{Outages, Whom};

    fn clean() -> Found {
        let answered = || Load {
            times: vec![Duration::from_millis(1)],
            acknowledged: vec!["msg_1".to_owned()],
            ..Load::default()
        };
        Found {
            reads: answered(),
            messages: answered(),
            webhooks: answered(),
            mishaps: BTreeMap::new(),
            changes: 1,
            outages: Outages::default(),
            samples: vec![
                Sample {
                    steady: Some(20 * 1024),
                    mortal: None
                };
                4
            ],
            drift: Drift::default(),
            lost: Vec::new(),
            ledger: BTreeMap::new(),
        }
    }

    #[test]
    fn each_promise_is_looked_at() {
        assert_eq!(broken(&clean()), Vec::<String>::new());
        let breaks: [fn(&mut Found); 6] = [
            |found| found.drift.left = 1,
            |found| found.drift.differing = 1,
            |found| found.lost.push("msg_1".to_owned()),
            |found| found.reads.times.clear(),
            |found| {
                found.webhooks.failures.push(Failure {
                    what: "Clerk's webhook",
                    whom: Whom::Steady,
                    from: 0,
                    until: 1,
                    status: Some(503),
                });
            },
            |found| found.samples[3].steady = Some(25 * 1024),
        ];
        for (number, break_it) in breaks.into_iter().enumerate() {
            let mut found = clean();
            break_it(&mut found);
            assert_eq!(broken(&found).len(), 1, "{number}");
        }
    }
}
