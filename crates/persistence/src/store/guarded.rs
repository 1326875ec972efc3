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

/// Inserts rows, or brings those up to date that know less: the listed columns take the new values, and what stands after
/// `and` says what happens to others, in SQL. Gives the rows that were written.
macro_rules! upsert_guarded {
    (
        $conn:expr, $table:ident by [$($key:ident),+], $rows:expr, $context:expr, [$($column:ident),+ $(,)?]
        $(and [$($also:literal),+ $(,)?])?, $row:ty
    ) => {{
        macro_rules! where_older {
            ($than:literal) => {
                concat!(
                    on_conflict!($table by [$($key),+] do [$($column,)+ version, precedence, mirrored_at]),
                    $($(", ", $also,)+)?
                    " where ", stringify!($table), ".precedence ", $than, " excluded.precedence",
                )
            };
        }
        let on_conflict = if $context.again { where_older!("<=") } else { where_older!("<") };
        super::insertion::insert_returning!($conn, $rows, on_conflict, $row)
    }};
}

/// Inserts tombstones, or marks rows as deleted: of several deletions the earliest counts. Columns in the list are taken
/// from the tombstone while nothing but deletions has told of the object: its row then knows as little as the tombstone.
/// Gives the rows that were written.
macro_rules! delete_guarded {
    ($conn:expr, $table:ident by [$($key:ident),+], $rows:expr, [$($column:ident),+ $(,)?], $row:ty) => {{
        const ON_CONFLICT: &str = concat!(
            on_conflict!($table by [$($key),+] do [deleted_at, mirrored_at]),
            $(
                ", ", stringify!($column), " = case when ", stringify!($table), ".precedence = excluded.precedence and ",
                stringify!($table), ".deleted_at is not null then excluded.", stringify!($column),
                " else ", stringify!($table), ".", stringify!($column), " end",
            )+
            " where ", stringify!($table), ".deleted_at is null or ",
            stringify!($table), ".deleted_at > excluded.deleted_at",
        );
        super::insertion::insert_returning!($conn, $rows, ON_CONFLICT, $row)
    }};
}

/// The beginning of what happens to a row that is there already: the listed columns take the new values.
macro_rules! on_conflict {
    ($table:ident by [$key:ident $(, $keys:ident)*] do [$column:ident $(, $columns:ident)* $(,)?]) => {
        concat!(
            " on conflict (", stringify!($key), $(", ", stringify!($keys),)* ") do update set ",
            stringify!($column), " = excluded.", stringify!($column),
            $(", ", stringify!($columns), " = excluded.", stringify!($columns),)*
        )
    };
}

/// Defines `$upsert`, which writes what is newer and answers the changes that others see. A row that is deleted takes what
/// is told of it too, so that it is the same whichever came first; but it stays deleted, and nobody is told.
macro_rules! define_upsert {
    (
        $upsert:ident($write:ty) into $table:ident by [$($key:ident),+] of $new:ident, [$($column:ident),+ $(,)?],
        $row:ident to $change:ident unless $is_deleted:expr
    ) => {
        /// Writes what is newer; answers the changes that others see.
        pub(super) async fn $upsert(
            conn: &mut Conn,
            writes: &[&$write],
            context: &Context<'_>,
        ) -> QueryResult<Vec<News>> {
            if writes.is_empty() {
                return Ok(Vec::new());
            }
            let rows: Vec<_> = writes.iter().map(|write| $new::told(write, context.now)).collect();
            let written = upsert_guarded!(conn, $table by [$($key),+], rows, context, [$($column),+], $row);
            let is_deleted: fn(&$row) -> bool = $is_deleted;
            Ok(written
                .into_iter()
                .filter(|row| !is_deleted(row))
                .filter_map(|row| $change(row, ChangeOp::Upsert, context.now))
                .collect())
        }
    };
}

/// Defines `delete`, which marks objects as deleted, known or not, and answers the changes that others see. The listed
/// columns are the tombstone's until something else is told of the object.
macro_rules! define_delete {
    (
        $table:ident by [$($key:ident),+] of $new:ident, [$($column:ident),+ $(,)?], $row:ident to $change:ident
        where $is_kept_here:expr
    ) => {
        /// Marks objects as deleted, known or not; answers the changes that others see.
        pub(super) async fn delete(
            conn: &mut Conn,
            deletions: &[&Deletion],
            context: &Context<'_>,
        ) -> QueryResult<Vec<News>> {
            let is_kept_here: fn(domain::ObjectKind) -> bool = $is_kept_here;
            let rows: Vec<_> = deletions
                .iter()
                .filter(|deletion| is_kept_here(deletion.kind))
                .map(|deletion| $new::tombstone(deletion, context.now))
                .collect();
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let written = delete_guarded!(conn, $table by [$($key),+], rows, [$($column),+], $row);
            Ok(written
                .into_iter()
                .filter_map(|row| $change(row, ChangeOp::Delete, context.now))
                .collect())
        }
    };
}

pub(super) use {define_delete, define_upsert, delete_guarded, on_conflict, upsert_guarded};
