//! How the rows of one table are read from SQLite, written to PostgreSQL, and read there again.

use std::marker::PhantomData;

use diesel::connection::DefaultLoadingMode;
use diesel::deserialize::Queryable;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, SqliteConnection};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::MoveError;
use super::digest::{Sheet, Tally};
use crate::postgres::Conn;

/// Rows of a batch at most, and what they may take together: memory stays the same however large a table is.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Rows that PostgreSQL is asked for at once.
const FETCH_ROWS: usize = 200;

/// A table that is moved.
pub(super) struct Table {
    /// Its name.
    pub(super) name: &'static str,
    /// Its columns, but for those that the database makes.
    #[cfg(test)]
    pub(super) columns: &'static [&'static str],
    /// Reads all rows of SQLite, batch after batch, until `take` takes no more.
    pub(super) read: Read,
    /// Reads all rows of PostgreSQL.
    pub(super) tally: for<'c> fn(&'c mut Conn) -> BoxFuture<'c, QueryResult<Tally>>,
}

type Read = fn(&mut SqliteConnection, Take<'_>) -> Result<Tally, MoveError>;
/// Takes rows on; answers whether it takes more.
pub(super) type Take<'a> = &'a mut dyn FnMut(Batch) -> bool;
type Insert = Box<dyn for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, QueryResult<usize>> + Send>;

/// Rows on their way.
pub(super) struct Batch {
    /// Whose.
    pub(super) table: &'static str,
    /// How many.
    pub(super) rows: usize,
    /// Writes them; answers how many it wrote.
    pub(super) insert: Insert,
}

/// A row of one table.
pub(super) trait Row: Sized + Send + 'static {
    /// The types of its columns, in SQL.
    type Sql: Send + 'static;
    /// The rows as columns, an array each.
    type Bound: Send + 'static;
    /// The table.
    const NAME: &'static str;
    /// Its columns.
    const COLUMNS: &'static [&'static str];

    /// Writes the row as bytes; answers the first column that PostgreSQL cannot keep.
    fn write(&self, out: &mut Sheet) -> Option<&'static str>;
    /// What a person finds the row by.
    fn shown(&self) -> String;
    /// Turns rows into columns.
    fn bound(rows: Vec<Self>) -> Self::Bound;
    /// Writes `select unnest(…), …`.
    fn walk<'b>(bound: &'b Self::Bound, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

fn columns<R: Row>() -> String {
    let quoted: Vec<String> = R::COLUMNS
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    quoted.join(", ")
}

/// A statement without parameters that gives rows.
pub(super) struct Giving<R> {
    text: String,
    rows: PhantomData<fn() -> R>,
}

impl<R> Giving<R> {
    fn of(text: String) -> Self {
        Self {
            text,
            rows: PhantomData,
        }
    }
}

impl<R: Row, DB: diesel::backend::Backend> QueryFragment<DB> for Giving<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(&self.text);
        Ok(())
    }
}

/// By its text.
impl<R> QueryId for Giving<R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R: Row> Query for Giving<R> {
    type SqlType = R::Sql;
}

impl<R, C> diesel::RunQueryDsl<C> for Giving<R> {}

/// All rows of a table in SQLite.
pub(super) fn read<R>(conn: &mut SqliteConnection, take: Take<'_>) -> Result<Tally, MoveError>
where
    R: Row + Queryable<R::Sql, Sqlite>,
    Giving<R>: for<'q> diesel::query_dsl::LoadQuery<'q, SqliteConnection, R, DefaultLoadingMode>,
{
    let (mut tally, mut rows, mut bytes, mut sheet) =
        (Tally::default(), Vec::new(), 0, Sheet::default());
    let text = format!("select {} from {}", columns::<R>(), R::NAME);
    let unreadable = |read: u64, source| MoveError::Unreadable {
        table: R::NAME,
        number: read + 1,
        source,
    };
    let given =
        diesel::RunQueryDsl::load_iter::<R, DefaultLoadingMode>(Giving::<R>::of(text), conn);
    for row in given.map_err(|error| unreadable(0, error))? {
        let row = row.map_err(|error| unreadable(tally.rows, error))?;
        sheet.clear();
        if let Some(column) = row.write(&mut sheet) {
            return Err(MoveError::Nul {
                table: R::NAME,
                column,
                row: row.shown(),
            });
        }
        tally.add(&sheet);
        bytes += sheet.len();
        rows.push(row);
        if rows.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            if !take(batch(std::mem::take(&mut rows))) {
                return Ok(tally);
            }
            bytes = 0;
        }
    }
    if !rows.is_empty() {
        take(batch(rows));
    }
    Ok(tally)
}

