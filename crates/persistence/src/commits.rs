//! Who is told of commits.

use std::future::Future;
use std::sync::{OnceLock, Weak};

use domain::{CommitObserver, Commits, FeedMark};

/// The observer of one store, once there is one. It holds the store, so it is not held here.
#[derive(Default)]
pub(crate) struct Observed(OnceLock<Weak<dyn CommitObserver>>);

impl Commits for Observed {
    fn observe(&self, observer: Weak<dyn CommitObserver>) {
        // The first one stays.
        let _ = self.0.set(observer);
    }
}

impl Observed {
    /// Makes a call that commits, and has the observer know of it before its result is given back. Also when the call
    /// failed, as a commit whose answer was lost is one.
    pub(crate) async fn told_after<T>(&self, call: impl Future<Output = T> + Send) -> T {
        let result = call.await;
        self.tell(None).await;
        result
    }

    /// Something may have been committed: these changes, or nobody knows which.
    pub(crate) async fn tell(&self, changes: Option<Vec<FeedMark>>) {
        if let Some(observer) = self.0.get().and_then(Weak::upgrade) {
            observer.committed(changes).await;
        }
    }
}
