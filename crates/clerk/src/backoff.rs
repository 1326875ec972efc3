//! How long to wait before the next attempt.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(20);

/// The pause after the attempt with this number, counted from 1: `first`, doubled each time, of which a random part of
/// up to a half is left out, so that callers who failed together do not come back together.
pub(crate) fn pause_after(attempt: u32, first: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let whole = first.saturating_mul(doubled).min(LONGEST);
    whole - (whole / 2).mul_f64(fraction())
}

/// A number from 0 up to 1. The keys of a hash map are random enough to spread callers.
fn fraction() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 32;
    let random = u32::try_from(random).unwrap_or(0);
    f64::from(random) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_spread() {
        let first = Duration::from_millis(100);
        for (attempt, whole) in [
            (1, 100),
            (2, 200),
            (5, 1600),
            (9, 20_000),
            (u32::MAX, 20_000),
        ] {
            let whole = Duration::from_millis(whole);
            let pauses: Vec<_> = (0..200).map(|_| pause_after(attempt, first)).collect();
            assert!(
                pauses
                    .iter()
                    .all(|pause| (whole / 2..=whole).contains(pause))
            );
            let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
            assert!(*most - *least > whole / 4, "{least:?} to {most:?}");
        }
    }
}
