//! `serve` as a process: how it starts, refuses to, and ends.

use e2e::{
    ME, Tables, TestDatabase, Visitor, WEBHOOKS, Wire, World, eventually, migrated_postgres,
    sample, settings,
};
use emulator::{Emulator, TokenRequest};

use crate::program::{Running, run};

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = pairs.iter();
    owned
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

async fn refusal(pairs: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["serve"], &owned(pairs))
        .await
        .complained()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_missing_setting_is_named() {
    let said = refusal(&[]).await;
    for name in [
        "CLERK_PUBLISHABLE_KEY",
        "CLERK_WEBHOOK_SECRET",
        "CLERK_AUTHORIZED_PARTIES",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_setting_is_named_and_no_value_shown() {
    let wrong = [
        ("ADMIN_USER_IDS", "s3cret-admin"),
        ("BIND_ADDR", "s3cret-address"),
        ("CLERK_API_URL", "http://s3cret.example.com"),
        ("CLERK_AUDIENCE", " "),
        ("CLERK_AUTHORIZED_PARTIES", ""),
        ("CLERK_AZP_POLICY", "s3cret-policy"),
        ("CLERK_ISSUER", "http://s3cret.example.com/"),
        ("CLERK_JWKS_URL", "http://s3cret.example.com/jwks"),
        ("CLERK_JWT_KEY", "-----BEGIN s3cret"),
        ("CLERK_LEEWAY_SECONDS", "99"),
        ("CLERK_PUBLISHABLE_KEY", "pk_test_s3cret!"),
        ("CLERK_SYNC_ENV", "s3cret-env"),
        ("CLERK_WEBHOOK_SECRET", "whsec_s3cret!"),
        ("DATABASE_MIGRATION_URL", "mysql://user:s3cret@host/db"),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_URL", "mysql://user:s3cret@host/db"),
        ("JIT_PROVISIONING", "s3cret-maybe"),
        ("REQUEST_TIMEOUT_SECONDS", "s3cret"),
        ("WEBHOOK_BODY_LIMIT", "-1"),
    ];
    let said = refusal(&wrong).await;
    let named: Vec<&str> = said
        .lines()
        .filter_map(|line| line.trim_start().split_once(':'))
        .map(|(name, _)| name)
        .collect();
    for (name, _) in wrong {
        assert!(named.contains(&name), "{name}: {said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_has_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "whsec_fromthefile").unwrap();
    let file = file.to_str().unwrap();
    let said = refusal(&[
        ("CLERK_WEBHOOK_SECRET", "whsec_fromthevariable"),
        ("CLERK_WEBHOOK_SECRET_FILE", file),
        ("CLERK_SECRET_KEY_FILE", "/nowhere/at/all"),
    ])
    .await;
    assert!(said.contains("CLERK_WEBHOOK_SECRET_FILE"), "{said}");
    assert!(said.contains("CLERK_SECRET_KEY"), "{said}");
    assert!(!said.contains("whsec_from"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulators_keys_are_for_development() {
    let key = emulator::publishable_key();
    let said = refusal(&[
        ("CLERK_PUBLISHABLE_KEY", &key),
        ("CLERK_SECRET_KEY", emulator::SECRET_KEY),
        ("CLERK_WEBHOOK_SECRET", &emulator::generate_webhook_secret()),
        ("CLERK_AUTHORIZED_PARTIES", e2e::PARTY),
    ])
    .await;
    assert!(said.contains("CLERK_PUBLISHABLE_KEY"), "{said}");
    assert!(said.contains("CLERK_SECRET_KEY"), "{said}");
    assert!(said.contains("CLERK_SYNC_ENV"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_may_come_from_files() {
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("webhook-secret");
    std::fs::write(&secret_file, clerk.webhook_secret() + "\n").unwrap();
    let own = [
        ("CLERK_WEBHOOK_SECRET", ""),
        ("CLERK_WEBHOOK_SECRET_FILE", secret_file.to_str().unwrap()),
    ];
    let lines: Vec<String> = settings("sqlite://data/rows.db", &clerk, &own)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    std::fs::write(folder.path().join(".env"), lines.concat()).unwrap();
    let (server, address) = Running::serve(folder.path(), &[]).await;
    let message = e2e::Message::signed(&clerk.webhook_secret(), sample("user.created"));
    Visitor::of(address).send(message).await.expect(204);
    assert!(folder.path().join("data/rows.db").exists());
    server.stop().await;
}

async fn started(database: &TestDatabase) -> (Emulator, Running, std::net::SocketAddr) {
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(database.url(), &clerk, &[]);
    let (server, address) = Running::serve(folder.path(), &settings).await;
    (clerk, server, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_finishes_what_it_has_begun() {
    let database = TestDatabase::sqlite();
    let (clerk, server, address) = started(&database).await;
    let message = e2e::Message::signed(&clerk.webhook_secret(), sample("user.created"));
    let mut wire = Wire::to(address).await;
    let mut head = message.head(WEBHOOKS, message.body().len());
    head.extend_from_slice(b"expect: 100-continue\r\n\r\n");
    wire.send(&head).await;
    // Asked for the body, so the request is under way.
    wire.until("100 Continue").await;
    let mut idle = Wire::to(address).await;

    server.terminate();
    eventually("a closed door", async || {
        tokio::net::TcpStream::connect(address).await.err()
    })
    .await;
    assert_eq!(idle.rest().await, "");
    wire.send(message.body()).await;
    let answer = wire.rest().await;
    assert!(answer.contains("HTTP/1.1 204"), "{answer}");
    server.ended().await;

    let again = World::new_server(database.url(), &clerk, &[]).await;
    let line = again.store().deliveries.find(message.id()).await.unwrap();
    assert!(line.is_some(), "it was answered and is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_need_not_have_started() {
    let database = migrated_postgres().await;
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(database.url(), &clerk, &[]);
    let tables = Tables::of(&database).await.unwrap();
    tables.hold("__diesel_schema_migrations").await;
    let server = Running::start(folder.path(), &["serve"], &settings);
    eventually("a server that waits for the table", async || {
        let waiting = tables.count("pg_locks", "not granted").await;
        (waiting > 0).then_some(())
    })
    .await;
    server.stop().await;
    drop(tables);
    let (server, _) = Running::serve(folder.path(), &settings).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said() {
    let database = TestDatabase::sqlite();
    let (clerk, server, address) = started(&database).await;
    let folder = tempfile::tempdir().unwrap();
    let taken = address.to_string();
    let settings = settings(database.url(), &clerk, &[("BIND_ADDR", &taken)]);
    let said = run(folder.path(), &["serve"], &settings).await.complained();
    assert!(said.contains(&taken), "{said}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_at_the_start_is_said_without_its_password() {
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://user:s3cret@127.0.0.1:1/rows";
    let settings = settings(url, &clerk, &[]);
    let said = run(folder.path(), &["serve"], &settings).await.complained();
    assert!(said.contains("PostgreSQL"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

// Nothing secret is ever logged, however much is.
e2e::on_both! { logs_hold_no_secret }

async fn logs_hold_no_secret(database: TestDatabase) {
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    let own = [("RUST_LOG", "trace")];
    let (server, address) =
        Running::serve(folder.path(), &settings(database.url(), &clerk, &own)).await;
    let visitor = Visitor::of(address);
    let secret = clerk.webhook_secret();
    let event =
        sample("user.created").set("data.private_metadata", serde_json::json!({"k": "pr1vate"}));
    let user_id = event.object_id();
    let address_of_user = event.0["data"]["email_addresses"][0]["email_address"]
        .as_str()
        .unwrap()
        .to_owned();
    let message = e2e::Message::signed(&secret, event);
    let mac = message.header("svix-signature").to_owned();
    visitor.send(message.clone()).await.expect(204);
    visitor.send(message.with_body("{}")).await.expect(401);
    let token = TokenRequest::for_user(&user_id).authorized_party(e2e::PARTY);
    let token = clerk.mint(token).unwrap();
    visitor.clone().bearer(&token).get(ME).await.expect(200);
    visitor
        .clone()
        .with("cookie", format!("__session={token}x"))
        .get(ME)
        .await
        .expect(401);
    visitor
        .get(&format!("/nowhere?token={token}"))
        .await
        .expect(404);
    let said = server.stop().await;
    assert!(!said.is_empty());
    let signature = token.rsplit('.').next().unwrap();
    for secret in [
        &secret[6..],
        &mac[3..],
        &token,
        signature,
        "pr1vate",
        &address_of_user,
        clerk.secret_key(),
    ] {
        assert!(!said.contains(secret), "{secret} is in the log");
    }
}
