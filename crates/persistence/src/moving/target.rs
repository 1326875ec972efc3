//! The PostgreSQL database that is moved to: one transaction that nobody writes beside.

use diesel::sql_types::{BigInt, Binary, Bool, Text};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use secrecy::{ExposeSecret as _, SecretString};

use super::tables::TABLES;
use super::{Dialect, MoveError, Schema};
use crate::postgres::{Conn, connect};
use crate::row_security::AdminProof;

/// A batch waits for the file, and the last look at a large table takes its time. Whoever uses the tables keeps us waiting
/// for seconds and not for ever. Tables are read whole here.
const SETTINGS: &str = "set statement_timeout = 0; set idle_in_transaction_session_timeout = '10min'; \
                        set lock_timeout = '10s'; set enable_seqscan = on;";

/// An open transaction of the tables' owner, who is believed to act for an admin until it ends.
pub(super) struct Target {
    pub(super) conn: Conn,
    proof: AdminProof,
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    flag: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

impl Target {
    /// Connects as the owner and begins.
    pub(super) async fn begin(owner: &SecretString) -> Result<Self, MoveError> {
        let mut conn = connect(owner.expose_secret()).await?;
        for statement in [SETTINGS, "begin"] {
            conn.batch_execute(statement)
                .await
                .map_err(MoveError::Target)?;
        }
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|_| MoveError::NoRandomness)?;
        let proof = AdminProof::once(&secret);
        Ok(Self { conn, proof })
    }

    /// Whether the database has this table.
    async fn has(&mut self, table: &str) -> QueryResult<bool> {
        let query = "select to_regclass('public.' || quote_ident($1)) is not null as flag";
        let row: Flag = diesel::sql_query(query)
            .bind::<Text, _>(table)
            .get_result(&mut self.conn)
            .await?;
        Ok(row.flag)
    }

    /// Has the policies let this transaction at all rows. Their owner is bound by them too; but he may name a proof, for
    /// as long as the transaction lasts: it is taken away again before the end.
    async fn see_all(&mut self) -> QueryResult<()> {
        diesel::sql_query("insert into admin_proofs (digest, added_at) values ($1, now())")
            .bind::<Binary, _>(self.proof.digest())
            .execute(&mut self.conn)
            .await?;
        diesel::sql_query("select set_config('app.admin_proof', $1, true)")
            .bind::<Text, _>(self.proof.text())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Refuses a database with rows in it, or of a newer schema than this program's.
    pub(super) async fn check(&mut self, known: &[String]) -> Result<(), MoveError> {
        match self.trouble(known).await {
            Ok(None) => Ok(()),
            Ok(Some(trouble)) => Err(trouble),
            Err(error) => Err(MoveError::Target(error)),
        }
    }

    async fn trouble(&mut self, known: &[String]) -> QueryResult<Option<MoveError>> {
        if self.has("__diesel_schema_migrations").await? {
            let query = "select version from __diesel_schema_migrations";
            let ran: Vec<Version> = diesel::sql_query(query).load(&mut self.conn).await?;
            let ran: Vec<String> = ran.into_iter().map(|row| row.version).collect();
            if matches!(Schema::of(&ran, known), Schema::Newer) {
                return Ok(Some(MoveError::Newer {
                    dialect: Dialect::Postgres,
                }));
            }
        }
        if self.has("admin_proofs").await? {
            self.see_all().await?;
        }
        for table in TABLES {
            if self.has(table.name).await? {
                let query = format!("select exists (select from public.{}) as flag", table.name);
                let row: Flag = diesel::sql_query(query).get_result(&mut self.conn).await?;
                if row.flag {
                    return Ok(Some(MoveError::Occupied { table: table.name }));
                }
            }
        }
        Ok(None)
    }

    /// Keeps everybody from writing these tables until the end. Reading stays possible, and shows what was before.
    pub(super) async fn keep_others_out(&mut self) -> Result<(), MoveError> {
        let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        let lock = format!("lock table {} in exclusive mode", names.join(", "));
        self.conn
            .batch_execute(&lock)
            .await
            .map_err(MoveError::Target)
    }

    /// Has the next change get the cursor after this one.
    pub(super) async fn go_on_after(&mut self, cursor: i64) -> Result<(), MoveError> {
        // A sequence that has given nothing yet begins with 1.
        if cursor > 0 {
            diesel::sql_query(
                "select setval(pg_get_serial_sequence('public.changes', 'cursor'), $1)",
            )
            .bind::<BigInt, _>(cursor)
            .execute(&mut self.conn)
            .await
            .map_err(MoveError::Target)?;
        }
        Ok(())
    }

    /// Leaves everything as it was.
    pub(super) async fn leave(mut self) -> Result<(), MoveError> {
        self.conn
            .batch_execute("rollback")
            .await
            .map_err(MoveError::Target)
    }

    /// Makes all of it real.
    pub(super) async fn commit(mut self) -> Result<(), MoveError> {
        diesel::sql_query("delete from admin_proofs where digest = $1")
            .bind::<Binary, _>(self.proof.digest())
            .execute(&mut self.conn)
            .await
            .map_err(MoveError::Target)?;
        self.conn
            .batch_execute("commit")
            .await
            .map_err(MoveError::Commit)
    }
}
