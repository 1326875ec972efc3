//! Rows that belong to users: one port, one pattern, many tables.
//!
//! A resource says its table and its columns ([`Keep`]); everything else stands here. Each call is a transaction that
//! begins by telling the database who acts. On PostgreSQL all of a read travels together: beginning, telling, reading and
//! ending are one round trip.

mod calculation_jobs;
mod chat_messages;
mod collections;
mod forgotten;
mod listings;
mod pieces;
mod portfolios;
mod profiles;
mod rulesets;
mod shares;
mod table;

use async_trait::async_trait;
use diesel::QueryResult;
use diesel::sql_types::BigInt;
use domain::workspace::{Owned, OwnedFilter, Resource, Scope, Written};
use domain::{AuditAction, AuditRecord, AuditSubject, OwnedRows, PageQuery, Paged, StoreError};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::run::RunQueryDsl;
use super::{Conn, Core, Db, Link, Store, audit, insertion, limited, store_error};
use crate::column::{Id, Time};
use crate::row_security::Told;
use pieces::{Bind, Pieces, Plain};
use table::Table;

pub(super) use forgotten::{forget, held};

use super::super::{begin_owned, commit, enter, leave, lock_name, tell};

/// How a resource is kept.
pub(super) trait Keep: Resource {
    /// A row of its table.
    type Row: Send + 'static;
    /// Its table.
    const TABLE: Table;

    /// Its own columns, in an order that is always the same.
    fn columns(&self) -> Vec<(&'static str, Bind)>;
    /// What a row says.
    fn read(row: Self::Row) -> Result<Owned<Self>, StoreError>;
    /// Runs a statement that gives rows.
    fn load(link: Link<'_>, pieces: Pieces) -> BoxFuture<'_, QueryResult<Vec<Self::Row>>>;
    /// Whose a row is.
    fn owner(row: &Self::Row) -> Option<Uuid>;
}

/// The columns that every owned table has.
pub(super) struct Head {
    pub(super) id: Id,
    pub(super) user_id: Option<Id>,
    pub(super) organization_id: Option<String>,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
}

impl Head {
    pub(super) fn with<T>(self, body: T) -> Owned<T> {
        Owned {
            id: self.id.0,
            user_id: self.user_id.map(|id| id.0),
            organization_id: self.organization_id,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            body,
        }
    }
}

/// Defines a row of an owned table, and how statements give such rows.
macro_rules! owned_row {
    ($row:ident of $table:ident as $resource:ty { $($column:ident: $type:ty,)+ }) => {
        #[derive(diesel::Queryable, diesel::Selectable)]
        #[diesel(table_name = $table)]
        pub(in super::super) struct $row {
            id: crate::column::Id,
            user_id: Option<crate::column::Id>,
            organization_id: Option<String>,
            created_at: crate::column::Time,
            updated_at: crate::column::Time,
            $($column: $type,)+
        }

        impl $row {
            fn load<'a>(
                mut link: super::super::Link<'a>,
                pieces: super::pieces::Pieces,
            ) -> futures_util::future::BoxFuture<'a, diesel::QueryResult<Vec<Self>>> {
                Box::pin(async move {
                    let selection = <Self as diesel::SelectableHelper<super::super::Db>>::as_select();
                    let reading = super::pieces::Reading { pieces, selection };
                    super::super::run::RunQueryDsl::load(reading, &mut link).await
                })
            }

            fn split(self) -> (super::Head, ($($type,)+)) {
                let head = super::Head {
                    id: self.id,
                    user_id: self.user_id,
                    organization_id: self.organization_id,
                    created_at: self.created_at,
                    updated_at: self.updated_at,
                };
                (head, ($(self.$column,)+))
            }
        }
    };
}
use owned_row;

/// The parts of [`Keep`] that are the same for every row.
macro_rules! keep_row {
    ($row:ident) => {
        type Row = $row;

        fn load(
            link: super::super::Link<'_>,
            pieces: super::pieces::Pieces,
        ) -> futures_util::future::BoxFuture<'_, diesel::QueryResult<Vec<$row>>> {
            $row::load(link, pieces)
        }

        fn owner(row: &$row) -> Option<uuid::Uuid> {
            row.user_id.map(|id| id.0)
        }
    };
}
use keep_row;

/// A word that is none of those that there are.
pub(super) fn unreadable(column: &str, word: &str) -> StoreError {
    StoreError::Unreadable(format!("{column}: {word:?}"))
}

