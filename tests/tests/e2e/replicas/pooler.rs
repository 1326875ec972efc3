//! PgBouncer before PostgreSQL: with sessions of one's own it does not show, and without them the service does not start.

use domain::Outcome;
use e2e::{ME, Message, World, eventually, sample, settings};
use emulator::TokenRequest;
use serde_json::Value;
use testdb::{TestDatabase, TestPgBouncer};

use crate::program::run;

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_shares_sessions_is_refused_with_a_reason() {
    let (database, clerk) = (TestDatabase::postgres().await, World::new_clerk().await);
    let owner = database.app_role_url().await;
    let folder = tempfile::tempdir().unwrap();
    for mode in ["transaction", "statement"] {
        let pooler = TestPgBouncer::start(mode, &[&owner]).await;
        let through = pooler.through(&owner);
        let settings = settings(&through, &clerk, &[]);
        for arguments in [
            &["serve"][..],
            &["migrate", "up"],
            &["migrate", "status"],
            &["backfill"],
            &["move", "--from", "sqlite://none.db"],
        ] {
            let said = run(folder.path(), arguments, &settings).await.complained();
            assert!(
                said.contains("DATABASE_URL leads through"),
                "{arguments:?}: {said}"
            );
            assert!(
                said.contains("pool_mode = session"),
                "{arguments:?}: {said}"
            );
        }
        let doctor = run(folder.path(), &["doctor", "--json"], &settings).await;
        assert_eq!(doctor.code, Some(4), "{doctor:?}");
        let report: Value = serde_json::from_str(&doctor.out).unwrap();
        let checks = report["checks"].as_array().unwrap();
        let found = checks
            .iter()
            .find(|check| check["check"] == "sessions")
            .unwrap();
        assert_eq!(found["status"], "fail");
        assert!(
            found["fix"]
                .as_str()
                .unwrap()
                .contains("pool_mode = session"),
            "{found}"
        );
    }
    // Nothing was made through any of them.
    let tables = e2e::Tables::of(&database).await.unwrap();
    assert_eq!(tables.count("pg_tables", "schemaname = 'public'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_refused_also_where_only_its_owner_goes_directly() {
    let (database, clerk) = (TestDatabase::postgres().await, World::new_clerk().await);
    let (owner, app) = (
        database.app_role_url().await,
        database.bare_role_url().await,
    );
    let pooler = TestPgBouncer::start("transaction", &[&owner, &app]).await;
    let folder = tempfile::tempdir().unwrap();
    let (pooled_app, pooled_owner) = (pooler.through(&app), pooler.through(&owner));
    for (url, migration_url, named) in [
        (&pooled_app, &owner, "DATABASE_URL leads"),
        (&app, &pooled_owner, "DATABASE_MIGRATION_URL leads"),
    ] {
        let settings = settings(url, &clerk, &[("DATABASE_MIGRATION_URL", migration_url)]);
        let said = run(folder.path(), &["serve"], &settings).await.complained();
        assert!(said.contains(named), "{said}");
    }
}

/// Notices, prepared statements and the lock of a migration, all through it.
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_with_sessions_of_ones_own_everything_works() {
    let (database, clerk) = (TestDatabase::postgres().await, World::new_clerk().await);
    let owner = database.app_role_url().await;
    let pooler = TestPgBouncer::start("session", &[&owner]).await;
    let through = pooler.through(&owner);
    let folder = tempfile::tempdir().unwrap();
    let own = settings(&through, &clerk, &[]);
    let start = || tokio::spawn(World::server_of(own.clone()));
    let (one, other) = (start(), start());
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    let (at_one, at_other) = (
        e2e::Visitor::of(one.address()),
        e2e::Visitor::of(other.address()),
    );

    let secret = clerk.webhook_secret();
    let event = sample("user.created");
    let user_id = event.object_id();
    let message = Message::signed(&secret, event);
    at_one.send(message.clone()).await.expect(204);
    let line = other.store().deliveries.find(message.id()).await.unwrap();
    assert_eq!(line.unwrap().outcome, Outcome::Applied);
    let request = TokenRequest::for_user(&user_id).authorized_party(e2e::PARTY);
    let token = clerk.mint(request).unwrap();
    let (at_one, at_other) = (at_one.bearer(&token), at_other.bearer(&token));
    for _ in 0..20 {
        at_one.get(ME).await.expect(200);
        at_other.get(ME).await.expect(200);
    }
    // What one is told, the other knows soon.
    let deleted = sample("user.deleted").set("data.id", user_id);
    at_other
        .send(Message::signed(&secret, deleted))
        .await
        .expect(204);
    let gone = eventually("word of the other", async || {
        let answer = at_one.get(ME).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    gone.expect_problem(401, "user_deleted");
    let doctor = run(folder.path(), &["doctor", "--json"], &own).await;
    let report: Value = serde_json::from_str(&doctor.out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert!(
        checks.iter().all(|check| check["status"] != "fail"),
        "{report}"
    );
    one.shutdown().await;
    other.shutdown().await;
}
