//! The commands beside `serve`.

use std::collections::HashMap;
use std::path::Path;

use clerk_sync::{Config, build};
use e2e::{ME, TestDatabase, Visitor, WEBHOOKS, World, eventually};
use emulator::TokenRequest;
use serde_json::Value;

use crate::program::{Finished, Running, run};

// Databases without tables.
testdb::on_both! { migrations_go_up_and_down }

async fn anywhere(arguments: &[&str]) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), arguments, &[]).await
}

async fn migrations_go_up_and_down(database: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("DATABASE_URL".to_owned(), database.url().to_owned())];
    let migrate = async |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        run(folder.path(), &arguments, &settings).await.printed()
    };
    let status = async || {
        let lines = migrate("migrate status").await;
        let applied = lines
            .lines()
            .filter(|line| line.starts_with("applied"))
            .count();
        (applied, lines.lines().count())
    };
    let (applied, all) = status().await;
    assert_eq!(applied, 0);
    assert!(all > 0);
    assert_eq!(migrate("migrate up").await.lines().count(), all);
    assert_eq!(status().await, (all, all));
    assert_eq!(migrate("migrate up").await, "nothing to do\n");
    assert_eq!(migrate("migrate down").await.lines().count(), 1);
    assert_eq!(status().await, (all - 1, all));
    migrate(&format!("migrate down --steps {all}")).await;
    assert_eq!(status().await, (0, all));
    // Down to the ground and up again: nothing of the first time stands in the way.
    migrate("migrate up").await;
    World::start(database)
        .await
        .caller("ann")
        .await
        .get(ME)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_event_is_sent() {
    let world = World::start(TestDatabase::sqlite()).await;
    let (folder, url) = (tempfile::tempdir().unwrap(), world.url(WEBHOOKS));
    let secret = world.clerk().webhook_secret();
    let settings = [("CLERK_WEBHOOK_SECRET".to_owned(), secret.clone())];
    let send = async |arguments: &[&str]| {
        let all = [&["send", "--to", &url], arguments].concat();
        run(folder.path(), &all, &settings).await
    };
    let sent = send(&[
        "user.created",
        "--set",
        "data.id=user_sent",
        "--set",
        "data.first_name=Grace",
        "--id",
        "msg_sent",
    ])
    .await;
    assert!(sent.printed().contains("msg_sent"));
    let row = world.known("user_sent", "sess_none").await.unwrap();
    assert_eq!(row.user.first_name.as_deref(), Some("Grace"));
    assert!(world.delivery("msg_sent").await.is_some());

    let unknown = send(&["user.exploded"]).await.complained();
    assert!(unknown.contains("user.created"), "{unknown}");
    let other = emulator::generate_webhook_secret();
    let refused = send(&["user.created", "--secret", &other])
        .await
        .complained();
    assert!(refused.contains("signature_invalid"), "{refused}");
    assert!(!refused.contains(&other[6..]) && !refused.contains(&secret[6..]));
    let nobody = run(folder.path(), &["send", "user.created", "--to", &url], &[]).await;
    assert!(nobody.complained().contains("CLERK_WEBHOOK_SECRET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_of_the_api_is_printed_as_it_is_served() {
    let world = World::start(TestDatabase::sqlite()).await;
    let served = world.anonymous().get("/api/openapi.json").await;
    let served = served.expect_json(200);
    let printed: Value = serde_json::from_str(&anywhere(&["openapi"]).await.printed()).unwrap();
    assert_eq!(printed, served);
    for path in ["/api/v1/auth/me", "/api/v1/webhooks/clerk", "/health"] {
        assert!(served["paths"][path].is_object(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_help_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let script = anywhere(&["completions", shell]).await.printed();
        assert!(script.contains("clerk-sync"), "{shell}");
    }
    let help = anywhere(&["--help"]).await.printed();
    for command in [
        "dev",
        "serve",
        "emulator",
        "migrate",
        "move",
        "send",
        "openapi",
        "completions",
    ] {
        assert!(help.contains(command), "{command}: {help}");
    }
    let version = anywhere(&["--version"]).await.printed();
    let expected = format!("clerk-sync {} (commit {}, ", build::VERSION, build::COMMIT);
    assert!(version.starts_with(&expected), "{version}");
    assert!(!build::COMMIT.is_empty());
    anywhere(&["no-such-command"]).await.complained();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_is_printed_and_written() {
    let page = anywhere(&["man"]).await.printed();
    assert!(page.contains(".TH clerk-sync 1"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().to_str().unwrap();
    anywhere(&["man", pages]).await.printed();
    for page in [
        "clerk-sync.1",
        "clerk-sync-serve.1",
        "clerk-sync-reconcile.1",
    ] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
    let nowhere = folder.path().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let refused = anywhere(&["man", nowhere]).await.complained();
    assert!(refused.contains(nowhere), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulator_stays_on_this_machine() {
    for host in ["0.0.0.0", "::"] {
        let said = anywhere(&["emulator", "--host", host, "--port", "0"]).await;
        assert!(said.complained().contains(host));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_emulator_prints_is_what_a_service_needs() {
    let printed = anywhere(&["emulator", "--port", "4242", "env"])
        .await
        .printed();
    let mut settings: HashMap<&str, &str> = printed
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .collect();
    let secret = emulator::generate_webhook_secret();
    settings.insert("CLERK_WEBHOOK_SECRET", &secret);
    settings.insert("CLERK_AUTHORIZED_PARTIES", e2e::PARTY);
    let config = Config::read(|name| settings.get(name).map(|value| (*value).to_owned()));
    assert!(config.is_ok(), "{config:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_is_told_what_a_running_emulator_knows() {
    let config = emulator::EmulatorConfig::on_free_port();
    let emulator = emulator::Emulator::start(config).await.unwrap();
    let port = emulator.address().port().to_string();
    let told = async |client: &str, format: &str| {
        let arguments = [
            "emulator", "env", "--port", &port, "--for", client, "--format", format,
        ];
        anywhere(&arguments).await.printed()
    };
    let python: serde_json::Value = serde_json::from_str(&told("python", "json").await).unwrap();
    assert_eq!(python["CLERK_JWT_KEY"], emulator.jwt_key_pem());
    assert_eq!(
        python["CLERK_SERVER_URL"],
        format!("{}/v1", emulator.origin())
    );
    let next = told("next", "dotenv").await;
    let secret = format!("CLERK_WEBHOOK_SIGNING_SECRET={}", emulator.webhook_secret());
    assert!(next.lines().any(|line| line == secret), "{next}");
    let shell = told("express", "shell").await;
    assert!(
        shell.lines().all(|line| line.starts_with("export CLERK_")),
        "{shell}"
    );
    let unknown = anywhere(&["emulator", "env", "--for", "vue"])
        .await
        .complained();
    assert!(unknown.contains("clerk-js"), "{unknown}");
}

/// A port that was free a moment ago.
fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// Starts `dev` in the folder and answers a caller who shows the demo token.
async fn dev(folder: &Path, port: &str, emulator_port: &str, more: &[&str]) -> (Running, Visitor) {
    let arguments = ["dev", "--port", port, "--emulator-port", emulator_port];
    let running = Running::start(folder, &[&arguments, more].concat(), &[]);
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let token = eventually("the demo token and a server", async || {
        tokio::net::TcpStream::connect(address).await.ok()?;
        std::fs::read_to_string(folder.join(".clerk-sync/demo-token")).ok()
    })
    .await;
    (running, Visitor::of(address).bearer(&token))
}

async fn name_of(demo: &Visitor, name: &str) -> String {
    eventually(name, async || {
        let me = demo.get(ME).await.expect_json(200);
        let is_so = me["first_name"] == name;
        is_so.then(|| me["clerk_user_id"].as_str().unwrap().to_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_needs_nothing_and_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let (port, emulator_port) = (free_port(), free_port());
    let (running, demo) = dev(folder.path(), &port, &emulator_port, &[]).await;
    let user_id = name_of(&demo, "Ada").await;

    // As the printed lines do it: the change is made at Clerk, and the row follows.
    let clerk = format!("http://127.0.0.1:{emulator_port}/v1/users/{user_id}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let renamed = client
        .patch(clerk)
        .bearer_auth(emulator::SECRET_KEY)
        .json(&serde_json::json!({"first_name": "Grace"}));
    assert_eq!(renamed.send().await.unwrap().status(), 200);
    assert_eq!(name_of(&demo, "Grace").await, user_id);
    running.stop().await;

    // Tomorrow, the token of today still counts.
    let (running, _) = dev(folder.path(), &port, &emulator_port, &[]).await;
    assert_eq!(name_of(&demo, "Grace").await, user_id);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_takes_settings_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (port, emulator_port) = (free_port(), free_port());
    let set = |setting| ["--set", setting];
    let more = [set("BETA_INVITES_LEFT=1"), set("JIT_PROVISIONING=false")].concat();
    let arguments = [
        "dev",
        "--plain-sign-in",
        "--port",
        &port,
        "--emulator-port",
        &emulator_port,
    ];
    let refused = run(folder.path(), &[&arguments[..], &more].concat(), &[]).await;
    let refused = refused.complained();
    assert!(
        refused.contains("--set BETA_INVITES_LEFT: there is no such setting"),
        "{refused}"
    );
    for (setting, reason) in [
        (
            "BIND_ADDR=127.0.0.1:1",
            "--set BIND_ADDR: `dev` gives this one itself",
        ),
        (
            "DATABASE_URL=",
            "--set DATABASE_URL: `dev` gives this one itself",
        ),
        ("JIT_PROVISIONING=perhaps", "JIT_PROVISIONING"),
        ("JIT_PROVISIONING", "is not NAME=VALUE"),
    ] {
        let more = [&arguments[..], &set(setting)].concat();
        let refused = run(folder.path(), &more, &[]).await.complained();
        assert!(refused.contains(reason), "{refused}");
    }
    let more = [
        set("RATE_LIMIT_PER_USER=off"),
        set("RATE_LIMIT_PER_USER=1/minute:1"),
    ]
    .concat();
    let (running, demo) = dev(folder.path(), &port, &emulator_port, &more).await;
    demo.get(ME).await.expect(200);
    let answer = demo.get(ME).await;
    answer.expect_problem(429, "rate_limited");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_on_any_port_lets_its_own_pages_in() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["dev", "--port", "0", "--emulator-port", "0"];
    let running = Running::start(folder.path(), &arguments, &[]);
    let kept = |name: &str| std::fs::read_to_string(folder.path().join(".clerk-sync").join(name));
    let token = eventually("the demo token", async || kept("demo-token").ok()).await;
    let settings = kept("settings.env").unwrap();
    let setting = |name: &str| {
        let line = settings.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix('=')).unwrap()
    };
    let address = setting("BIND_ADDR");
    let parties = setting("CLERK_AUTHORIZED_PARTIES");
    assert!(parties.contains(&format!("http://{address}")), "{parties}");
    let demo = Visitor::of(address.parse().unwrap()).bearer(&token);
    name_of(&demo, "Ada").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_token_lets_nobody_in() {
    let world = World::start(TestDatabase::sqlite()).await;
    let ann = world.caller("ann").await;
    let template = world
        .clerk()
        .session_token(ann.session_id(), Some("mobile"), Some(e2e::PARTY), None)
        .unwrap();
    let answer = world.anonymous().bearer(&template).get(ME).await;
    answer.expect_problem(401, "token_category_mismatch");
    let token = world.token(TokenRequest::for_session(ann.session_id()));
    world.anonymous().bearer(&token).get(ME).await.expect(200);
}
