//! How owned rows are written: in a transaction that begins by saying who acts, and in which an admin's doing is
//! written down.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel::sql_types::BigInt;
use domain::workspace::{Scope, Written};
use domain::{AuditAction, AuditRecord, AuditSubject, StoreError};
use uuid::Uuid;

use super::super::super::{begin_owned, commit, lock_name, lock_writes};
use super::super::run::RunQueryDsl;
use super::super::{Conn, audit};
use super::pieces::Plain;
use super::table::bound;
use super::{Keep, begin, portfolio_summary, tell};
use crate::row_security::Told;

/// Writes down that an admin did something to another's row.
async fn witness<T: Keep>(
    conn: &mut Conn,
    scope: &Scope,
    owner: Option<Uuid>,
    id: Uuid,
    action: AuditAction,
) -> QueryResult<()> {
    if !scope.is_admin || owner == Some(scope.user_id) {
        return Ok(());
    }
    let record = AuditRecord {
        action,
        subject: Some(AuditSubject::owned(T::KIND, id)),
        before: None,
        after: Some(serde_json::json!({ "owner_id": owner })),
    };
    audit::write(conn, record, &scope.by).await
}

/// Adds to the feed what these owners have now, where it tells of that.
async fn tell_owners<T: Keep>(
    conn: &mut Conn,
    scope: &Scope,
    owners: impl IntoIterator<Item = Option<Uuid>>,
) -> QueryResult<()> {
    if !T::IS_TOLD {
        return Ok(());
    }
    let owners: BTreeSet<Uuid> = owners.into_iter().flatten().collect();
    portfolio_summary::tell(conn, owners, scope.by.at).await
}

/// Inserts a row in a transaction that is begun, and left open; `None` when it may not be.
pub(super) async fn insert<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    new: &T,
    limit: Option<u64>,
) -> QueryResult<Option<New<T>>> {
    let columns = new.columns();
    let name = limit.map(|_| T::TABLE.lock_name(scope, &columns));
    let name = name.as_deref();
    let id = Uuid::now_v7();
    let pieces = T::TABLE.insert(scope, id, columns, limit);
    let ((), (), (), rows) =
        together!(conn; begin_owned(), tell(told), lock_name(name), T::load(pieces))?;
    Ok(rows.into_iter().next().map(|row| New { row, id }))
}

/// A row in a transaction that is still open.
pub(super) struct New<T: Keep> {
    pub(super) row: T::Row,
    id: Uuid,
}

impl<T: Keep> New<T> {
    /// Writes down what there is to be said of the new row. Where the feed tells of it, this takes the mirror's write lock,
    /// last of all: whoever waits for a lock that is held here (of the owner's name) makes a row too, and has not got that one.
    pub(super) async fn announced(self, conn: &mut Conn, scope: &Scope) -> QueryResult<T::Row> {
        let owner = T::owner(&self.row);
        if T::IS_TOLD {
            lock_writes(conn).await?;
        }
        witness::<T>(conn, scope, owner, self.id, AuditAction::WorkspaceCreated).await?;
        tell_owners::<T>(conn, scope, [owner]).await?;
        Ok(self.row)
    }
}

pub(super) async fn create<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    new: &T,
    limit: Option<u64>,
) -> QueryResult<Written<T::Row>> {
    let row = insert(conn, told, scope, new, limit).await?;
    let written = match row {
        Some(row) => {
            if let Some(newest) = T::TABLE.newest {
                let pieces = T::TABLE.outdated(newest, scope, &new.columns());
                Plain::<BigInt>::of(pieces).execute(conn).await?;
            }
            Written::Done(row.announced(conn, scope).await?)
        }
        None => refusal(conn, scope, new, limit).await?,
    };
    together!(conn; commit())?;
    Ok(written)
}