fn batch<R: Row>(rows: Vec<R>) -> Batch {
    let (table, count) = (R::NAME, rows.len());
    let insertion = Insertion::<R>(R::bound(rows));
    Batch {
        table,
        rows: count,
        insert: Box::new(move |conn| {
            async move { RunQueryDsl::execute(insertion, conn).await }.boxed()
        }),
    }
}

/// Rows that are written as they are, numbers that the database would give included.
struct Insertion<R: Row>(R::Bound);

impl<R: Row> QueryFragment<Pg> for Insertion<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("insert into ");
        out.push_sql(R::NAME);
        out.push_sql(" (");
        out.push_sql(&columns::<R>());
        out.push_sql(") overriding system value ");
        R::walk(&self.0, out)
    }
}

/// By its text.
impl<R: Row> QueryId for Insertion<R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R: Row, C> diesel::RunQueryDsl<C> for Insertion<R> {}

/// All rows of a table in PostgreSQL, through a cursor: the driver would take in a whole answer at once.
pub(super) fn tally<R>(conn: &mut Conn) -> BoxFuture<'_, QueryResult<Tally>>
where
    R: Row + Queryable<R::Sql, Pg>,
    Giving<R>: for<'q> diesel_async::methods::LoadQuery<'q, Conn, R>,
{
    async move {
        let (name, mut tally, mut sheet) = (R::NAME, Tally::default(), Sheet::default());
        let declare = format!(
            "declare moved_{name} no scroll cursor for select {} from {name}",
            columns::<R>()
        );
        conn.batch_execute(&declare).await?;
        loop {
            let fetch = Giving::<R>::of(format!("fetch {FETCH_ROWS} from moved_{name}"));
            let rows: Vec<R> = RunQueryDsl::load(fetch, conn).await?;
            for row in &rows {
                sheet.clear();
                row.write(&mut sheet);
                tally.add(&sheet);
            }
            if rows.len() < FETCH_ROWS {
                break;
            }
        }
        conn.batch_execute(&format!("close moved_{name}")).await?;
        Ok(tally)
    }
    .boxed()
}

/// Defines the rows of the tables, and the list of them.
macro_rules! moved {
    ($($table:ident { $($column:ident: $type:ty,)+ })+) => {
        $(
            mod $table {
                #[allow(unused_imports, reason = "a table may have none of these types")]
                use super::*;
                use super::super::digest::{Field, Sheet};
                use crate::schema::$table as columns;

                #[derive(diesel::Queryable)]
                pub(super) struct Row {
                    $($column: $type,)+
                }

                impl super::super::table::Row for Row {
                    type Sql = ($(<columns::$column as diesel::Expression>::SqlType,)+);
                    type Bound = ($(Vec<$type>,)+);
                    const NAME: &'static str = stringify!($table);
                    const COLUMNS: &'static [&'static str] = &[$(<columns::$column as diesel::Column>::NAME,)+];

                    fn write(&self, out: &mut Sheet) -> Option<&'static str> {
                        let mut odd = None;
                        $(
                            self.$column.write(out);
                            if odd.is_none() && out.has_nul {
                                odd = Some(stringify!($column));
                            }
                        )+
                        odd
                    }

                    fn shown(&self) -> String {
                        // The first column is the key, or most of it.
                        let fields: &[&dyn Field] = &[$(&self.$column,)+];
                        fields.first().map_or_else(String::new, |field| field.shown())
                    }

                    fn bound(rows: Vec<Self>) -> Self::Bound {
                        $(let mut $column = Vec::with_capacity(rows.len());)+
                        for row in rows {
                            $($column.push(row.$column);)+
                        }
                        ($($column,)+)
                    }

                    fn walk<'b>(
                        bound: &'b Self::Bound,
                        mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
                    ) -> diesel::QueryResult<()> {
                        let ($($column,)+) = bound;
                        let mut before = "select unnest(";
                        $(
                            out.push_sql(before);
                            out.push_bind_param::<
                                diesel::sql_types::Array<<columns::$column as diesel::Expression>::SqlType>,
                                Vec<$type>,
                            >($column)?;
                            before = "), unnest(";
                        )+
                        let _ = before;
                        out.push_sql(")");
                        Ok(())
                    }
                }
            }
        )+

        /// The tables, in the order in which they are moved.
        pub(super) const TABLES: &[Table] = &[
            $(Table {
                name: stringify!($table),
                #[cfg(test)]
                columns: <$table::Row as super::table::Row>::COLUMNS,
                read: super::table::read::<$table::Row>,
                tally: super::table::tally::<$table::Row>,
            },)+
        ];
    };
}
pub(super) use moved;
