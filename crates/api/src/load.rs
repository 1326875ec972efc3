//! How much is under way at one time, and the limit beyond which a request is told to come again at once.
//!
//! Under overload a queue makes everybody slow and nobody served: work that nobody waits for any more is done before work
//! that somebody does wait for. So the queue is short, and who does not fit in hears so within a millisecond. A request
//! whose body is still on its way is not under way: slow senders take no places.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::poll;

/// Bytes of bodies that may be half here at one time, in all.
const BODY_BYTES: usize = 64 * 1024 * 1024;

/// What one process has under way.
pub(crate) struct Load {
    requests: AtomicUsize,
    max_requests: usize,
    body_bytes: AtomicUsize,
}

/// A place among the requests under way, given back when it is dropped.
pub(crate) struct Place(Arc<Load>);

/// A request that waits for its client, for as long as it does.
pub(crate) struct Away<'a>(&'a Load);

/// Bytes of a body that is not whole yet.
pub(crate) struct BodyBytes<'a> {
    load: &'a Load,
    taken: usize,
}

impl Load {
    /// For this many requests at one time.
    pub(crate) fn new(max_requests: usize) -> Self {
        Self {
            requests: AtomicUsize::new(0),
            max_requests,
            body_bytes: AtomicUsize::new(0),
        }
    }

    /// A place for a request, and whether there is room for it: those who ask how we do are told so in any case.
    pub(crate) fn enter(self: &Arc<Self>) -> (Place, bool) {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        (Place(Arc::clone(self)), before < self.max_requests)
    }

    /// What `work`, which waits for a request's client, comes to. As soon as it must wait, and until it is done, the
    /// place of the request is for others; what is here already gives up no place.
    pub(crate) async fn waiting<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Poll::Ready(done) = poll!(work.as_mut()) {
            return done;
        }
        let _away = self.away();
        work.await
    }

    fn away(&self) -> Away<'_> {
        self.requests.fetch_sub(1, Ordering::Relaxed);
        Away(self)
    }

    /// Room for a body that is to come.
    pub(crate) fn body(&self) -> BodyBytes<'_> {
        BodyBytes {
            load: self,
            taken: 0,
        }
    }

    /// Requests under way.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl BodyBytes<'_> {
    /// Takes room for more of it; `false` where there is none.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let before = self.load.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.taken += bytes;
        before.saturating_add(bytes) <= BODY_BYTES
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for BodyBytes<'_> {
    fn drop(&mut self) {
        self.load
            .body_bytes
            .fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn there_are_as_many_places_as_the_limit_says() {
        let load = Arc::new(Load::new(2));
        let places = [load.enter(), load.enter(), load.enter()];
        let fit: Vec<bool> = places.iter().map(|(_, fits)| *fits).collect();
        assert_eq!(fit, [true, true, false]);
        drop(places);
        assert_eq!(load.requests(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_his_client_takes_no_place() {
        let load = Arc::new(Load::new(1));
        let slow = load.enter();
        let (sender, body) = oneshot::channel();
        let mut waiting = Box::pin(load.waiting(body));
        assert!(poll!(&mut waiting).is_pending());
        assert!(load.enter().1);
        sender.send("body").unwrap();
        assert_eq!(waiting.await, Ok("body"));
        assert!(!load.enter().1);
        drop(slow);
        assert_eq!(load.requests(), 0);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_no_place_behind() {
        let load = Arc::new(Load::new(1));
        let slow = load.enter();
        let mut waiting = Box::pin(load.waiting(pending::<()>()));
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting);
        assert_eq!(load.requests(), 1);
        drop(slow);
        assert_eq!(load.requests(), 0);
    }

    #[tokio::test]
    async fn what_is_here_already_keeps_its_place() {
        let load = Arc::new(Load::new(1));
        let _place = load.enter();
        let fits = load.waiting(async { load.enter().1 }).await;
        assert!(!fits);
    }

    #[test]
    fn bodies_have_a_room_in_common_and_give_it_back() {
        let load = Load::new(1);
        let (mut one, mut other) = (load.body(), load.body());
        assert!(one.take(BODY_BYTES / 2));
        assert!(other.take(BODY_BYTES / 2));
        assert!(!other.take(1));
        drop(other);
        assert!(one.take(BODY_BYTES / 2));
        drop(one);
        assert_eq!(load.body_bytes.load(Ordering::Relaxed), 0);
    }
}
