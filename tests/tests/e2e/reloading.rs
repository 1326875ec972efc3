//! SIGHUP: the policy and the listed origins change while the service serves; with a fault, nothing does.

use std::fs;
use std::path::Path;

use e2e::{ME, Message, TestDatabase, Visitor, World, eventually, sample, settings};
use emulator::TokenRequest;
use serde_json::Value;

use crate::program::Running;

const ONE: &str = "https://one.example.com";
const OTHER: &str = "https://other.example.com";

/// The built-in policy with another limit of portfolios.
fn policy(most: u32) -> String {
    let built_in = include_str!("../../../crates/domain/src/access/built_in.toml");
    let free = "max_portfolios = 2\n";
    assert!(built_in.contains(free));
    built_in.replace(free, &format!("max_portfolios = {most}\n"))
}

fn write(folder: &Path, policy: &str, origin: &str) {
    fs::write(folder.join("policy.toml"), policy).unwrap();
    fs::write(folder.join(".env"), format!("CORS_ORIGINS={origin}\n")).unwrap();
}

/// How many portfolios the caller may have, and whether the page of this origin may read that.
async fn seen(caller: &Visitor, origin: &str) -> (Value, bool) {
    let answer = caller.clone().with("origin", origin).get(ME).await;
    let allowed = answer.header("access-control-allow-origin").is_some();
    let most = answer.expect_json(200)["limits"]["max_portfolios"].clone();
    (most, allowed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_policy_and_origins_again() {
    let database = TestDatabase::sqlite();
    let clerk = World::new_clerk().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &policy(2), ONE);
    let own = [
        ("POLICY_FILE", "policy.toml"),
        ("METRICS_ADDR", "127.0.0.1:0"),
    ];
    let settings = settings(database.url(), &clerk, &own);
    let (server, address) = Running::serve(folder.path(), &settings).await;
    let metrics = server.metrics_address();
    let event = sample("user.created");
    let request = TokenRequest::for_user(event.object_id()).authorized_party(e2e::PARTY);
    let message = Message::signed(&clerk.webhook_secret(), event);
    Visitor::of(address).send(message).await.expect(204);
    let caller = Visitor::of(address).bearer(&clerk.mint(request).unwrap());
    assert_eq!(seen(&caller, ONE).await, (2.into(), true));
    assert_eq!(seen(&caller, OTHER).await, (2.into(), false));

    write(folder.path(), &policy(7), OTHER);
    server.hang_up();
    eventually("the new policy", async || {
        (seen(&caller, OTHER).await == (7.into(), true)).then_some(())
    })
    .await;
    assert_eq!(seen(&caller, ONE).await, (7.into(), false));

    // What is broken changes nothing.
    write(folder.path(), "[roles", ONE);
    server.hang_up();
    eventually("a failed reload", async || {
        let told = reqwest::get(format!("http://{metrics}/metrics")).await;
        let told = told.unwrap().text().await.unwrap();
        let failed = r#"clerk_sync_config_reloads_total{result="failed"} 1"#;
        told.contains(failed).then_some(())
    })
    .await;
    assert_eq!(seen(&caller, OTHER).await, (7.into(), true));
    server.stop().await;
}
