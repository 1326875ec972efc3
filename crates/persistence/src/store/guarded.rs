//! The two ways in which a mirrored row is written, each one statement for many rows.

use chrono::{DateTime, Utc};
use domain::Policy;

/// What every write of one transaction shares.
pub(super) struct Context<'a> {
    pub(super) policy: &'a Policy,
    /// When the rows are written.
    pub(super) now: DateTime<Utc>,
    /// Whether a fact that is in its row already is written once more (replay).
    pub(super) again: bool,
}

/// Rows in one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535.
const ROWS: usize = 500;

/// Rows in parts that fit into one statement.
pub(super) fn in_parts<T>(mut rows: Vec<T>) -> Vec<Vec<T>> {
    let mut parts = Vec::with_capacity(rows.len() / ROWS + 1);
    while rows.len() > ROWS {
        let rest = rows.split_off(ROWS);
        parts.push(std::mem::replace(&mut rows, rest));
    }
    if !rows.is_empty() {
        parts.push(rows);
    }
    parts
}

/// Inserts rows, or brings those up to date that know less. Gives the rows that were written.
macro_rules! upsert_guarded {
    ($conn:expr, $table:ident by [$($key:ident),+], $rows:expr, $context:expr, [$($column:ident),+ $(,)?], $row:ty) => {{
        use diesel::query_dsl::methods::FilterDsl as _;
        use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, IntoSql as _, SelectableHelper as _};
        use $crate::schema::$table::dsl;
        let knows_less = || dsl::precedence.lt(diesel::upsert::excluded(dsl::precedence)).or(dsl::precedence
            .eq(diesel::upsert::excluded(dsl::precedence))
            .and($context.again.into_sql::<diesel::sql_types::Bool>()));
        insert_returning!($conn, $rows, $row, values => diesel::insert_into($crate::schema::$table::table)
            .values(values)
            .on_conflict(($(dsl::$key),+))
            .do_update()
            .set((
                $(dsl::$column.eq(diesel::upsert::excluded(dsl::$column)),)+
                dsl::version.eq(diesel::upsert::excluded(dsl::version)),
                dsl::precedence.eq(diesel::upsert::excluded(dsl::precedence)),
                dsl::mirrored_at.eq(diesel::upsert::excluded(dsl::mirrored_at)),
            ))
            .filter(knows_less())
            .returning(<$row>::as_returning()))
    }};
}

/// Inserts tombstones, or marks rows as deleted: of several deletions the earliest counts. Columns in the list are taken
/// from the tombstone while nothing but deletions has told of the object. Gives the rows that were written.
macro_rules! delete_guarded {
    ($conn:expr, $table:ident by [$($key:ident),+], $rows:expr, [$($column:ident),+ $(,)?], $row:ty) => {{
        use diesel::query_dsl::methods::FilterDsl as _;
        use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, SelectableHelper as _};
        use $crate::schema::$table::dsl;
        let told_by_none = || dsl::precedence.eq(domain::Precedence::NOTHING_KNOWN.to_bytes()).and(dsl::deleted_at.is_not_null());
        insert_returning!($conn, $rows, $row, values => diesel::insert_into($crate::schema::$table::table)
            .values(values)
            .on_conflict(($(dsl::$key),+))
            .do_update()
            .set((
                $(dsl::$column.eq(diesel::dsl::case_when(
                    told_by_none(), diesel::upsert::excluded(dsl::$column),
                ).otherwise(dsl::$column)),)+
                dsl::deleted_at.eq(diesel::upsert::excluded(dsl::deleted_at)),
                dsl::mirrored_at.eq(diesel::upsert::excluded(dsl::mirrored_at)),
            ))
            .filter(dsl::deleted_at.is_null().or(dsl::deleted_at.gt(diesel::upsert::excluded(dsl::deleted_at))))
            .returning(<$row>::as_returning()))
    }};
}

pub(super) use {delete_guarded, upsert_guarded};
