//! The rate limit of a Clerk instance, shared by everything that asks Clerk: all of this process, and where there is a way
//! to count together, all processes of the service.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use domain::{Pace, SharedBudget};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep, sleep_until},
};

/// Who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A person: served before every sweep.
    Login,
    /// Backfill and reconcile: they take at most seven tenths, so that a login never finds the budget spent.
    Sweep,
}

/// The span over which Clerk counts.
const WINDOW: Duration = Duration::from_secs(10);

/// The runtime's timer knows nothing shorter.
const SHORTEST: Duration = Duration::from_millis(1);

/// Requests for which there is leave, by priority.
#[derive(Debug)]
pub(crate) struct Budget {
    all: Share,
    sweeps: Share,
    together: Option<Arc<dyn SharedBudget>>,
    /// Whoever waits for leave, one at a time and in the order in which they came: if all of them did, each turn would
    /// wake them all for one to go.
    logins_in_line: Mutex<()>,
    sweeps_in_line: Mutex<()>,
    state: watch::Sender<State>,
}

/// A part of the budget, by this process's own count.
#[derive(Debug)]
struct Share {
    name: &'static str,
    pace: Pace,
    limiter: Limiter,
}

#[derive(Debug, Default)]
struct State {
    logins_waiting: usize,
    paused_until: Option<Instant>,
}

type Limiter =
    RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<std::time::Instant>>;

/// The runtime's clock, which a test turns on by itself.
#[derive(Debug, Clone, Copy, Default)]
struct RuntimeClock;

impl Clock for RuntimeClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

impl Budget {
    /// `per_window` requests in any ten seconds.
    pub(crate) fn new(per_window: NonZeroU32) -> Self {
        let sweeps = u64::from(per_window.get()) * 7 / 10;
        let sweeps = u32::try_from(sweeps).ok().and_then(NonZeroU32::new);
        Self {
            all: Share::new("clerk", per_window),
            sweeps: Share::new("clerk-sweeps", sweeps.unwrap_or(NonZeroU32::MIN)),
            together: None,
            logins_in_line: Mutex::default(),
            sweeps_in_line: Mutex::default(),
            state: watch::Sender::default(),
        }
    }

    /// Takes from what all processes may do together as well.
    pub(crate) fn share(&mut self, together: Option<Arc<dyn SharedBudget>>) {
        self.together = together;
    }

    /// Waits until there is leave for one request.
    pub(crate) async fn take(&self, priority: Priority) {
        match priority {
            Priority::Login => {
                let _waiting = LoginWaiting::new(&self.state);
                let _turn = self.logins_in_line.lock().await;
                self.take_from_all(|| false).await;
            }
            Priority::Sweep => {
                let _turn = self.sweeps_in_line.lock().await;
                while let Err(wait) = self.sweeps.check() {
                    sleep(wait).await;
                }
                self.agreed(&self.sweeps, || false).await;
                loop {
                    self.logins_served().await;
                    if self.take_from_all(|| self.has_login_waiting()).await {
                        return;
                    }
                }
            }
        }
    }

    /// Lets nobody go before `until`: Clerk has said that it is too much.
    pub(crate) fn pause(&self, until: Instant) {
        self.state.send_modify(|state| {
            state.paused_until = state.paused_until.max(Some(until));
        });
    }

    /// Takes one of all, unless `gives_way` by the time it is there.
    async fn take_from_all(&self, gives_way: impl Fn() -> bool) -> bool {
        loop {
            self.pause_over().await;
            if gives_way() {
                return false;
            }
            match self.all.check() {
                Ok(()) => return self.agreed(&self.all, gives_way).await,
                Err(wait) => sleep(wait).await,
            }
        }
    }

    /// Waits until the other processes leave one, too, unless it `gives_way` by then.
    async fn agreed(&self, share: &Share, gives_way: impl Fn() -> bool) -> bool {
        let Some(together) = &self.together else {
            return true;
        };
        while let Some(wait) = together.take(share.name, share.pace).await {
            sleep(wait.max(SHORTEST)).await;
            if gives_way() {
                return false;
            }
        }
        true
    }

    async fn pause_over(&self) {
        loop {
            let until = self.state.borrow().paused_until;
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => sleep_until(until).await,
                None => return,
            }
        }
    }

    async fn logins_served(&self) {
        let mut state = self.state.subscribe();
        // It fails when the sender is gone, and that is `self`.
        let _ = state.wait_for(|state| state.logins_waiting == 0).await;
    }

    fn has_login_waiting(&self) -> bool {
        self.state.borrow().logins_waiting > 0
    }
}

/// A login that waits, for as long as it does: its caller may stop waiting at any time.
struct LoginWaiting<'a>(&'a watch::Sender<State>);

impl<'a> LoginWaiting<'a> {
    fn new(state: &'a watch::Sender<State>) -> Self {
        state.send_modify(|state| state.logins_waiting += 1);
        Self(state)
    }
}

impl Drop for LoginWaiting<'_> {
    fn drop(&mut self) {
        self.0
            .send_modify(|state| state.logins_waiting = state.logins_waiting.saturating_sub(1));
    }
}

impl Share {
    /// A tenth may go at once, and the rest evenly: then no ten seconds, wherever they begin, hold more than `per_window`.
    fn new(name: &'static str, per_window: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_window.get() / 10).unwrap_or(NonZeroU32::MIN);
        let steady = (per_window.get() - burst.get()).max(1);
        let interval = WINDOW / steady;
        let quota = Quota::with_period(interval).map_or_else(
            || Quota::per_second(NonZeroU32::MIN),
            |quota| quota.allow_burst(burst),
        );
        Self {
            name,
            pace: Pace {
                interval,
                burst: burst.get(),
            },
            limiter: Limiter::direct_with_clock(quota, RuntimeClock),
        }
    }

