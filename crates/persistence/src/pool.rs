//! The pool, the same for both databases.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::QueueMode;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;

use crate::{OpenError, StoreSettings};

/// How long a request may wait for a connection, for a new one to be made, and for a used one to be looked over: a
/// delivery must be answered within five seconds whatever happens.
const WAIT: Duration = Duration::from_secs(3);

pub(crate) fn build<C>(
    manager: AsyncDieselConnectionManager<C>,
    settings: &StoreSettings,
) -> Result<Pool<C>, OpenError>
where
    C: diesel_async::AsyncConnection + 'static,
    AsyncDieselConnectionManager<C>: deadpool::managed::Manager<Type = C>,
{
    Pool::builder(manager)
        .max_size(settings.pool_size)
        // The one that was used last: its process at the database has everything at hand.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(WAIT))
        .recycle_timeout(Some(WAIT))
        .build()
        .map_err(|error| OpenError::Pool(error.to_string()))
}
