//! Clerk and store side by side, and what runs between them.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use domain::{
    BackfillOptions, BackfillReport, ClerkId, Deletion, Listing, Progress, ReconcileOptions,
    ReconcileReport, SyncError, Write, backfill, reconcile,
};

use crate::fake_clerk::FakeClerk;
use crate::fake_store::FakeStore;
use crate::objects::{as_event, now, object};

/// Ends the process, as far as it can tell: after so many steps nothing ever answers again.
#[derive(Clone, Default)]
pub(crate) struct Fuse(Arc<AtomicI64>);

impl Fuse {
    pub(crate) fn set(&self, steps: i64) {
        self.0.store(steps, Ordering::SeqCst);
    }

    pub(crate) async fn burn(&self) {
        // 0 is no fuse at all.
        let left = self.0.load(Ordering::SeqCst);
        if left == 1 {
            std::future::pending::<()>().await;
        }
        if left > 1 {
            self.0.store(left - 1, Ordering::SeqCst);
        }
    }
}

/// Runs to the end, or to where the fuse has burnt down: there everything is dropped as it stands.
pub(crate) fn run<T>(future: impl Future<Output = T> + Send) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clerk: Arc<FakeClerk>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) fuse: Fuse,
}

impl World {
    pub(crate) fn new(page_size: usize) -> Self {
        let fuse = Fuse::default();
        Self {
            clerk: Arc::new(FakeClerk::new(page_size, fuse.clone())),
            store: Arc::new(FakeStore::new(fuse.clone())),
            fuse,
        }
    }

    /// Objects numbered from 0 in every listing, known on both sides.
    pub(crate) fn in_step(page_size: usize, count: u32) -> Self {
        let world = Self::new(page_size);
        for &listing in Listing::ALL {
            for number in 0..count {
                world.change(listing, object(listing, number, 1));
            }
        }
        world
    }

    /// A change at Clerk, whose event comes.
    pub(crate) fn change(&self, listing: Listing, write: Write) {
        self.clerk.put(listing, write.clone());
        self.store.hear(&as_event(write));
    }

    /// A deletion at Clerk, whose event comes.
    pub(crate) fn delete(&self, listing: Listing, id: &ClerkId) {
        self.clerk.remove(listing, id);
        self.store.hear(&Write::Deletion(Deletion {
            kind: listing.kind(),
            clerk_id: id.clone(),
            deleted_at: now(),
        }));
    }

    pub(crate) fn backfill(&self) -> Result<BackfillReport, SyncError> {
        self.backfill_until_killed().expect("nobody kills this one")
    }

    /// `None` when it was killed.
    pub(crate) fn backfill_until_killed(&self) -> Option<Result<BackfillReport, SyncError>> {
        run(backfill(
            &*self.clerk,
            &*self.store,
            &*self.store,
            &BackfillOptions::default(),
            &|_| {},
            &now,
        ))
    }

    pub(crate) fn backfill_progress(&self) -> Vec<Progress> {
        let told = Mutex::new(Vec::new());
        let result = run(backfill(
            &*self.clerk,
            &*self.store,
            &*self.store,
            &BackfillOptions {
                only: vec![Listing::Users],
            },
            &|progress| told.lock().unwrap().push(progress),
            &now,
        ));
        result.unwrap().unwrap();
        told.into_inner().unwrap()
    }

    pub(crate) fn reconcile(&self, options: &ReconcileOptions) -> ReconcileReport {
        run(reconcile(
            &*self.clerk,
            &*self.store,
            &*self.store,
            options,
            &|_| {},
            &now,
        ))
        .expect("nobody kills this one")
        .expect("the store works")
    }

    /// A sweep that only counts.
    pub(crate) fn count(&self) -> ReconcileReport {
        self.reconcile(&ReconcileOptions::default())
    }

    pub(crate) fn repair(&self) -> ReconcileReport {
        self.reconcile(&ReconcileOptions {
            repair: true,
            ..ReconcileOptions::default()
        })
    }

    /// Fails unless a sweep finds nothing and writes nothing.
    pub(crate) fn assert_in_step(&self) {
        let before = self.store.write_calls();
        let report = self.repair();
        assert_eq!((report.drift, report.repaired), (0, 0), "{report:?}");
        assert!(!report.stopped(), "{report:?}");
        assert_eq!(self.store.write_calls(), before);
    }
}
