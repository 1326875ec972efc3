//! The schema: forward, backward, and what the store says of it.

use domain::workspace::{Portfolio, PortfolioSummary};
use domain::{MigrationState, Rejection};
use persistence::{DatabaseUrl, OWNED_TABLES, migrate_down, migrate_up, migration_status};
use testdb::TestDatabase;

use crate::facts::{RECEIVED, at, user};
use crate::store::{TestStore, open};
use crate::workspace::{known_user, workspace};

testdb::on_both! {
    up_down_and_up_again,
    portfolios_from_before_are_counted,
    all_that_start_at_once_succeed_and_one_migrates,
    the_store_tells_what_is_missing_and_when_it_heard_last,
}

fn url(database: &TestDatabase) -> DatabaseUrl {
    database.url().parse().unwrap()
}

async fn applied(url: &DatabaseUrl) -> Vec<bool> {
    let status = migration_status(url).await.unwrap();
    assert!(status.is_sorted_by_key(|migration| migration.name.clone()));
    status.iter().map(|migration| migration.applied).collect()
}

/// The tables, but for the databases' own and the list of migrations.
async fn tables(store: &TestStore) -> Vec<String> {
    let query = if store.is_postgres() {
        "select table_name::text as line from information_schema.tables where table_schema = 'public' \
         and table_name <> '__diesel_schema_migrations' order by 1"
    } else {
        "select name as line from sqlite_master where type = 'table' \
         and name not like 'sqlite%' and name <> '__diesel_schema_migrations' order by 1"
    };
    store.lines(query).await
}

/// Those that are not owned.
const TABLES: &[&str] = &[
    "audit_log",
    "changes",
    "checkpoints",
    "clerk_objects",
    "erasures",
    "invite_attempts",
    "invite_redemptions",
    "invites",
    "leases",
    "organization_memberships",
    "organizations",
    "portfolio_counts",
    "sessions",
    "stream_tickets",
    "subscription_items",
    "subscriptions",
    "usage",
    "usage_reservations",
    "user_emails",
    "users",
    "webhook_deliveries",
];

async fn up_down_and_up_again(database: TestDatabase) {
    let url = url(&database);
    let before = applied(&url).await;
    assert!(!before.is_empty() && before.iter().all(|applied| !applied));

    let ran = migrate_up(&url).await.unwrap();
    assert_eq!(ran.len(), before.len());
    assert!(applied(&url).await.iter().all(|applied| *applied));
    assert_eq!(migrate_up(&url).await.unwrap(), Vec::<String>::new());

    let store = TestStore {
        store: open(database.url()),
        database,
    };
    let mut expected = [TABLES, OWNED_TABLES].concat();
    if store.is_postgres() {
        expected.push("admin_proofs");
    }
    expected.sort_unstable();
    assert_eq!(tables(&store).await, expected);
    assert_eq!(migrate_down(&url, 0).await.unwrap(), Vec::<String>::new());
    // More steps than there are migrations end at the first one.
    let mut reverted = migrate_down(&url, 1000).await.unwrap();
    reverted.reverse();
    assert_eq!(reverted, ran);
    assert_eq!(tables(&store).await, Vec::<String>::new());
    assert_eq!(applied(&url).await, before);

    assert_eq!(migrate_up(&url).await.unwrap(), ran);
    store.apply(user("user_1").updated(5)).await;
}

async fn portfolios_from_before_are_counted(database: TestDatabase) {
    let url = url(&database);
    migrate_up(&url).await.unwrap();
    let store = TestStore {
        store: open(database.url()),
        database,
    };
    let (ann, _) = (
        known_user(&store, "user_ann").await,
        known_user(&store, "user_bob").await,
    );
    let portfolios = &workspace(&store).portfolios;
    let mut made = Vec::new();
    for name in ["A", "B"] {
        let portfolio = Portfolio {
            name: name.to_owned(),
            description: None,
        };
        let written = portfolios.create(&ann, portfolio, None).await.unwrap();
        made.push(written.done().unwrap().id);
    }
    let known = async || {
        let mut known = Vec::new();
        for user in ["user_ann", "user_bob"] {
            let caller = store.store.users.caller(user, "sess_1").await.unwrap();
            known.push(caller.unwrap().portfolios);
        }
        known
    };
    let counted = PortfolioSummary {
        first: Some(made[0]),
        count: 2,
    };
    let expected = [counted, PortfolioSummary::default()];
    assert_eq!(known().await, expected);
    loop {
        let reverted = migrate_down(&url, 1).await.unwrap();
        if reverted[0].ends_with("portfolios_counted") {
            break;
        }
    }
    migrate_up(&url).await.unwrap();
    assert_eq!(known().await, expected);
}

async fn all_that_start_at_once_succeed_and_one_migrates(database: TestDatabase) {
    let url = url(&database);
    let starts = (0..12).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { migrate_up(&url).await })
    });
    let mut ran = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        ran.extend(start.await.unwrap().unwrap());
    }
    assert_eq!(ran.len(), applied(&url).await.len(), "{ran:?}");
}

async fn the_store_tells_what_is_missing_and_when_it_heard_last(database: TestDatabase) {
    let url = url(&database);
    let store = TestStore {
        store: open(database.url()),
        database,
    };
    let report = async || store.store.health.report().await.unwrap();
    let count = applied(&url).await.len();
    let before = report().await;
    assert_eq!(
        (before.migrations, before.last_event_at),
        (MigrationState::Pending { count }, None)
    );
    migrate_up(&url).await.unwrap();
    let after = report().await;
    assert_eq!(
        (after.migrations, after.last_event_at),
        (MigrationState::Current, None)
    );

    let rejection = Rejection {
        code: "signature_invalid",
        claimed_message_id: None,
        received_at: at(RECEIVED + 5),
    };
    store.store.mirror.reject(rejection).await.unwrap();
    assert_eq!(
        report().await.last_event_at,
        None,
        "what proved nothing is no event"
    );
    store.apply(user("user_1").updated(5)).await;
    assert_eq!(report().await.last_event_at, Some(at(RECEIVED)));
}
