//! Connections out of the pool, and when they go back to it.

use diesel_async::pooled_connection::deadpool::Object;
use domain::StoreError;

use super::{Conn, Store};

/// A connection that closes unless its call ends well ([`Lease::settle`]).
///
/// A call is dropped wherever it stands when nobody waits for it any more. In the pool its transaction would stay open,
/// and its locks with it, until somebody happened to take that very connection. And one on which a call failed may
/// lead to a server that is gone, or no longer writable.
pub(super) struct Lease(Option<Object<Conn>>);

impl Store {
    /// A connection of the pool.
    pub(super) async fn connection(&self) -> Result<Lease, StoreError> {
        match self.pool.get().await {
            Ok(conn) => Ok(Lease(Some(conn))),
            Err(error) => Err(StoreError::Unavailable(error.into())),
        }
    }
}

impl Lease {
    /// The connection.
    #[expect(
        clippy::expect_used,
        reason = "it leaves only with the lease itself, in `settle` and `drop`"
    )]
    pub(super) fn conn(&mut self) -> &mut Conn {
        self.0.as_mut().expect("the lease holds its connection")
    }

    /// Gives the connection back if all went well.
    pub(super) fn settle<T, E>(mut self, result: Result<T, E>) -> Result<T, E> {
        if result.is_ok() {
            drop(self.0.take());
        }
        result
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(Object::take(conn));
        }
    }
}