    /// Takes one, or says how long there will be none.
    fn check(&self) -> Result<(), Duration> {
        let clock = RuntimeClock;
        self.limiter.check().map_err(|not_yet| {
            let earliest = not_yet.earliest_possible();
            let wait = earliest.saturating_duration_since(clock.now());
            wait.max(SHORTEST)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::{task::JoinSet, time::advance};

    use super::*;

    fn budget(per_window: u32) -> Arc<Budget> {
        Arc::new(Budget::new(NonZeroU32::new(per_window).unwrap()))
    }

    /// When each of `count` requests that were asked for at once got leave.
    async fn leave(budget: &Arc<Budget>, priority: Priority, count: usize) -> Vec<Duration> {
        let start = Instant::now();
        let mut asking = JoinSet::new();
        for _ in 0..count {
            let budget = Arc::clone(budget);
            asking.spawn(async move {
                budget.take(priority).await;
                start.elapsed()
            });
        }
        let mut times = asking.join_all().await;
        times.sort();
        times
    }

    /// The most that fell into any ten seconds.
    fn most_in_a_window(times: &[Duration]) -> usize {
        let count = |start: &Duration| {
            let within = |time: &&Duration| **time >= *start && **time < *start + WINDOW;
            times.iter().filter(within).count()
        };
        times.iter().map(count).max().unwrap_or(0)
    }

    #[tokio::test(start_paused = true)]
    async fn no_ten_seconds_hold_more_than_clerk_allows() {
        for per_window in [1, 2, 9, 100, 1000] {
            let times = leave(
                &budget(per_window),
                Priority::Login,
                per_window as usize * 3,
            )
            .await;
            let most = most_in_a_window(&times);
            assert!(most <= per_window as usize, "{most} of {per_window}");
            let least = per_window as usize * 9 / 10;
            assert!(most >= least, "{most} of {per_window}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sweeps_leave_three_tenths_to_logins() {
        let budget = budget(100);
        let times = leave(&budget, Priority::Sweep, 200).await;
        let most = most_in_a_window(&times);
        assert!((63..=70).contains(&most), "{most}");
        // However long sweeps have been at it, a login does not wait.
        let start = Instant::now();
        for _ in 0..3 {
            budget.take(Priority::Login).await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_waits_while_logins_wait() {
        let budget = budget(10);
        let start = Instant::now();
        let mut asking = JoinSet::new();
        // The sweep asks first, yet behind a login that has just spent the budget.
        budget.take(Priority::Login).await;
        for priority in [
            Priority::Sweep,
            Priority::Login,
            Priority::Login,
            Priority::Login,
        ] {
            let budget = Arc::clone(&budget);
            asking.spawn(async move {
                budget.take(priority).await;
                (start.elapsed(), priority)
            });
        }
        let mut served = asking.join_all().await;
        served.sort_by_key(|(time, _)| *time);
        let last = served.last().unwrap();
        assert_eq!(last.1, Priority::Sweep, "{served:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_login_that_gives_up_holds_nobody_back() {
        let budget = budget(10);
        budget.pause(Instant::now() + Duration::from_secs(3600));
        let login = tokio::spawn({
            let budget = Arc::clone(&budget);
            async move { budget.take(Priority::Login).await }
        });
        tokio::task::yield_now().await;
        assert!(budget.has_login_waiting());
        login.abort();
        let _ = login.await;
        assert!(!budget.has_login_waiting());
        advance(Duration::from_secs(3600)).await;
        budget.take(Priority::Sweep).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_everybody_and_is_never_cut_short() {
        let budget = budget(100);
        let start = Instant::now();
        budget.pause(start + Duration::from_secs(7));
        budget.pause(start + Duration::from_secs(3));
        for priority in [Priority::Login, Priority::Sweep] {
            let times = leave(&budget, priority, 1).await;
            let until = start.elapsed();
            assert!(until >= Duration::from_secs(7), "{priority:?} {times:?}");
        }
    }

    /// Counts as Redis does, for two processes in one.
    #[derive(Debug, Default)]
    struct Together(std::sync::Mutex<std::collections::HashMap<&'static str, Instant>>);

    #[async_trait::async_trait]
    impl SharedBudget for Together {
        async fn take(&self, share: &'static str, pace: Pace) -> Option<Duration> {
            let (now, mut shares) = (Instant::now(), self.0.lock().unwrap());
            let recovered = shares.get(share).map_or(now, |at| (*at).max(now)) + pace.interval;
            let earliest = recovered - pace.interval * pace.burst;
            if earliest > now {
                return Some(earliest - now);
            }
            shares.insert(share, recovered);
            None
        }
    }

    #[tokio::test(start_paused = true)]
    async fn two_processes_together_ask_no_more_than_one_may() {
        for (priority, most) in [(Priority::Login, 100), (Priority::Sweep, 70)] {
            let together: Arc<dyn SharedBudget> = Arc::new(Together::default());
            let process = || {
                let mut budget = Budget::new(NonZeroU32::new(100).unwrap());
                budget.share(Some(Arc::clone(&together)));
                Arc::new(budget)
            };
            let (one, other) = (process(), process());
            let (mut times, theirs) =
                tokio::join!(leave(&one, priority, 150), leave(&other, priority, 150));
            times.extend(theirs);
            let in_a_window = most_in_a_window(&times);
            assert!(
                (most * 9 / 10..=most).contains(&in_a_window),
                "{in_a_window}"
            );
        }
    }
}
