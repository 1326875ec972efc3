//! Resident memory over the run.

/// One look at both replicas, in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) steady: Option<u64>,
    pub(crate) mortal: Option<u64>,
}

/// The mean of the steady replica in each quarter of the run, in MiB; `None` where the system does not tell.
pub(crate) fn quarters(samples: &[Sample]) -> Option<[f64; 4]> {
    let steady: Vec<u64> = samples.iter().filter_map(|sample| sample.steady).collect();
    let quarter = steady.len() / 4;
    if quarter == 0 {
        return None;
    }
    let mean = |number: usize| {
        let part = &steady[number * quarter..(number + 1) * quarter];
        part.iter().sum::<u64>() as f64 / part.len() as f64 / 1024.0
    };
    Some([mean(0), mean(1), mean(2), mean(3)])
}

/// The most that was seen, in MiB, of the steady and of the mortal replica.
pub(crate) fn peaks(samples: &[Sample]) -> (f64, f64) {
    let most = |of: fn(&Sample) -> Option<u64>| {
        samples.iter().filter_map(of).max().unwrap_or(0) as f64 / 1024.0
    };
    (most(|it| it.steady), most(|it| it.mortal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_are_means_of_the_steady_one() {
        let samples = [1, 3, 4, 4, 4, 4, 8, 10].map(|mebibytes| Sample {
            steady: Some(mebibytes * 1024),
            mortal: None,
        });
        assert_eq!(quarters(&samples), Some([2.0, 4.0, 4.0, 9.0]));
        assert_eq!(peaks(&samples), (10.0, 0.0));
        assert_eq!(quarters(&samples[..3]), None);
    }
}