#[async_trait]
impl<T: Keep> OwnedRows<T> for Store {
    async fn list(
        &self,
        scope: &Scope,
        filter: OwnedFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<Owned<T>>, StoreError> {
        let rows = self
            .owned::<T>(scope, T::TABLE.list(scope, filter, &page))
            .await?;
        Ok(Paged::cut(T::LIST, rows, page.limit, |row: &Owned<T>| {
            row.id
        }))
    }

    async fn find(&self, scope: &Scope, id: Uuid) -> Result<Option<Owned<T>>, StoreError> {
        let rows = self.owned::<T>(scope, T::TABLE.find(scope, id)).await?;
        Ok(rows.into_iter().next())
    }

    async fn create(
        &self,
        scope: &Scope,
        new: T,
        limit: Option<u64>,
    ) -> Result<Written<Owned<T>>, StoreError> {
        let problems = new.problems();
        if !problems.is_empty() {
            return Ok(Written::Invalid(problems));
        }
        limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer().await?;
            let written = create::<T>(lease.conn(), &told, scope, &new, limit).await;
            read(lease.settle(written).map_err(store_error)?)
        })
        .await
    }

    async fn change(
        &self,
        scope: &Scope,
        id: Uuid,
        patch: T::Patch,
    ) -> Result<Written<Owned<T>>, StoreError> {
        limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer().await?;
            let written = change::<T>(lease.conn(), &told, scope, id, patch).await;
            read(lease.settle(written).map_err(store_error)??)
        })
        .await
    }

    async fn delete(&self, scope: &Scope, id: Uuid) -> Result<bool, StoreError> {
        limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer().await?;
            let deleted = delete::<T>(lease.conn(), &told, scope, id).await;
            lease.settle(deleted).map_err(store_error)
        })
        .await
    }

    async fn give(
        &self,
        scope: &Scope,
        id: Uuid,
        owner: Uuid,
    ) -> Result<Written<Owned<T>>, StoreError> {
        if !scope.is_admin {
            return Ok(Written::Unknown);
        }
        limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer().await?;
            let written = give::<T>(lease.conn(), &told, scope, id, owner).await;
            read(lease.settle(written).map_err(store_error)?)
        })
        .await
    }
}

impl Core {
    /// What the database is told of a scope.
    pub(super) fn told(&self, scope: &Scope) -> Told {
        Told::of(scope, self.admin_proof.as_ref())
    }

    /// A connection to write owned rows with, which no change feed puts in an order: only SQLite has writers queue.
    pub(super) async fn owner_writer(&self) -> Result<super::lease::Lease<'_>, StoreError> {
        if super::super::QUEUES_OWNERS {
            self.writer().await
        } else {
            self.reader().await
        }
    }

    /// The rows that a statement gives to a scope.
    pub(super) async fn owned<T: Keep>(
        &self,
        scope: &Scope,
        pieces: Pieces,
    ) -> Result<Vec<Owned<T>>, StoreError> {
        limited(async {
            let told = &self.told(scope);
            let mut lease = self.reader().await?;
            let rows: QueryResult<Vec<T::Row>> = async {
                let ((), (), rows, ()) =
                    together!(lease.conn(); enter(), tell(told), T::load(pieces), leave())?;
                Ok(rows)
            }
            .await;
            let rows = lease.settle(rows).map_err(store_error)?;
            rows.into_iter().map(T::read).collect()
        })
        .await
    }
}

fn read<T: Keep>(written: Written<T::Row>) -> Result<Written<Owned<T>>, StoreError> {
    Ok(match written {
        Written::Done(row) => Written::Done(T::read(row)?),
        Written::Unknown => Written::Unknown,
        Written::UnknownReference(field) => Written::UnknownReference(field),
        Written::LimitReached { limit } => Written::LimitReached { limit },
        Written::Invalid(problems) => Written::Invalid(problems),
    })
}

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

/// Inserts a row in a transaction that is begun, and left open; `None` when it may not be.
pub(super) async fn insert<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    new: &T,
    limit: Option<u64>,
) -> QueryResult<Option<T::Row>> {
    let columns = new.columns();
    let name = limit.map(|_| T::TABLE.lock_name(scope, &columns));
    let name = name.as_deref();
    let id = Uuid::now_v7();
    let pieces = T::TABLE.insert(scope, id, columns, limit);
    let ((), (), (), rows) =
        together!(conn; begin_owned(), tell(told), lock_name(name), T::load(pieces))?;
    let row = rows.into_iter().next();
    if let Some(owner) = row.as_ref().map(T::owner) {
        witness::<T>(conn, scope, owner, id, AuditAction::WorkspaceCreated).await?;
    }
    Ok(row)
}

async fn create<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    new: &T,
    limit: Option<u64>,
) -> QueryResult<Written<T::Row>> {
    let row = insert(conn, told, scope, new, limit).await?;
    let written = match row {
        Some(row) => Written::Done(row),
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
        let value = columns
            .iter()
            .find(|(column, _)| *column == reference.column)
            .map_or(Bind::Id(None), |(_, bind)| bind.clone());
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
async fn change<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    id: Uuid,
    patch: T::Patch,
) -> QueryResult<Result<Written<T::Row>, StoreError>> {
    let pieces = T::TABLE.lock(scope, id);
    let ((), (), rows) = together!(conn; begin_owned(), tell(told), T::load(pieces))?;
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

async fn delete<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    id: Uuid,
) -> QueryResult<bool> {
    let pieces = T::TABLE.delete(scope, id);
    let ((), (), rows) = together!(conn; begin_owned(), tell(told), T::load(pieces))?;
    let row = rows.into_iter().next();
    if let Some(owner) = row.as_ref().map(T::owner) {
        witness::<T>(conn, scope, owner, id, AuditAction::WorkspaceDeleted).await?;
    }
    together!(conn; commit())?;
    Ok(row.is_some())
}

async fn give<T: Keep>(
    conn: &mut Conn,
    told: &Told,
    scope: &Scope,
    id: Uuid,
    owner: Uuid,
) -> QueryResult<Written<T::Row>> {
    let pieces = T::TABLE.give(scope, id, owner);
    let ((), (), rows) = together!(conn; begin_owned(), tell(told), T::load(pieces))?;
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
