//! `move`: a service that worked on SQLite goes on where it was on PostgreSQL.

mod furnished;

use e2e::{Message, Tables, TestDatabase, Visitor, World, eventually, sample, settings};
use serde_json::Value;

use crate::program::{Finished, Running, Settings, run};
use furnished::Furnished;

/// The gate is shut, and the shared code opens it.
const OWN: [(&str, &str); 2] = [
    ("BETA_INVITE_CODE", "Beta-2026"),
    ("ADMIN_USER_IDS", "user_boss"),
];

async fn moved(from: &TestDatabase, settings: &Settings) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["move", "--from", from.url()], settings).await
}

/// The same, when those who had the file open have left it, which takes a moment.
async fn moved_when_free(from: &TestDatabase, settings: &Settings) -> Finished {
    eventually("a file that nobody has open", async || {
        let finished = moved(from, settings).await;
        (!finished.errors.contains("is in use")).then_some(finished)
    })
    .await
}

fn named(url: &str) -> Vec<(String, String)> {
    vec![("DATABASE_URL".to_owned(), url.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_goes_on_where_it_was() {
    let world = World::with(TestDatabase::sqlite(), &OWN).await;
    let house = Furnished::furnish(&world).await;
    let before = house.everything().await;
    let half = house.cursor_in_the_middle().await;
    let feed = house.feed(&half).await;
    let (clerk, from) = world.stop().await;

    let target = TestDatabase::postgres().await;
    let (owner, app) = (target.app_role_url().await, target.bare_role_url().await);
    let mut own = named(&app);
    own.push(("DATABASE_MIGRATION_URL".to_owned(), owner.clone()));
    let finished = moved_when_free(&from, &own).await;
    for url in [&owner, &app] {
        let password = url.split([':', '@']).nth(2).unwrap();
        assert!(!format!("{finished:?}").contains(password));
    }
    let printed = finished.printed();
    let mut lines = printed.lines();
    assert!(lines.next().is_some_and(|head| head.starts_with("table")));
    let tables: Vec<&str> = lines.collect();
    assert!(tables.len() > 25, "{printed}");
    for line in tables {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [table, rows, sqlite, postgres] = words[..] else {
            panic!("four columns: {line}");
        };
        assert_eq!(sqlite, postgres, "{table}");
        // Whatever a table is for, something was in it.
        assert_ne!(rows, "0", "{table}");
    }

    let own = [
        OWN[0],
        OWN[1],
        ("DATABASE_URL", &app),
        ("DATABASE_MIGRATION_URL", &owner),
    ];
    let world = World::of(clerk, target, &own).await;
    let house = house.at(&world);
    for ((path, was), (_, is)) in before.iter().zip(&house.everything().await) {
        assert_eq!(was, is, "{path}");
    }
    // Who followed the feed goes on with his cursor, and the next change is the one after the last.
    assert_eq!(house.feed(&half).await, feed);
    let last = cursor(feed.last().unwrap());
    world
        .deliver(sample("user.created").set("data.id", "user_later"))
        .await
        .expect(204);
    let later = house.feed(&last.to_string()).await;
    assert_eq!(later.iter().map(cursor).collect::<Vec<_>>(), [last + 1]);
    assert_eq!(later[0]["id"], "user_later");
    // What was known is known.
    let again = world.send(house.known_message()).await;
    again.expect(204);
    assert_eq!(house.feed(&last.to_string()).await.len(), 1);
    assert_eq!(
        world
            .delivery(house.known_message().id())
            .await
            .unwrap()
            .attempts,
        2
    );
    house.goes_on(&world).await;
}

fn cursor(item: &Value) -> i64 {
    item["cursor"]
        .as_i64()
        .or_else(|| item["cursor"].as_str()?.parse().ok())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_has_moved_nothing() {
    let (from, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let folder = tempfile::tempdir().unwrap();
    // A process of its own: with it, everybody who has the file open is gone.
    let (service, address) =
        Running::serve(folder.path(), &settings(from.url(), &clerk, &[])).await;
    for event_type in ["user.created", "session.created"] {
        let message = Message::signed(&clerk.webhook_secret(), sample(event_type));
        Visitor::of(address).send(message).await.expect(204);
    }
    service.stop().await;
    let target = e2e::migrated_postgres().await;
    let tables = Tables::of(&target).await.unwrap();
    // Users go first; in the middle of the sessions somebody holds things up.
    let barrier = "create function wait_here() returns trigger language plpgsql as \
                   $$ begin perform pg_advisory_xact_lock(1); return new; end $$";
    tables.execute(barrier).await;
    tables.execute("create trigger wait_here before insert on sessions for each row execute function wait_here()").await;
    tables.execute("select pg_advisory_lock(1)").await;
    let settings = named(target.url());
    let waits = async || {
        let here = "database = (select oid from pg_database where datname = current_database())";
        let condition = format!("locktype = 'advisory' and not granted and {here}");
        tables.count("pg_locks", &condition).await > 0
    };
    let moving = Running::start(folder.path(), &["move", "--from", from.url()], &settings);
    eventually("a move in the middle", async || waits().await.then_some(())).await;
    moving.kill().await;
    // PostgreSQL finds out that nobody is there when it has something to say.
    tables.execute("select pg_advisory_unlock(1)").await;
    eventually("an end of the transaction", async || {
        (!waits().await).then_some(())
    })
    .await;
    for table in ["users", "sessions", "changes", "webhook_deliveries"] {
        assert_eq!(tables.count(table, "true").await, 0, "{table}");
    }

    // And again, from the beginning.
    tables.execute("drop trigger wait_here on sessions").await;
    moved(&from, &settings).await.printed();
    assert_eq!(tables.count("users", "true").await, 1);
    let twice = moved(&from, &settings).await.complained();
    assert!(twice.contains("the table users"), "{twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_is_refused_with_a_reason() {
    let world = World::start(TestDatabase::sqlite()).await;
    let target = e2e::migrated_postgres().await;
    let in_use = moved(world.database(), &named(target.url()))
        .await
        .complained();
    assert!(in_use.contains("stop the service"), "{in_use}");
    let nowhere = moved(world.database(), &[]).await.complained();
    assert!(nowhere.contains("--to"), "{nowhere}");
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(target.url(), world.clerk(), &[]);
    for (arguments, said) in [
        (&["move"][..], "--from"),
        (
            &["move", "--from", "postgres://u:hunter2@h/db"],
            "sqlite://PATH",
        ),
        (&["move", "--from", "sqlite://none.db"], "there is no file"),
        (
            &[
                "move",
                "--from",
                "sqlite://none.db",
                "--to",
                "postgres://u:hunter2@h:port/db",
            ],
            "--to",
        ),
        (
            &[
                "move",
                "--from",
                "sqlite://none.db",
                "--to",
                "sqlite://other.db",
            ],
            "nowhere to move to",
        ),
    ] {
        let complained = run(folder.path(), arguments, &settings).await.complained();
        assert!(complained.contains(said), "{complained}");
        assert!(!complained.contains("hunter2"), "{complained}");
    }
}
