//! One replica at a time, and nothing that it began forgotten. The clock is the test's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::DateTime;
use domain::{
    ClerkId, DirectoryError, Erasure, ErasureOutcome, MockDirectory, MockEnrichment, MockErasures,
    MockMirror, MockMirrorRows, MockStreamTickets, Page, SweepLog, UserKey,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::*;

/// A store in memory.
#[derive(Default)]
struct Notes {
    /// Answers to the next questions for the lease; from then on it is granted.
    leases: Mutex<VecDeque<Result<bool, StoreError>>>,
    asked: AtomicU64,
    words: Mutex<BTreeMap<String, String>>,
    /// Whether there are ever more old lines.
    has_endless_lines: bool,
    thin: Vec<&'static str>,
    leftovers: Mutex<u64>,
}

#[async_trait]
impl Housekeeping for Notes {
    async fn lease(
        &self,
        _: &str,
        _: &str,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.leases.lock().unwrap().pop_front().unwrap_or(Ok(true))
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.words.lock().unwrap().get(name).cloned())
    }

    async fn keep_checkpoint(&self, name: &str, word: Option<String>) -> Result<(), StoreError> {
        let mut words = self.words.lock().unwrap();
        match word {
            Some(word) => words.insert(name.to_owned(), word),
            None => words.remove(name),
        };
        Ok(())
    }

    async fn prune_deliveries(&self, _: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(if self.has_endless_lines {
            u64::from(limit)
        } else {
            0
        })
    }

    async fn prune_leftovers(&self, _: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        // A full batch is followed by another.
        let mut left = self.leftovers.lock().unwrap();
        let gone = u64::from(limit).min(*left);
        *left -= gone;
        Ok(gone)
    }

    async fn settle_tiers(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn thin_users(
        &self,
        after: Option<ClerkId>,
        limit: u32,
    ) -> Result<Vec<ClerkId>, StoreError> {
        let after = after.map(ClerkId::into_string).unwrap_or_default();
        let ids = self.thin.iter().filter(|id| ***id > *after);
        let ids = ids.take(usize::try_from(limit).unwrap());
        Ok(ids.map(|id| ClerkId::parse(*id).unwrap()).collect())
    }
}

impl Notes {
    fn answering(leases: impl IntoIterator<Item = Result<bool, StoreError>>) -> Self {
        Self {
            leases: Mutex::new(leases.into_iter().collect()),
            ..Self::default()
        }
    }

    fn log(&self) -> SweepLog {
        let words = self.words.lock().unwrap();
        serde_json::from_str(&words["reconcile:schedule"]).unwrap()
    }
}

fn away() -> StoreError {
    StoreError::Unavailable("away".into())
}

fn upkeep(notes: &Arc<Notes>, directory: MockDirectory) -> (Upkeep, Arc<SyncStatus>) {
    let mut erasures = MockErasures::new();
    erasures.expect_due().returning(|_, _, _| Ok(Vec::new()));
    upkeep_with(notes, directory, erasures)
}

fn upkeep_with(
    notes: &Arc<Notes>,
    directory: MockDirectory,
    erasures: MockErasures,
) -> (Upkeep, Arc<SyncStatus>) {
    let status = Arc::new(SyncStatus::new(Utc::now()));
    let mut rows = MockMirrorRows::new();
    rows.expect_live_after().returning(|_, _, _| Ok(Vec::new()));
    let mut enrichment = MockEnrichment::new();
    enrichment.expect_wanted().return_const(());
    let mut tickets = MockStreamTickets::new();
    tickets.expect_prune_tickets().returning(|_, _| Ok(0));
    let tools = Tools {
        housekeeping: Arc::clone(notes) as Arc<dyn Housekeeping>,
        mirror: Arc::new(MockMirror::new()),
        rows: Arc::new(rows),
        tickets: Arc::new(tickets),
        erasures: Arc::new(erasures),
        directory: Some(Arc::new(directory)),
        enrichment: Arc::new(enrichment),
        status: Arc::clone(&status),
        asked: Arc::new(AskedSweeps::new(
            Arc::clone(notes) as Arc<dyn Housekeeping>,
            Arc::new(domain::MockAuditLog::new()),
        )),
    };
    let config = SyncConfig {
        reconcile_interval: Some(Duration::from_secs(3600)),
        full_interval: Duration::from_secs(86_400),
        max_absent: domain::MaxAbsent::default(),
        retention_days: 30,
    };
    (Upkeep::new(tools, &config), status)
}

/// A Clerk that has nothing, and says so.
fn empty() -> MockDirectory {
    let mut directory = MockDirectory::new();
    directory.expect_count().returning(|_| Ok(0));
    directory
        .expect_page()
        .returning(|_, _| Ok(Page::default()));
    directory
}

fn failing() -> MockDirectory {
    let mut directory = MockDirectory::new();
    directory.expect_count().returning(|_| Ok(0));
    directory
        .expect_page()
        .returning(|_, _| Err(DirectoryError::Unavailable("503".to_owned())));
    directory
}

#[tokio::test(start_paused = true)]
async fn work_ends_when_another_takes_the_lease() {
    let notes = Arc::new(Notes {
        has_endless_lines: true,
        ..Notes::answering([Ok(true), Ok(true), Ok(false)])
    });
    let (upkeep, _) = upkeep(&notes, MockDirectory::new());
    let began = Instant::now();
    upkeep.round().await;
    assert_eq!(began.elapsed().as_secs(), 2 * ROUND.as_secs());
}

#[tokio::test(start_paused = true)]
async fn work_ends_before_a_lease_that_cannot_be_renewed_runs_out() {
    let failures = (0..10).map(|_| Err(away()));
    let notes = Arc::new(Notes {
        has_endless_lines: true,
        ..Notes::answering([Ok(true)].into_iter().chain(failures))
    });
    let (upkeep, _) = upkeep(&notes, MockDirectory::new());
    let began = Instant::now();
    upkeep.round().await;
    assert_eq!(began.elapsed().as_secs(), 25);
    assert!(notes.asked.load(Ordering::Relaxed) > 3, "it was tried");
}

#[tokio::test(start_paused = true)]
async fn without_the_lease_nothing_is_done() {
    let notes = Arc::new(Notes {
        has_endless_lines: true,
        ..Notes::answering([Ok(false)])
    });
    let (upkeep, _) = upkeep(&notes, MockDirectory::new());
    upkeep.round().await;
    assert!(notes.words.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn leftovers_are_pruned_to_the_last() {
    let notes = Arc::new(Notes::default());
    *notes.leftovers.lock().unwrap() = 2 * u64::from(PRUNED_AT_ONCE) + 1;
    let (upkeep, _) = upkeep(&notes, empty());
    upkeep.round().await;
    assert_eq!(*notes.leftovers.lock().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_sweep_found_is_known_to_every_replica() {
    let notes = Arc::new(Notes::default());
    let (holder, status) = upkeep(&notes, empty());
    holder.round().await;
    let found = status.last().expect("a sweep");
    assert_eq!((found.drift, found.stopped), (0, false));
    assert!(notes.log().last.is_some() && notes.log().started_at.is_none());
    *notes.leases.lock().unwrap() = [Ok(false)].into();
    let (other, status) = upkeep(&notes, MockDirectory::new());
    other.round().await;
    assert_eq!(status.last(), Some(found));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_failed_is_still_to_be_made() {
    let notes = Arc::new(Notes::default());
    let (failed, status) = upkeep(&notes, failing());
    failed.round().await;
    assert!(status.last().expect("a sweep").stopped);
    let log = notes.log();
    assert_eq!((log.last, log.unfinished), (None, 1));
    // Not at once: Clerk is left alone for a while.
    failed.round().await;
    assert_eq!(notes.log(), log);
    // The time has come, for whoever has the lease then.
    let past = SweepLog {
        started_at: log.started_at.map(|at| at - TimeDelta::seconds(30)),
        ..log
    };
    let word = serde_json::to_string(&past).unwrap();
    let name = "reconcile:schedule";
    notes.keep_checkpoint(name, Some(word)).await.unwrap();
    let (next, status) = upkeep(&notes, empty());
    next.round().await;
    assert!(!status.last().expect("a sweep").stopped);
    assert_eq!((notes.log().started_at, notes.log().unfinished), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn users_known_from_a_token_alone_are_asked_for_now_and_then() {
    let notes = Arc::new(Notes {
        thin: vec!["user_1", "user_2"],
        ..Notes::default()
    });
    let wanted = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&wanted);
    let mut enrichment = MockEnrichment::new();
    enrichment
        .expect_wanted()
        .returning(move |user| heard.lock().unwrap().push(user.to_string()));
    let thin = ThinUsers::new(
        Arc::clone(&notes) as Arc<dyn Housekeeping>,
        Arc::new(enrichment),
    );
    thin.look().await.unwrap();
    thin.look().await.unwrap();
    assert_eq!(*wanted.lock().unwrap(), ["user_1", "user_2"]);
    tokio::time::advance(Duration::from_secs(300)).await;
    thin.look().await.unwrap();
    assert_eq!(wanted.lock().unwrap().len(), 4);
}

/// Requests that are due, the most overdue first.
fn due_erasures(count: u128) -> Vec<Erasure> {
    let erasure = |number: u128| Erasure {
        id: Uuid::from_u128(number),
        user_id: Uuid::from_u128(number),
        clerk_user_id: ClerkId::parse(format!("user_{number}")).unwrap(),
        requested_by: "system".to_owned(),
        requested_at: DateTime::UNIX_EPOCH,
        due_at: DateTime::UNIX_EPOCH,
        cancelled_at: None,
        executed_at: None,
    };
    (0..count).map(erasure).collect()
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_forgotten_holds_up_neither_others_nor_the_sweep() {
    let open = Arc::new(Mutex::new(due_erasures(13)));
    let tried = Arc::new(Mutex::new(Vec::new()));
    let mut erasures = MockErasures::new();
    let listed = Arc::clone(&open);
    erasures.expect_due().returning(move |_, after, limit| {
        let after = after.map(|erasure| erasure.id);
        let open = listed.lock().unwrap();
        let due = open.iter().filter(|erasure| Some(erasure.id) > after);
        let limit = usize::try_from(limit).unwrap();
        Ok(due.take(limit).cloned().collect())
    });
    let (listed, noted) = (Arc::clone(&open), Arc::clone(&tried));
    erasures.expect_execute().returning(move |user, _| {
        let mut open = listed.lock().unwrap();
        let place = open
            .iter()
            .position(|erasure| UserKey::from(erasure.user_id) == *user);
        let place = place.expect("an open one");
        let number = open[place].id.as_u128();
        noted.lock().unwrap().push(number);
        match number {
            12 => Ok(ErasureOutcome::Done(open.remove(place))),
            number if number % 2 == 0 => Ok(ErasureOutcome::Unknown),
            _ => Err(away()),
        }
    });
    let notes = Arc::new(Notes::default());
    let (upkeep, status) = upkeep_with(&notes, empty(), erasures);
    upkeep.round().await;
    assert!(status.last().is_some(), "the sweep was made all the same");
    upkeep.round().await;
    assert_eq!(*tried.lock().unwrap(), (0..13).collect::<Vec<_>>());
    assert_eq!(open.lock().unwrap().len(), 12, "one is forgotten");
    // And the others are tried again, from the first.
    upkeep.round().await;
    assert_eq!(tried.lock().unwrap()[13..], (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn requests_that_cannot_be_read_hold_up_nothing_else() {
    let mut erasures = MockErasures::new();
    erasures.expect_due().returning(|_, _, _| Err(away()));
    let (upkeep, status) = upkeep_with(&Arc::new(Notes::default()), empty(), erasures);
    upkeep.round().await;
    assert!(status.last().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_the_end() {
    let mut erasures = MockErasures::new();
    let panics = erasures.expect_due().times(1);
    panics.returning(|_, _, _| panic!("a fault of ours"));
    erasures.expect_due().returning(|_, _, _| Ok(Vec::new()));
    let (upkeep, status) = upkeep_with(&Arc::new(Notes::default()), empty(), erasures);
    let stop = CancellationToken::new();
    let running = tokio::spawn(upkeep.run(stop.clone()));
    let swept = async {
        while status.last().is_none() {
            tokio::time::sleep(ROUND).await;
        }
    };
    tokio::time::timeout(10 * ROUND, swept).await.unwrap();
    stop.cancel();
    running.await.unwrap();
}
