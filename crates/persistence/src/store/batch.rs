//! Deliveries that wait at the same moment are committed together, each still answered for itself.
//!
//! A commit waits for the disk, and every statement for the database; both cost about the same for one delivery as for a
//! hundred. One thread of this process takes whatever has come while the last batch was being written. Nobody is made to
//! wait for company: a lone delivery is a batch of one.
//!
//! It is a thread, with a connection of its own, so that the answers of the database, on which everybody waits, do not queue
//! behind requests that have just come ([why](../../../../docs/decisions/0135-deliveries-have-a-thread.md)).

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error};
use domain::{Delivery, Effect, FeedMark, Payload, Receipt, StoreError};
use futures_util::FutureExt as _;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, Span};

use super::apply::{Applied, Way};
use super::{Core, apply, is_misfit, is_passing, limited, store_error};

/// Deliveries in one transaction.
const BATCH: usize = 64;
/// Deliveries that may wait for a batch; more are told to come again.
const WAITING: usize = 4096;
/// How long a delivery may wait. Its sender has been answered by then.
const PATIENCE: Duration = Duration::from_millis(4500);

/// A delivery and who waits for its receipt.
struct Job {
    delivery: Delivery,
    /// The request's: the batch's own names it, so that a trace leads from one to the other.
    span: Span,
    came: Instant,
    answer: oneshot::Sender<Result<Receipt, StoreError>>,
}

/// The way to the thread that writes, which ends with this.
pub(super) struct Batcher(mpsc::Sender<Job>);

impl Batcher {
    /// Starts the thread. Those who wait are answered on the current runtime.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(core: Arc<Core>) -> io::Result<Self> {
        let (sender, jobs) = mpsc::channel(WAITING);
        let requests = Handle::current();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(move || runtime.block_on(write(core, jobs, requests)))?;
        Ok(Self(sender))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        WAITING.saturating_sub(self.0.capacity())
    }

    /// Has a delivery written with others; answers once it is committed.
    pub(super) async fn apply(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        let (answer, receipt) = oneshot::channel();
        let job = Job {
            delivery,
            span: Span::current(),
            came: Instant::now(),
            answer,
        };
        self.0
            .try_send(job)
            .map_err(|error| StoreError::Unavailable(error.to_string().into()))?;
        match tokio::time::timeout(PATIENCE, receipt).await {
            Ok(Ok(result)) => result,
            Ok(Err(gone)) => Err(StoreError::Unavailable(gone.into())),
            Err(elapsed) => Err(StoreError::Unavailable(elapsed.into())),
        }
    }
}

async fn write(core: Arc<Core>, mut jobs: mpsc::Receiver<Job>, requests: Handle) {
    let mut waiting = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut waiting, BATCH).await > 0 {
        // Nobody waits any more for what was asked too long ago: the sender repeats it.
        waiting.retain(|job: &Job| job.came.elapsed() < PATIENCE && !job.answer.is_closed());
        if waiting.is_empty() {
            continue;
        }
        let span = tracing::info_span!(parent: None, "write deliveries", count = waiting.len());
        for job in &waiting {
            span.follows_from(&job.span);
        }
        let (deliveries, answers): (Vec<_>, Vec<_>) = waiting
            .drain(..)
            .map(|job| (job.delivery, job.answer))
            .unzip();
        let writing = Box::pin(core.apply(deliveries).instrument(span));
        let (results, changes) = unharmed(writing).await;
        let observed = Arc::clone(&core.observed);
        // The next batch needs not wait for it, only the senders of this one.
        requests.spawn(async move {
            observed.tell(changes).await;
            for (answer, result) in answers.into_iter().zip(results) {
                // Whoever has gone away meanwhile will ask again, and be told of a duplicate.
                let _ = answer.send(result);
            }
        });
    }
}

/// What became of each delivery, and the changes, where they are known.
type Written = (Vec<Result<Receipt, StoreError>>, Option<Vec<FeedMark>>);

/// What writing comes to; nothing when it panics. That is a fault of ours, and must not end the thread on which every
/// delivery waits: those who wait for these are told to come again.
async fn unharmed(writing: impl Future<Output = Written>) -> Written {
    let written = AssertUnwindSafe(writing).catch_unwind().await;
    written.unwrap_or_else(|_| {
        tracing::error!("writing deliveries panicked");
        (Vec::new(), None)
    })
}

