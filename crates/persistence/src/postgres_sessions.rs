//! Whether a connection is a session of its own, as PostgreSQL gives one, or a turn at somebody else's.
//!
//! A pooler in transaction mode (PgBouncer's `pool_mode = transaction`, and whatever works alike) gives each transaction
//! another session of the server. What this service relies on is then gone between two transactions, or another's:
//! notices, prepared statements, the settings of a session, the lock of a migration. See
//! `docs/decisions/0095-poolers-that-share-sessions.md`.

use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::postgres::{bare, shown};

/// How long the server may take to answer a question that asks for nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often is asked. A pooler may hand out its sessions in turn, or give the first one back by chance.
const LOOKS: usize = 4;

/// A pooler stands between, which shares the server's sessions among its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{variable} leads through a connection pooler that gives each transaction another session (PgBouncer: pool_mode = \
     transaction or statement), and this service needs sessions of its own: for notices of commits, for prepared statements, and \
     for the lock of a migration. Give this database pool_mode = session there, or name PostgreSQL itself; DATABASE_POOL_SIZE \
     says how many connections are made"
)]
pub struct SharedSessions {
    /// What to mend.
    pub variable: &'static str,
}

/// Looks whether the session stays the same while another connection is in a transaction. PostgreSQL has a process for
/// each session: with a session of one's own it never changes. A pooler gives the other connection the session that was used
/// last, which was ours, and us another.
///
/// # Errors
/// When the server cannot be reached, or does not answer both connections.
pub(crate) async fn are_shared(url: &SecretString) -> ConnectionResult<bool> {
    let silent = || {
        ConnectionError::BadConnection(
            "the server does not answer two connections at once".to_owned(),
        )
    };
    let looked = tokio::time::timeout(PATIENCE, look(url.expose_secret())).await;
    looked.map_err(|_| silent())?
}

async fn look(url: &str) -> ConnectionResult<bool> {
    let (one, other) = tokio::try_join!(bare(url), bare(url))?;
    let first = process(&one).await?;
    if let Err(error) = other.batch_execute("begin; select 1").await {
        // In statement mode there are no transactions at all.
        let message = error.as_db_error().map(|error| error.message());
        if message.is_some_and(|message| message.contains("statement pooling")) {
            return Ok(true);
        }
        return Err(shown(error));
    }
    for _ in 0..LOOKS {
        if process(&one).await? != first {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The server's process that answers.
async fn process(client: &Client) -> ConnectionResult<String> {
    let answer = client
        .simple_query("select pg_backend_pid()")
        .await
        .map_err(shown)?;
    let mut rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(rows.next().unwrap_or_default().to_owned())
}
