//! Databases with many users, put there by SQL as the service would have filled them: one user is told of by a webhook and
//! signs in, and what the service then wrote is copied under other ids.

use std::path::Path;

use tokio_postgres::Client;

use crate::Failure;
use crate::connection::Connection;
use crate::event::Events;
use crate::inputs::{HOOK, introduce};
use crate::postgres::{Postgres, Service, client};
use crate::subject::Subject;
use crate::tokens::{Signer, user_id};

/// Tables that grow with users, and what differs from user to user: column and expression, of `n`, his number, `other`, his
/// Clerk id, and `t`, the row that is copied. The feed is left out: it is written at its end, whatever is before.
const TABLES: [(&str, &[(&str, &str)]); 3] = [
    (
        "users",
        &[
            ("id", IN_ORDER),
            ("clerk_user_id", "other"),
            ("email", "replace(t.email, t.clerk_user_id, other)"),
        ],
    ),
    (
        "user_emails",
        &[
            ("clerk_user_id", "other"),
            (
                "email_address",
                "replace(t.email_address, t.clerk_user_id, other)",
            ),
        ],
    ),
    (
        "webhook_deliveries",
        &[
            ("id", IN_ORDER),
            ("svix_id", "'msg_' || md5(n::text)"),
            ("object_id", "other"),
            // What takes the room of a ledger and is never looked for.
            ("payload", "null"),
            ("payload_bytes", "null"),
        ],
    ),
];
/// Version 7: rows lie in the order of their coming, and the end is as good as random.
const IN_ORDER: &str = "('01900000-' || lpad(to_hex(n >> 8), 4, '0') || '-7' || lpad(to_hex(n & 255), 3, '0') || '-8000-' || right(md5(n::text), 12))::uuid";

/// The service on a new database with so many users, started again after they were put there.
pub(super) async fn filled(
    postgres: &Postgres,
    program: &Path,
    signer: &Signer,
    users: usize,
) -> Result<Subject, Failure> {
    let url = postgres.create(&format!("bench_growth_{users}")).await?;
    let service = Service {
        program,
        signer,
        url: &url,
        migrates: None,
        tokens: None,
        users: None,
    };
    let first = service.start().await?;
    let mut request = Vec::new();
    if let Some(mut events) = Events::new(1).requests(HOOK, 1).pop() {
        events.next(&mut request);
    }
    let mut connection = Connection::open(first.address).await?;
    let status = connection.exchange(&request).await?;
    if status != 204 {
        return Err(format!("the service answers {status} to a good webhook").into());
    }
    introduce(&first, &[signer.token(0)?]).await?;
    first.stop().await?;
    let client = client(&url).await?;
    for (table, differing) in TABLES {
        copy(&client, table, differing, users).await?;
    }
    client.batch_execute("vacuum analyze").await?;
    client.batch_execute("checkpoint").await?;
    service.start().await
}

async fn copy(
    client: &Client,
    table: &str,
    differing: &[(&str, &str)],
    users: usize,
) -> Result<(), Failure> {
    let columns = client
        .query(
            "select column_name::text from information_schema.columns where table_schema = 'public' and table_name = $1 \
             and is_generated = 'NEVER' and is_identity = 'NO' order by ordinal_position",
            &[&table],
        )
        .await?;
    let names: Vec<String> = columns.iter().map(|column| column.get(0)).collect();
    let values: Vec<String> = names
        .iter()
        .map(|name| {
            let other = differing.iter().find(|(column, _)| column == name);
            other.map_or_else(|| format!("t.{name}"), |(_, value)| (*value).to_owned())
        })
        .collect();
    let prefix = user_id(0);
    let prefix = prefix.trim_end_matches('0');
    let insert = format!(
        "insert into {table} ({}) select {} from {table} as t, \
         (select n, '{prefix}' || lpad(n::text, 8, '0') as other from generate_series(1, {}) as n) as users",
        names.join(", "),
        values.join(", "),
        users.saturating_sub(1),
    );
    client.batch_execute(&insert).await?;
    Ok(())
}
