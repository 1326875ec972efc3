//! Any order of requests, slow reads, commits here and elsewhere, outages and passing time: nobody gets a row that is
//! older than what the caches promise.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, StoreError};
use proptest::prelude::*;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::process::Process;
use crate::store::{Database, SESSION};

const USERS: [&str; 2] = ["user_1", "user_2"];
/// How late a commit elsewhere may be seen, whatever fails.
const BOUND: Duration = Duration::from_secs(2);

#[derive(Debug, Clone)]
enum Step {
    /// A request that reads its row, if it has to, and is slow to get it.
    Begin(usize),
    /// The oldest slow read gets its row.
    Release,
    /// A request, which must get neither a row nor a count of portfolios that is too old.
    Ask(usize),
    CommitHere(usize),
    CommitElsewhere(usize),
    AddHere(usize),
    AddElsewhere(usize),
    Ring,
    FeedAway(bool),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let user = 0..USERS.len();
    prop_oneof![
        3 => user.clone().prop_map(Step::Begin),
        3 => Just(Step::Release),
        4 => user.clone().prop_map(Step::Ask),
        2 => user.clone().prop_map(Step::CommitHere),
        2 => user.clone().prop_map(Step::CommitElsewhere),
        2 => user.clone().prop_map(Step::AddHere),
        2 => user.prop_map(Step::AddElsewhere),
        1 => Just(Step::Ring),
        1 => any::<bool>().prop_map(Step::FeedAway),
        2 => (1_u64..900).prop_map(Step::Pass),
    ]
}

struct Run {
    database: Arc<Database>,
    process: Arc<Process>,
    /// The version that a request must get at least, and from when on.
    owed: HashMap<&'static str, Vec<(Instant, i64)>>,
    /// The same of the count of portfolios.
    owed_counts: HashMap<&'static str, Vec<(Instant, u64)>>,
    slow: Vec<JoinHandle<Result<Caller, StoreError>>>,
}

impl Run {
    async fn start() -> Self {
        let database = Arc::new(Database::default());
        for user in USERS {
            database.change_user(user);
        }
        let process = Arc::new(Process::watching(&database).await);
        Self {
            database,
            process,
            owed: HashMap::new(),
            owed_counts: HashMap::new(),
            slow: Vec::new(),
        }
    }

    async fn make(&mut self, step: Step) {
        match step {
            Step::Begin(user) => {
                self.database.hold_reads(true);
                let process = Arc::clone(&self.process);
                let held = self.database.held();
                let request =
                    tokio::spawn(async move { process.caller(USERS[user], SESSION).await });
                // Until it waits for its row, or needed none.
                while self.database.held() == held && !request.is_finished() {
                    tokio::task::yield_now().await;
                }
                self.database.hold_reads(false);
                self.slow.push(request);
            }
            Step::Release => {
                self.database.release_one();
                // What it read is old news by now, and must not be remembered.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
            }
            Step::Ask(user) => {
                let user = USERS[user];
                let now = Instant::now();
                let caller = self.process.caller(user, SESSION).await.unwrap();
                let version = caller.user.version;
                let least_version = least(&self.owed, user, now);
                assert!(
                    Some(version) >= least_version,
                    "{user}: {version} for {least_version:?}"
                );
                let count = caller.portfolios.count;
                let least_count = least(&self.owed_counts, user, now);
                assert!(
                    Some(count) >= least_count,
                    "{user}: {count} for {least_count:?}"
                );
            }
            Step::AddHere(user) => {
                let add = |database: &Database| database.add_portfolio(USERS[user]);
                let count = self.process.commit(add).await;
                self.owe_count(user, count, Duration::ZERO);
            }
            Step::AddElsewhere(user) => {
                let count = self.database.add_portfolio(USERS[user]);
                self.owe_count(user, count, BOUND);
            }
            Step::CommitHere(user) => {
                let commit = |database: &Database| database.change_user(USERS[user]);
                let version = self.process.commit(commit).await;
                self.owe(user, version, Duration::ZERO);
            }
            Step::CommitElsewhere(user) => {
                let version = self.database.change_user(USERS[user]);
                self.owe(user, version, BOUND);
            }
            Step::Ring => self.database.ring(),
            Step::FeedAway(is_away) => self.database.set_feed_away(is_away),
            Step::Pass(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }

    fn owe(&mut self, user: usize, version: i64, from: Duration) {
        let owed = self.owed.entry(USERS[user]).or_default();
        owed.push((Instant::now() + from, version));
    }

    fn owe_count(&mut self, user: usize, count: u64, from: Duration) {
        let owed = self.owed_counts.entry(USERS[user]).or_default();
        owed.push((Instant::now() + from, count));
    }
}

/// The least that is owed to a user by now.
fn least<T: Copy + Ord>(
    owed: &HashMap<&str, Vec<(Instant, T)>>,
    user: &str,
    now: Instant,
) -> Option<T> {
    let owed = owed.get(user).into_iter().flatten();
    owed.filter(|(from, _)| *from <= now)
        .map(|(_, least)| *least)
        .max()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nobody_gets_a_row_that_is_too_old(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut run = Run::start().await;
            for step in steps {
                run.make(step).await;
            }
            while run.database.release_one() {}
            for request in run.slow.drain(..) {
                request.await.unwrap().unwrap();
            }
            for user in 0..USERS.len() {
                run.make(Step::Ask(user)).await;
            }
        });
    }
}
