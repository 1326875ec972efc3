//! Insertions of many rows, as text that is the same each time.
//!
//! Diesel's own insertion proves of every column, in every statement, that it belongs to its table: with tables of thirty
//! columns, on two databases, that is most of this crate's time in the compiler. Here the columns stand beside their
//! types once, where the row is defined ([`insertable`]), and what follows the rows is a fixed text. See
//! `docs/decisions/0020-few-statements.md`.

use diesel::QueryResult;
use diesel::expression::Expression;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

use super::Db;

/// Rows of one table.
pub(super) trait Row: Sized + Send {
    /// What one statement binds: every row, or one.
    type Bound: Send;
    /// The names of the columns.
    const COLUMNS: &'static [&'static str];
    /// The statements that the rows take.
    fn bound(rows: Vec<Self>) -> impl Iterator<Item = Self::Bound> + Send;
    /// Writes the table's name.
    fn walk_table(out: AstPass<'_, '_, Db>) -> QueryResult<()>;
    /// Writes the rows, their columns in the order of `COLUMNS`.
    fn walk_rows<'b>(bound: &'b Self::Bound, out: AstPass<'_, 'b, Db>) -> QueryResult<()>;
}

/// One statement, with what follows the rows: nothing, or what to do with a row that is there already.
pub(super) struct Insertion<R: Row> {
    bound: R::Bound,
    on_conflict: &'static str,
}

impl<R: Row> Insertion<R> {
    /// The statements that insert these rows.
    pub(super) fn of(rows: Vec<R>, on_conflict: &'static str) -> impl Iterator<Item = Self> + Send {
        R::bound(rows).map(move |bound| Self { bound, on_conflict })
    }

    /// The same statement that gives back the rows which it wrote.
    pub(super) fn returning<S>(self, selection: S) -> Returning<R, S> {
        Returning {
            insertion: self,
            selection,
        }
    }
}

impl<R: Row> QueryFragment<Db> for Insertion<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        out.push_sql("insert into ");
        R::walk_table(out.reborrow())?;
        let mut before = " (";
        for column in R::COLUMNS {
            out.push_sql(before);
            out.push_identifier(column)?;
            before = ", ";
        }
        out.push_sql(") ");
        R::walk_rows(&self.bound, out.reborrow())?;
        out.push_sql(self.on_conflict);
        Ok(())
    }
}

/// By their text.
impl<R: Row> QueryId for Insertion<R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R: Row, C> diesel::RunQueryDsl<C> for Insertion<R> {}

/// An insertion that gives back what it wrote.
pub(super) struct Returning<R: Row, S> {
    insertion: Insertion<R>,
    selection: S,
}

impl<R: Row, S: QueryFragment<Db>> QueryFragment<Db> for Returning<R, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.insertion.walk_ast(out.reborrow())?;
        out.push_sql(" returning ");
        self.selection.walk_ast(out)
    }

    /// Also where the selection holds literal SQL, which diesel would have planned anew each time, a round trip of its own:
    /// no text of ours depends on values.
    fn is_safe_to_cache_prepared(&self, _: &Db) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<R: Row, S> QueryId for Returning<R, S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<R: Row, S: Expression> Query for Returning<R, S> {
    type SqlType = S::SqlType;
}

impl<R: Row, S, C> diesel::RunQueryDsl<C> for Returning<R, S> {}

/// Defines a row that is inserted into a table.
macro_rules! insertable {
    (
        $(#[$attribute:meta])*
        $visible:vis struct $row:ident $(<$life:lifetime>)? for $table:ident {
            $($field_visible:vis $column:ident: $type:ty,)+
        }
    ) => {
        $(#[$attribute])*
        $visible struct $row $(<$life>)? {
            $($field_visible $column: $type,)+
        }

        impl $(<$life>)? super::insertion::Row for $row $(<$life>)? {
            bound!($table { $($column: $type,)+ });
            const COLUMNS: &'static [&'static str] = &[
                $(<$table::$column as diesel::Column>::NAME,)+
            ];

            fn walk_table(out: diesel::query_builder::AstPass<'_, '_, super::Db>) -> diesel::QueryResult<()> {
                diesel::query_builder::QueryFragment::walk_ast(&$table::table, out)
            }
        }
    };
}

/// Inserts rows; gives back those that were written.
macro_rules! insert_returning {
    ($link:expr, $rows:expr, $on_conflict:expr, $row:ty) => {{
        let mut written: Vec<$row> = Vec::new();
        for insertion in super::insertion::Insertion::of($rows, $on_conflict) {
            let insertion =
                insertion.returning(<$row as diesel::SelectableHelper<super::Db>>::as_select());
            let some: Vec<$row> = super::run::RunQueryDsl::load(insertion, $link).await?;
            written.extend(some);
        }
        written
    }};
}

/// Inserts rows.
pub(super) async fn insert<R: Row>(link: super::Link<'_>, rows: Vec<R>) -> QueryResult<()> {
    write(link, rows, "").await
}

/// Inserts rows, and does with one that is there already what the text says.
pub(super) async fn write<R: Row>(
    mut link: super::Link<'_>,
    rows: Vec<R>,
    on_conflict: &'static str,
) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    for insertion in Insertion::of(rows, on_conflict) {
        super::run::RunQueryDsl::execute(insertion, &mut link).await?;
    }
    Ok(())
}

pub(super) use {insert_returning, insertable};
