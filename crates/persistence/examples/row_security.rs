//! What row-level security costs a read, and whether a page costs more in a large table.
//!
//!     TEST_POSTGRES_URL=postgres://… cargo run --release -p persistence --example row_security
//!
//! The same rows are read in turn: by the bare query, prepared, on a connection of a superuser's, whom no policy binds; and
//! through the store as the application's role, which tells the database who acts and is bound by policies. Rounds alternate,
//! so that both meet the same machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement ends where something is wrong, and prints what it found"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::workspace::{OwnedFilter, Scope, Whose};
use domain::{Attribution, PageQuery, Policies, Policy};
use persistence::{DatabaseUrl, Store, StoreSettings};
use serde_json::json;
use testdb::TestDatabase;
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

/// Rows of one page.
const PAGE: u32 = 50;
/// Reads of each kind.
const READS: usize = 3_000;
/// Listings of each user.
const EACH: usize = 100;
/// Users in the small table, and in the large one.
const USERS: [usize; 2] = [100, 1_000];

const BARE: &str = "select id, user_id, organization_id, title, price, currency, condition, components, status, created_at, \
                    updated_at from listings where user_id = $1 order by id desc limit 51";
const BARE_ONE: &str = "select id, user_id, organization_id, title, price, currency, condition, components, status, created_at, \
                        updated_at from listings where id = $1 and user_id = $2";

#[tokio::main]
async fn main() {
    let database = TestDatabase::postgres().await;
    let owner: DatabaseUrl = database.url().parse().unwrap();
    persistence::migrate_up(&owner).await.unwrap();
    let role: DatabaseUrl = database.bare_role_url().await.parse().unwrap();
    persistence::let_in(&owner, &role).await.unwrap();
    let settings = StoreSettings {
        pool_size: 2,
        policy: Arc::new(Policies::new(Policy::built_in())),
    };
    let store = Store::open(&role, settings).unwrap();
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let page = client.prepare(BARE).await.unwrap();
    let one = client.prepare(BARE_ONE).await.unwrap();

    let mut users: Vec<Uuid> = Vec::new();
    for count in USERS {
        let new: Vec<Uuid> = (users.len()..count).map(|_| Uuid::now_v7()).collect();
        fill(&client, &new).await;
        users.extend(new);
        let first = first_rows(&client, &users).await;
        println!("{} listings of {count} users:", EACH * count);
        let listings = &*store.workspace.listings;
        let (mut bare, mut guarded) = (Vec::new(), Vec::new());
        for number in 0..READS {
            let user = users[number % count];
            bare.push(timed(rows(&client, &page, user)).await);
            let scope = scope(user);
            let query = PageQuery {
                limit: PAGE,
                after: None,
            };
            let mine = OwnedFilter {
                whose: Whose::Mine,
                parent: None,
            };
            guarded.push(
                timed(async { drop(listings.list(&scope, mine, query).await.unwrap()) }).await,
            );
        }
        tell("a page of 50", &mut bare, &mut guarded);
        let (mut bare, mut guarded) = (Vec::new(), Vec::new());
        for number in 0..READS {
            let (user, id) = (users[number % count], first[number % count]);
            bare.push(
                timed(async { drop(client.query_one(&one, &[&id, &user]).await.unwrap()) }).await,
            );
            let scope = scope(user);
            guarded.push(
                timed(async { drop(listings.find(&scope, id).await.unwrap().unwrap()) }).await,
            );
        }
        tell("one row", &mut bare, &mut guarded);
    }
}

async fn rows(client: &Client, statement: &Statement, user: Uuid) {
    let rows = client.query(statement, &[&user]).await.unwrap();
    assert!(!rows.is_empty());
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let start = Instant::now();
    work.await;
    start.elapsed()
}

fn tell(what: &str, bare: &mut [Duration], guarded: &mut [Duration]) {
    let mut at = |share: usize| {
        bare.sort_unstable();
        guarded.sort_unstable();
        let place = bare.len() * share / 100;
        (
            bare[place].as_secs_f64() * 1e3,
            guarded[place].as_secs_f64() * 1e3,
        )
    };
    for share in [50, 99] {
        let (bare, guarded) = at(share);
        println!(
            "  {what}, p{share}: bare {bare:.3} ms, guarded {guarded:.3} ms, {:+.3} ms",
            guarded - bare
        );
    }
}

fn scope(user_id: Uuid) -> Scope {
    Scope {
        user_id,
        organization_id: None,
        is_admin: false,
        claims: json!({"sub": "user_2aBcDeFgHiJkLmNoPqRsTuVwXyZ", "sid": "sess_2aBcDeFgHiJkLmNoPqRsTuVwXyZ"}),
        by: Attribution::system(chrono::Utc::now()),
    }
}

/// Rows of new users, in turn, as they would come.
async fn fill(client: &Client, users: &[Uuid]) {
    client
        .execute(
            "insert into listings (id, user_id, title, components, status, created_at, updated_at) \
             select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7000' \
                 || substr(md5(random()::text), 1, 16))::uuid, \
                 owner, 'Touring bicycle', '{\"frame\": \"steel\", \"gears\": 27}', 'active', now(), now() \
             from generate_series(1, $2::int), unnest($1::uuid[]) as owner",
            &[&users, &i32::try_from(EACH).unwrap()],
        )
        .await
        .unwrap();
    client
        .batch_execute("vacuum analyze listings")
        .await
        .unwrap();
}

async fn first_rows(client: &Client, users: &[Uuid]) -> Vec<Uuid> {
    let mut ids = Vec::with_capacity(users.len());
    for user in users {
        let query = "select id from listings where user_id = $1 order by id limit 1";
        ids.push(client.query_one(query, &[user]).await.unwrap().get(0));
    }
    ids
}
