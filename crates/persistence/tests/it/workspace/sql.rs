//! Plain SQL as the application's role: every owned table x every verb x every context that there can be.

use persistence::OWNED_TABLES;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::as_application_of;
use crate::store::TestStore;

async fn connected(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What a row of a table says besides what every row says.
fn columns(table: &str, parent: &dyn Fn(&str) -> Uuid) -> String {
    let (names, values) = match table {
        "listings" => ("title, components, status", "'A', '{}', 'draft'".to_owned()),
        "profiles" => ("name, weights", "'A', '{}'".to_owned()),
        "valuation_rulesets" => ("name, rules", "'A', '[]'".to_owned()),
        "collections" | "portfolios" => ("name", "'A'".to_owned()),
        "collection_items" => (
            "collection_id, listing_id",
            format!("'{}', '{}'", parent("collections"), parent("listings")),
        ),
        "shares" => (
            "listing_id, shared_with, permission",
            format!("'{}', '{}', 'read'", parent("listings"), Uuid::now_v7()),
        ),
        "positions" => (
            "portfolio_id, symbol, quantity, entry_price",
            format!("'{}', 'A', 1, 1", parent("portfolios")),
        ),
        "calculation_jobs" => (
            "portfolio_id, status",
            format!("'{}', 'queued'", parent("portfolios")),
        ),
        "chat_messages" => ("role, content, is_partial", "'user', 'A', false".to_owned()),
        other => panic!("no row of {other}"),
    };
    format!("({names}, id, user_id, created_at, updated_at) values ({values}")
}

fn insertion(table: &str, id: Uuid, owner: Option<Uuid>, parent: &dyn Fn(&str) -> Uuid) -> String {
    let owner = owner.map_or("null".to_owned(), |owner| format!("'{owner}'"));
    let columns = columns(table, parent);
    format!("insert into {table} {columns}, '{id}', {owner}, now(), now())")
}

/// One row in every table, as the superuser makes it; the id of the row in each.
async fn rows_of(store: &TestStore, owner: Option<Uuid>) -> Vec<(&'static str, Uuid)> {
    let mut rows: Vec<(&'static str, Uuid)> = Vec::new();
    // Parents before children.
    for &table in OWNED_TABLES.iter().rev() {
        let id = Uuid::now_v7();
        let known = rows.clone();
        let parent = move |table: &str| known.iter().find(|(name, _)| *name == table).unwrap().1;
        store.execute(&insertion(table, id, owner, &parent)).await;
        rows.push((table, id));
    }
    rows
}

/// A context: what is set before a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Context {
    Owner,
    Other,
    Unknown,
    Missing,
    Empty,
    Garbage,
    Forged,
}

impl Context {
    const ALL: [Self; 7] = [
        Self::Owner,
        Self::Other,
        Self::Unknown,
        Self::Missing,
        Self::Empty,
        Self::Garbage,
        Self::Forged,
    ];

    fn settings(self, owner: Uuid, other: Uuid) -> String {
        let user = |id: &str| format!("select set_config('app.current_user_id', '{id}', true);");
        match self {
            Self::Owner => user(&owner.to_string()),
            Self::Other => user(&other.to_string()),
            Self::Unknown => user(&Uuid::now_v7().to_string()),
            Self::Missing => String::new(),
            Self::Empty => user(""),
            Self::Garbage => user("' or true --; select 1").replace("' or", "'' or"),
            Self::Forged => {
                let claims = format!(r#"{{"sub": "{owner}", "role": "admin", "is_admin": true}}"#);
                let forged = [
                    ("app.is_admin", "true"),
                    ("app.admin", "true"),
                    ("app.role", "admin"),
                    ("app.current_user_role", "admin"),
                    ("app.bypass_rls", "on"),
                    ("app.admin_proof", "true"),
                    ("request.jwt.claims", &claims),
                    ("request.jwt.claim.role", "service_role"),
                ];
                let other = user(&other.to_string());
                forged.iter().fold(other, |all, (name, value)| {
                    format!("{all} select set_config('{name}', '{value}', true);")
                })
            }
        }
    }
}

async fn changed(client: &Client, statement: &str) -> Result<u64, String> {
    match client.execute(statement, &[]).await {
        Ok(rows) => Ok(rows),
        Err(error) => Err(error.code().unwrap().code().to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_and_verb_in_every_context() {
    let (store, url) = as_application_of().await;
    let (owner, other) = (Uuid::now_v7(), Uuid::now_v7());
    let of_owner = rows_of(&store, Some(owner)).await;
    let of_other = rows_of(&store, Some(other)).await;
    let of_nobody = rows_of(&store, None).await;
    let client = connected(&url).await;

    for context in Context::ALL {
        for table in OWNED_TABLES {
            let id_in = |rows: &[(&str, Uuid)], table: &str| {
                rows.iter().find(|(name, _)| *name == table).unwrap().1
            };
            let mine: &[_] = match context {
                Context::Owner => &of_owner,
                Context::Other | Context::Forged => &of_other,
                _ => &[],
            };
            let expected = u64::from(!mine.is_empty());
            let me = match context {
                Context::Owner => Some(owner),
                Context::Other | Context::Forged => Some(other),
                _ => None,
            };
            let begin = format!("begin; {}", context.settings(owner, other));
            let within = async |statement: &str| {
                client.batch_execute(&begin).await.unwrap();
                let result = changed(&client, statement).await;
                client.batch_execute("rollback").await.unwrap();
                result
            };
            let at = format!("{context:?} {table}");
            // Reading, counting, ordering and searching.
            for read in [
                format!("select * from {table}"),
                format!("select id from {table} order by id desc limit 50"),
                format!("select 1 from {table} where id::text like '%' and updated_at > 'epoch'"),
                format!("select * from {table} for update"),
            ] {
                assert_eq!(within(&read).await, Ok(expected), "{at}: {read}");
            }
            // Writing to all, and giving away.
            let touch = format!("update {table} set updated_at = now()");
            assert_eq!(within(&touch).await, Ok(expected), "{at}: {touch}");
            let touch = format!("update {table} set updated_at = now() returning *");
            assert_eq!(within(&touch).await, Ok(expected), "{at}: {touch}");
            let delete = format!("delete from {table}");
            assert_eq!(within(&delete).await, Ok(expected), "{at}: {delete}");
            if expected > 0 {
                for to in [format!("'{}'", Uuid::now_v7()), "null".to_owned()] {
                    let give = format!("update {table} set user_id = {to}");
                    assert_eq!(within(&give).await, Err("42501".to_owned()), "{at}: {give}");
                }
            }
            // Making rows: for others, for nobody; and in what is another's, or nobody's, or is not there at all.
            for (whose, rows) in [
                (Some(owner), &of_owner),
                (Some(other), &of_other),
                (None, &of_nobody),
            ] {
                if whose.is_some() && whose == me {
                    continue;
                }
                let insert = insertion(table, Uuid::now_v7(), whose, &|table| id_in(rows, table));
                assert_eq!(
                    within(&insert).await,
                    Err("42501".to_owned()),
                    "{at}: {insert}"
                );
                let insert = insertion(table, Uuid::now_v7(), me, &|table| id_in(rows, table));
                let nowhere = insertion(table, Uuid::now_v7(), me, &|_| Uuid::now_v7());
                let is_root = insert.matches("_id").count() == 1;
                let allowed = is_root && me.is_some();
                let answer = if allowed {
                    Ok(1)
                } else {
                    Err("42501".to_owned())
                };
                // No foreign key tells whether there is such a row.
                assert_eq!(within(&insert).await, answer, "{at}: {insert}");
                assert_eq!(within(&nowhere).await, answer, "{at}: {nowhere}");
            }
            if me.is_some() {
                let parent = |name: &str| id_in(mine, name);
                let own = insertion(table, Uuid::now_v7(), me, &parent);
                if *table != "collection_items" {
                    assert_eq!(within(&own).await, Ok(1), "{at}: {own}");
                }
                // An id that is taken is taken, whoever has it.
                let taken =
                    |rows: &[(&str, Uuid)]| insertion(table, id_in(rows, table), me, &parent);
                let of_mine = within(&taken(mine)).await;
                for rows in [&of_owner, &of_other, &of_nobody] {
                    assert_eq!(within(&taken(rows)).await, of_mine, "{at}");
                }
                // And an upsert changes no row of another's.
                let foreign = if me == Some(owner) {
                    &of_other
                } else {
                    &of_owner
                };
                if *table != "collection_items" {
                    let upsert = format!(
                        "{} on conflict (id) do update set updated_at = now()",
                        taken(foreign)
                    );
                    assert_eq!(
                        within(&upsert).await,
                        Err("42501".to_owned()),
                        "{at}: {upsert}"
                    );
                }
            }
        }
    }
    // Nothing was changed by any of it, and nothing of a context stays on the connection.
    let left = client
        .query_one("select count(*) from listings", &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_cannot_make_itself_more() {
    let (_store, url) = as_application_of().await;
    let client = connected(&url).await;
    for forbidden in [
        "select * from admin_proofs",
        "insert into admin_proofs (digest, added_at) values (sha256('x'), now())",
        "alter table listings disable row level security",
        "alter table listings no force row level security",
        "drop policy listings_select on listings",
        "create policy mine on listings for select using (true)",
        "create or replace function clerk_sync_is_admin() returns boolean language sql as 'select true'",
        "set role clerk_sync_admin",
        "select set_config('role', 'clerk_sync_admin', true)",
        "set session authorization postgres",
        "truncate listings",
    ] {
        let refused = client.batch_execute(forbidden).await.unwrap_err();
        let code = refused.code().map(|code| code.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}");
    }
    // A temporary table of the same name stands in for nothing that a policy looks into.
    let owner = Uuid::now_v7();
    let spoof = format!(
        "begin; select set_config('app.current_user_id', '{owner}', true);
         create temporary table listings (id uuid, user_id uuid);
         insert into listings values ('{owner}', '{owner}');"
    );
    if client.batch_execute(&spoof).await.is_ok() {
        let share = format!(
            "insert into shares (id, user_id, listing_id, shared_with, permission, created_at, updated_at) \
             values ('{owner}', '{owner}', '{owner}', '{owner}', 'read', now(), now())"
        );
        assert_eq!(changed(&client, &share).await, Err("42501".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_the_admin_group_see_all_and_other_roles_nothing() {
    let (store, _) = as_application_of().await;
    rows_of(&store, Some(Uuid::now_v7())).await;
    let reporter = store.database.bare_role_url().await;
    let client = connected(&reporter).await;
    for table in OWNED_TABLES {
        let read = changed(&client, &format!("select * from {table}")).await;
        assert_eq!(read, Err("42501".to_owned()), "{table}");
    }
    let role = client
        .query_one("select current_user::text", &[])
        .await
        .unwrap();
    let role: String = role.get(0);
    store
        .execute(&format!("grant clerk_sync_admin to {role}"))
        .await;
    for table in OWNED_TABLES {
        let read = changed(&client, &format!("select * from {table}")).await;
        assert_eq!(read, Ok(1), "{table}");
    }
}
