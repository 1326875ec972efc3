//! Connections out of the pool, and when they go back to it.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::QueryResult;
use diesel_async::pooled_connection::deadpool::Object;
use domain::StoreError;
use tokio::sync::SemaphorePermit;

use super::{Conn, Core, Pool, is_unwritable};

/// A connection that closes unless its call ends well ([`Lease::settle`]).
///
/// A call is dropped wherever it stands when nobody waits for it any more. In the pool its transaction would stay open,
/// and its locks with it, until somebody happened to take that very connection. And one on which a call failed may
/// lead to a server that is gone, or no longer writable.
pub(super) struct Lease<'a> {
    conn: Option<Object<Conn>>,
    /// Given up after the connection.
    _turn: Option<SemaphorePermit<'a>>,
    /// Where a writer's lease leaves word of whether writing works.
    unwritable: Option<&'a AtomicBool>,
}

impl Core {
    /// A connection to read with.
    pub(super) async fn reader(&self) -> Result<Lease<'_>, StoreError> {
        self.lease(&self.pool, None).await
    }

    /// The connection to read the end of the feed with.
    pub(super) async fn tail_reader(&self) -> Result<Lease<'_>, StoreError> {
        self.lease(&self.tail, None).await
    }

    /// A connection to write with. Writers queue before they take one: they follow one another in the database anyway,
    /// and waiting there they would keep the readers from every connection of the pool.
    pub(super) async fn writer(&self) -> Result<Lease<'_>, StoreError> {
        self.lease(&self.pool, Some(self.turn().await?)).await
    }

    /// The connection to write deliveries with, for the thread that does.
    pub(super) async fn delivery_writer(&self) -> Result<Lease<'_>, StoreError> {
        self.lease(&self.deliveries, Some(self.turn().await?)).await
    }

    /// Whether the last writer's lease did not end because the database takes nothing.
    pub(super) fn takes_writes(&self) -> bool {
        !self.unwritable.load(Ordering::Relaxed)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        let turn = self.writers.acquire().await;
        turn.map_err(|closed| StoreError::Unavailable(closed.into()))
    }

    async fn lease<'a>(
        &'a self,
        pool: &Pool,
        turn: Option<SemaphorePermit<'a>>,
    ) -> Result<Lease<'a>, StoreError> {
        match pool.get().await {
            Ok(conn) => Ok(Lease {
                conn: Some(conn),
                unwritable: turn.is_some().then_some(&self.unwritable),
                _turn: turn,
            }),
            Err(error) => Err(StoreError::Unavailable(error.into())),
        }
    }
}

impl Lease<'_> {
    /// The connection.
    #[expect(
        clippy::expect_used,
        reason = "it leaves only with the lease itself, in `settle` and `drop`"
    )]
    pub(super) fn conn(&mut self) -> &mut Conn {
        self.conn.as_mut().expect("the lease holds its connection")
    }

    /// Gives the connection back if all went well.
    pub(super) fn settle<T>(mut self, result: QueryResult<T>) -> QueryResult<T> {
        if let Some(unwritable) = self.unwritable {
            match &result {
                Ok(_) => unwritable.store(false, Ordering::Relaxed),
                Err(error) if is_unwritable(error) => unwritable.store(true, Ordering::Relaxed),
                Err(_) => {}
            }
        }
        if result.is_ok() {
            drop(self.conn.take());
        }
        result
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            drop(Object::take(conn));
        }
    }
}