/// Why a row was not inserted.
pub(super) async fn refusal<T: Keep>(
    conn: &mut Conn,
    scope: &Scope,
    new: &T,
    limit: Option<u64>,
) -> QueryResult<Written<T::Row>> {
    let columns = new.columns();
    let references = [T::TABLE.parent, T::TABLE.names];
    for reference in references.into_iter().flatten() {
        let value = bound(&columns, reference.column);
        let count = Plain::<BigInt>::of(reference.count(scope, value));
        let count: i64 = count.get_result(conn).await?;
        if count == 0 {
            return Ok(Written::UnknownReference(reference.column));
        }
    }
    Ok(Written::LimitReached {
        limit: limit.unwrap_or(0),
    })
}

/// The inner error is of a row that cannot be read.
pub(super) async fn change<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    id: Uuid,
    patch: T::Patch,
) -> QueryResult<Result<Written<T::Row>, StoreError>> {
    let pieces = T::TABLE.lock(scope, id);
    let ((), (), rows) = together!(conn; begin(false), tell(told), T::load(pieces))?;
    let Some(row) = rows.into_iter().next() else {
        together!(conn; commit())?;
        return Ok(Ok(Written::Unknown));
    };
    let before = match T::read(row) {
        Ok(before) => before,
        Err(error) => {
            together!(conn; commit())?;
            return Ok(Err(error));
        }
    };
    let after = before.body.patched(patch);
    let problems = after.problems();
    if !problems.is_empty() {
        together!(conn; commit())?;
        return Ok(Ok(Written::Invalid(problems)));
    }
    let pieces = T::TABLE.update(scope, id, after.columns());
    let (rows,) = together!(conn; T::load(pieces))?;
    let Some(row) = rows.into_iter().next() else {
        together!(conn; commit())?;
        return Ok(Ok(Written::Unknown));
    };
    let owner = T::owner(&row);
    witness::<T>(conn, scope, owner, id, AuditAction::WorkspaceChanged).await?;
    together!(conn; commit())?;
    Ok(Ok(Written::Done(row)))
}

pub(super) async fn delete<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    id: Uuid,
) -> QueryResult<bool> {
    let pieces = T::TABLE.delete(scope, id);
    let ((), (), rows) = together!(conn; begin(T::IS_TOLD), tell(told), T::load(pieces))?;
    let row = rows.into_iter().next();
    if let Some(owner) = row.as_ref().map(T::owner) {
        witness::<T>(conn, scope, owner, id, AuditAction::WorkspaceDeleted).await?;
        tell_owners::<T>(conn, scope, [owner]).await?;
    }
    together!(conn; commit())?;
    Ok(row.is_some())
}

pub(super) async fn give<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    id: Uuid,
    owner: Uuid,
) -> QueryResult<Written<T::Row>> {
    let pieces = T::TABLE.lock(scope, id);
    let ((), (), rows) = together!(conn; begin(T::IS_TOLD), tell(told), T::load(pieces))?;
    let former = rows.iter().find_map(T::owner);
    let pieces = T::TABLE.give(scope, id, owner);
    let (rows,) = together!(conn; T::load(pieces))?;
    let written = match rows.into_iter().next() {
        Some(row) => {
            for pieces in T::TABLE.give_children(id, owner) {
                Plain::<BigInt>::of(pieces).execute(conn).await?;
            }
            let record = AuditRecord {
                action: AuditAction::WorkspaceGiven,
                subject: Some(AuditSubject::owned(T::KIND, id)),
                before: None,
                after: Some(serde_json::json!({ "owner_id": owner })),
            };
            audit::write(conn, record, &scope.by).await?;
            tell_owners::<T>(conn, scope, [former, Some(owner)]).await?;
            Written::Done(row)
        }
        None => {
            let pieces = T::TABLE.find(scope, id);
            let (rows,) = together!(conn; T::load(pieces))?;
            if rows.is_empty() {
                Written::Unknown
            } else {
                Written::UnknownReference("user_id")
            }
        }
    };
    together!(conn; commit())?;
    Ok(written)
}
