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
mod portfolio_summary;
mod portfolios;
mod profiles;
mod rulesets;
mod shares;
mod table;
mod writes;

use std::sync::Arc;

use async_trait::async_trait;
use diesel::QueryResult;
use domain::workspace::{Owned, OwnedFilter, Resource, Scope, Written};
use domain::{OwnedRows, PageQuery, Paged, StoreError, Workspace};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{Core, Db, Link, Store, insertion, limited, store_error};
use crate::column::{Id, Time};
use crate::row_security::Told;
use pieces::{Bind, Pieces};
use table::Table;

pub(super) use forgotten::{forget, held};

use super::super::{begin_owned, begin_writing, enter, leave, tell};

/// Every kind, as `port: type`. A kind whose rows are in others' stands before those.
macro_rules! each_kind {
    ($do:ident) => {
        $do! {
            messages: domain::workspace::ChatMessage,
            jobs: domain::workspace::CalculationJob,
            positions: domain::workspace::Position,
            portfolios: domain::workspace::Portfolio,
            collection_items: domain::workspace::CollectionItem,
            collections: domain::workspace::Collection,
            rulesets: domain::workspace::ValuationRuleset,
            profiles: domain::workspace::Profile,
            shares: domain::workspace::Share,
            listings: domain::workspace::Listing,
        }
    };
}
use each_kind;

macro_rules! ports {
    ($($port:ident: $kind:ty,)+) => {
        /// The tables.
        #[allow(dead_code, reason = "the same for each database, so one is asked")]
        pub(crate) const TABLES: &[&str] = &[$(<$kind as Keep>::TABLE.name),+];

        /// The ports.
        pub(crate) fn workspace(store: &Arc<Store>) -> Workspace {
            Workspace {
                $($port: Arc::<Store>::clone(store),)+
                whole_portfolios: Arc::<Store>::clone(store),
            }
        }
    };
}
each_kind!(ports);

/// How a resource is kept.
pub(super) trait Keep: Resource {
    /// A row of its table.
    type Row: Send + 'static;
    /// Its table.
    const TABLE: Table;
    /// Whether the feed tells how many of them a user has.
    const IS_TOLD: bool = false;

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
        let call = limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer(T::IS_TOLD).await?;
            let written = writes::create::<T>(lease.conn(), &told, scope, &new, limit).await;
            read(lease.settle(written).map_err(store_error)?)
        });
        self.told_if(T::IS_TOLD, call).await
    }

    async fn change(
        &self,
        scope: &Scope,
        id: Uuid,
        patch: T::Patch,
    ) -> Result<Written<Owned<T>>, StoreError> {
        limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer(false).await?;
            let written = writes::change::<T>(lease.conn(), &told, scope, id, patch).await;
            read(lease.settle(written).map_err(store_error)??)
        })
        .await
    }

    async fn delete(&self, scope: &Scope, id: Uuid) -> Result<bool, StoreError> {
        let call = limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer(T::IS_TOLD).await?;
            let deleted = writes::delete::<T>(lease.conn(), &told, scope, id).await;
            lease.settle(deleted).map_err(store_error)
        });
        self.told_if(T::IS_TOLD, call).await
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
        let call = limited(async {
            let told = self.told(scope);
            let mut lease = self.owner_writer(T::IS_TOLD).await?;
            let written = writes::give::<T>(lease.conn(), &told, scope, id, owner).await;
            read(lease.settle(written).map_err(store_error)?)
        });
        self.told_if(T::IS_TOLD, call).await
    }
}

impl Core {
    /// What the database is told of a scope.
    pub(super) fn told(&self, scope: &Scope) -> Told {
        Told::of(scope, self.admin_proof.as_ref())
    }

    /// A connection to write owned rows with. Those of which the feed tells are written like the mirror; the others are in
    /// no order, and only SQLite has their writers queue.
    pub(super) async fn owner_writer(
        &self,
        is_told: bool,
    ) -> Result<super::lease::Lease<'_>, StoreError> {
        if is_told || super::super::QUEUES_OWNERS {
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

/// Begins a transaction that writes owned rows. Where the feed tells of them it takes the mirror's write lock, before every
/// other lock, as all do who take it: so nobody waits in a circle.
async fn begin(link: Link<'_>, is_told: bool) -> QueryResult<()> {
    if is_told {
        begin_writing(link).await
    } else {
        begin_owned(link).await
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