impl Core {
    /// Applies deliveries together. When the database refuses that for what they hold, each is tried alone, so that one
    /// never fails its neighbours. Answers the changes too, where they are known.
    async fn apply(&self, deliveries: Vec<Delivery>) -> Written {
        match limited(self.together(&deliveries, Way::Shortest)).await {
            Ok(Ok(Applied { receipts, changes })) => {
                (receipts.into_iter().map(Ok).collect(), Some(changes))
            }
            Ok(Err(_)) => {
                let mut results = Vec::with_capacity(deliveries.len());
                for delivery in deliveries {
                    results.push(limited(self.alone(delivery)).await);
                }
                (results, None)
            }
            Err(error) => {
                let cause = shown(&error);
                let mut results: Vec<_> = (1..deliveries.len())
                    .map(|_| Err(unavailable(&cause)))
                    .collect();
                results.push(Err(error));
                (results, None)
            }
        }
    }

    /// One delivery that the database may refuse: that has to happen twice, as a refusal may be a passing fault that the
    /// driver has no name for. Then the delivery is kept without its effect.
    async fn alone(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        let deliveries = vec![delivery];
        if let Ok(applied) = self.together(&deliveries, Way::StepByStep).await? {
            return only(applied);
        }
        match self.together(&deliveries, Way::StepByStep).await? {
            Ok(applied) => only(applied),
            Err(refusal) => {
                let kept: Vec<_> = deliveries
                    .into_iter()
                    .map(|delivery| quarantined_by_database(delivery, &refusal))
                    .collect();
                let applied = self.together(&kept, Way::StepByStep).await?;
                only(applied.map_err(|error| StoreError::Unavailable(error.into()))?)
            }
        }
    }

    /// One transaction. The inner error is the database's refusal of the content, after which nothing is written.
    async fn together(
        &self,
        deliveries: &[Delivery],
        way: Way,
    ) -> Result<Result<Applied, Error>, StoreError> {
        let mut lease = self.delivery_writer().await?;
        let result = apply::deliveries(lease.conn(), deliveries, &self.policy.current(), way).await;
        match lease.settle(result) {
            Err(error) if refuses_content(&error) => Ok(Err(error)),
            other => other.map(Ok).map_err(store_error),
        }
    }
}

fn only(applied: Applied) -> Result<Receipt, StoreError> {
    let mut receipts = applied.receipts.into_iter();
    receipts
        .next()
        .ok_or_else(|| unavailable("the batch gave no receipt"))
}

fn unavailable(cause: &str) -> StoreError {
    StoreError::Unavailable(cause.to_owned().into())
}

fn shown(error: &StoreError) -> String {
    std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// Whether the database refused the content, which repetition cannot mend: an authentic delivery is then kept in
/// quarantine instead of being refused for ever.
fn refuses_content(error: &Error) -> bool {
    match error {
        Error::SerializationError(_) | Error::QueryBuilderError(_) => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            !is_passing(info.message()) && !is_misfit(info.message())
        }
        Error::DatabaseError(
            DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::NotNullViolation
            | DatabaseErrorKind::UniqueViolation,
            _,
        ) => true,
        _ => false,
    }
}

fn quarantined_by_database(delivery: Delivery, refusal: &Error) -> Delivery {
    let payload = match delivery.payload {
        Payload::Json(text) => Payload::Bytes(text.into_string().into_bytes()),
        bytes @ Payload::Bytes(_) => bytes,
    };
    // The database's message may quote the content, so only its kind is kept.
    let kind = match refusal {
        Error::DatabaseError(kind, _) => format!("{kind:?}"),
        _ => "content that it cannot hold".to_owned(),
    };
    tracing::error!(
        message_id = %delivery.message_id,
        event_type = %delivery.event_type,
        kind,
        "the database refused a delivery's content"
    );
    Delivery {
        payload,
        effect: Effect::Quarantined {
            reason: format!("the database refused it: {kind}"),
        },
        ..delivery
    }
}

#[cfg(test)]
mod tests {
    use domain::Outcome;

    use super::*;

    #[tokio::test]
    async fn a_panic_leaves_no_receipt_and_does_no_more_harm() {
        let (results, changes) = unharmed(async { panic!("a fault of ours") }).await;
        assert!(results.is_empty() && changes.is_none());
        let receipt = Receipt {
            outcome: Outcome::Applied,
            reason: None,
        };
        let (results, changes) = unharmed(async { (vec![Ok(receipt)], Some(Vec::new())) }).await;
        assert_eq!((results.len(), changes.map(|all| all.len())), (1, Some(0)));
    }
}
