//! `doctor`: what is well is said to be, and each thing that was made wrong is found, with what to do about it.

use e2e::{Tables, TestDatabase, World, migrated_postgres, settings};
use emulator::Emulator;
use serde_json::Value;

use crate::program::run;

/// Where nobody listens.
const NOBODY: &str = "127.0.0.1:9";

/// What is made wrong, which check finds it, how bad it is, and a word of what to do.
type Plant<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);

/// What the doctor says of these settings: its findings, and the exit code.
async fn examined(database_url: &str, clerk: &Emulator, own: &[(&str, &str)]) -> (Vec<Value>, i32) {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(database_url, clerk, own);
    let finished = run(folder.path(), &["doctor", "--json"], &settings).await;
    let report: Value =
        serde_json::from_str(&finished.out).unwrap_or_else(|_| panic!("{finished:?}"));
    let checks = report["checks"].as_array().unwrap().clone();
    for check in &checks {
        let is_well = check["status"] == "ok";
        assert_eq!(check["fix"].is_null(), is_well, "{check}");
        assert!(
            check["message"]
                .as_str()
                .is_some_and(|words| !words.is_empty()),
            "{check}"
        );
    }
    let has_failed = checks.iter().any(|check| check["status"] == "fail");
    assert_eq!(
        finished.code,
        Some(if has_failed { 4 } else { 0 }),
        "{checks:?}"
    );
    (checks, finished.code.unwrap())
}

fn find<'a>(checks: &'a [Value], check: &str) -> &'a Value {
    let found = checks.iter().find(|one| one["check"] == check);
    found.unwrap_or_else(|| panic!("no {check} in {checks:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_in_order_is_found_in_order() {
    for database in [TestDatabase::sqlite(), migrated_postgres().await] {
        let role = match database.is_postgres() {
            true => database.bare_role_url().await,
            false => database.url().to_owned(),
        };
        let owner = database.url().to_owned();
        let own = [
            ("DATABASE_URL", role.as_str()),
            ("DATABASE_MIGRATION_URL", &owner),
        ];
        let world = World::with(database, &own).await;
        world.caller("ann").await;
        let (checks, code) = examined(&role, world.clerk(), &own[1..]).await;
        assert_eq!(code, 0);
        for check in &checks {
            assert_eq!(check["status"], "ok", "{check}");
        }
        for check in [
            "configuration",
            "keys",
            "signing keys",
            "clock",
            "Backend API",
            "database",
            "schema",
            "writing",
            "webhooks",
        ] {
            find(&checks, check);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_found_with_what_to_do() {
    let clerk = World::new_clerk().await;
    let database = TestDatabase::sqlite();
    let url = database.url();
    let away = format!("http://{NOBODY}/jwks");
    let no_keys = format!("{}/nowhere", clerk.origin());
    let api_away = format!("http://{NOBODY}");
    let redis_away = format!("redis://{NOBODY}/0");
    let postgres_away = format!("postgres://app:hunter2@{NOBODY}/app");
    let plants: &[Plant<'_>] = &[
        (
            &[("CLERK_PUBLISHABLE_KEY", "pk_live_x")],
            "configuration",
            "fail",
            "CLERK_PUBLISHABLE_KEY",
        ),
        (
            &[("CLERK_WEBHOOK_SECRET", "")],
            "configuration",
            "fail",
            "CLERK_WEBHOOK_SECRET",
        ),
        (
            &[("CLERK_AUTHORIZED_PARTIES", "")],
            "configuration",
            "fail",
            "CLERK_AUTHORIZED_PARTIES",
        ),
        (
            &[("POLICY_FILE", "/no/such/file")],
            "configuration",
            "fail",
            "POLICY_FILE",
        ),
        (
            &[("CLERK_SECRET_KEY", "sk_live_of_another_instance")],
            "keys",
            "fail",
            "same instance",
        ),
        (
            &[("CLERK_SECRET_KEY", "")],
            "keys",
            "warn",
            "CLERK_SECRET_KEY",
        ),
        (
            &[("CLERK_JWKS_URL", &away)],
            "signing keys",
            "fail",
            "CLERK_JWKS_URL",
        ),
        (
            &[("CLERK_JWKS_URL", &no_keys)],
            "signing keys",
            "fail",
            "CLERK_JWKS_URL",
        ),
        (
            &[("CLERK_API_URL", &api_away)],
            "Backend API",
            "fail",
            "CLERK_API_URL",
        ),
        (&[("REDIS_URL", &redis_away)], "Redis", "warn", "REDIS_URL"),
        (
            &[("DATABASE_URL", &postgres_away)],
            "database",
            "fail",
            "DATABASE_URL",
        ),
        (&[], "database", "warn", "migrate up"),
    ];
    for (own, check, status, fix) in plants {
        let (checks, _) = examined(url, &clerk, own).await;
        let found = find(&checks, check);
        assert_eq!(found["status"], *status, "{own:?}: {found}");
        let words = found["fix"].as_str().unwrap();
        assert!(words.contains(fix), "{own:?}: {found}");
        let all = serde_json::to_string(&checks).unwrap();
        assert!(!all.contains("hunter2"), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_keeps_nobody_apart_or_takes_nothing_is_found() {
    let clerk = World::new_clerk().await;
    let database = migrated_postgres().await;
    let issuer = ("CLERK_ISSUER", "https://clerk.example.com");
    let production = [
        ("CLERK_SYNC_ENV", "production"),
        ("CLERK_PUBLISHABLE_KEY", ""),
        ("CLERK_SECRET_KEY", ""),
        issuer,
    ];
    let (checks, code) = examined(database.url(), &clerk, &production).await;
    let found = find(&checks, "row-level security");
    assert_eq!(
        (code, &found["status"]),
        (4, &Value::from("fail")),
        "{found}"
    );
    assert!(
        found["fix"].as_str().unwrap().contains("create role"),
        "{found}"
    );
    assert_eq!(find(&checks, "roles")["status"], "warn");
    // Nothing has ever been heard of Clerk.
    assert_eq!(find(&checks, "webhooks")["status"], "warn");

    let tables = Tables::of(&database).await.unwrap();
    let name = database.url().rsplit('/').next().unwrap();
    let name = name.split('?').next().unwrap();
    tables
        .execute(&format!(
            "alter database \"{name}\" set default_transaction_read_only = on"
        ))
        .await;
    let (checks, code) = examined(database.url(), &clerk, &[]).await;
    let found = find(&checks, "writing");
    assert_eq!(
        (code, &found["status"]),
        (4, &Value::from("fail")),
        "{found}"
    );
    assert!(
        found["fix"].as_str().unwrap().contains("read-only"),
        "{found}"
    );
}
