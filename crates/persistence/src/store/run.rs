//! How statements are run: as diesel-async does it, with futures of one type.
//!
//! Diesel-async's own futures name the type of their statement, and each function that waits for one, and each that waits
//! for such a function, has the compiler prove anew that the whole of it can be sent between threads. Here it is proved
//! once, where the statement stands. The futures of both drivers are boxed already: one more costs nothing that shows.

use diesel::QueryResult;
use diesel::dsl::Limit;
use diesel::query_dsl::methods::LimitDsl;
use diesel_async::AsyncConnectionCore;
use diesel_async::methods::{ExecuteDsl, LoadQuery};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// The calls of [`diesel_async::RunQueryDsl`] that the store uses, by the same names.
pub(super) trait RunQueryDsl<C: AsyncConnectionCore>: Sized {
    /// Runs the statement; gives the number of rows that it changed.
    fn execute<'a>(self, conn: &'a mut C) -> BoxFuture<'a, QueryResult<usize>>
    where
        C: Send,
        Self: ExecuteDsl<C> + 'a,
    {
        diesel_async::RunQueryDsl::execute(self, conn).boxed()
    }

    /// Runs the statement; gives the rows.
    fn load<'a, U>(self, conn: &'a mut C) -> BoxFuture<'a, QueryResult<Vec<U>>>
    where
        U: Send + 'a,
        Self: LoadQuery<'a, C, U> + 'a,
    {
        diesel_async::RunQueryDsl::load(self, conn).boxed()
    }

    /// Runs the statement; gives its first row, which there must be.
    fn get_result<'a, U>(self, conn: &'a mut C) -> BoxFuture<'a, QueryResult<U>>
    where
        U: Send + 'a,
        Self: LoadQuery<'a, C, U> + 'a,
    {
        diesel_async::RunQueryDsl::get_result(self, conn).boxed()
    }

    /// Runs the query, limited to one row; gives the row, which there must be.
    fn first<'a, U>(self, conn: &'a mut C) -> BoxFuture<'a, QueryResult<U>>
    where
        U: Send + 'a,
        Self: LimitDsl,
        Limit<Self>: LoadQuery<'a, C, U> + Send + 'a,
    {
        diesel_async::RunQueryDsl::first(self, conn).boxed()
    }
}

impl<Q, C: AsyncConnectionCore> RunQueryDsl<C> for Q {}
