//! What the database says of itself.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::sql_types::Text;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, QueryableByName};
use domain::{MigrationState, Outcome, StoreError, StoreHealth, StoreLoad, StoreReport};

use super::run::RunQueryDsl;
use super::{Conn, Store, limited, store_error};
use crate::column::Time;
use crate::schema::webhook_deliveries as ledger;

#[derive(QueryableByName)]
struct AppliedVersion {
    #[diesel(sql_type = Text)]
    version: String,
}

#[async_trait]
impl StoreHealth for Store {
    async fn report(&self) -> Result<StoreReport, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let takes_writes = self.takes_writes();
            let known = super::super::known_versions();
            let applied = match applied_versions(lease.conn()).await.map_err(store_error) {
                // The database answers, but has no list of migrations yet.
                Err(StoreError::Refused(_)) => BTreeSet::new(),
                other => other?,
            };
            let count = known
                .iter()
                .filter(|version| !applied.contains(*version))
                .count();
            if count > 0 {
                return Ok(StoreReport {
                    migrations: MigrationState::Pending { count },
                    takes_writes,
                    last_event_at: None,
                    quarantined: 0,
                });
            }
            let found = ledger_state(lease.conn()).await;
            let (last_event_at, quarantined) = lease.settle(found).map_err(store_error)?;
            Ok(StoreReport {
                migrations: MigrationState::Current,
                takes_writes,
                last_event_at: last_event_at.map(|at| at.0),
                quarantined: u64::try_from(quarantined).unwrap_or_default(),
            })
        })
        .await
    }

    fn load(&self) -> StoreLoad {
        let status = self.pool.status();
        StoreLoad {
            max_connections: status.max_size,
            connections: status.size,
            idle: status.available,
            waiting: status.waiting,
            deliveries_waiting: self.batcher.waiting(),
        }
    }
}

/// The versions of the migrations that have run.
pub(in super::super) async fn applied_versions(conn: &mut Conn) -> QueryResult<BTreeSet<String>> {
    let rows: Vec<AppliedVersion> =
        diesel::sql_query("select version from __diesel_schema_migrations")
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// When the latest authentic delivery came, and how many wait for a person.
async fn ledger_state(conn: &mut Conn) -> QueryResult<(Option<Time>, i64)> {
    let last_event_at: Option<Time> = ledger::table
        .filter(ledger::outcome.ne(Outcome::Rejected.as_str()))
        .order(ledger::received_at.desc())
        .select(ledger::received_at)
        .first(conn)
        .await
        .optional()?;
    let quarantined = ledger::table
        .filter(ledger::outcome.eq(Outcome::Quarantined.as_str()))
        .count()
        .get_result(conn)
        .await?;
    Ok((last_event_at, quarantined))
}
