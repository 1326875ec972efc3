//! Three processes that start at once on an empty database, and share its work.

use std::net::SocketAddr;
use std::path::Path;

use domain::{Attribution, Role, UserKey};
use e2e::{ME, Tables, TestDatabase, Visitor, WEBHOOKS, World, eventually, settings, within};
use emulator::{Caller, Emulator, SessionStatus, TokenRequest};
use serde_json::json;
use testdb::TestRedis;

use crate::program::{Running, Settings, run};

const REPLICAS: usize = 3;
/// A replica that ends in peace leaves the work to another at once, which looks every few seconds; one that dies keeps it
/// for 25.
const HANDED_ON: std::time::Duration = std::time::Duration::from_secs(20);

/// All on their way up at the same time.
async fn start(folder: &Path, settings: &Settings) -> Vec<(Running, SocketAddr)> {
    let (one, other, third) = tokio::join!(
        Running::serve(folder, settings),
        Running::serve(folder, settings),
        Running::serve(folder, settings),
    );
    vec![one, other, third]
}

async fn share(clerk: Emulator, own: &[(&str, &str)]) {
    let database = TestDatabase::postgres().await;
    let settings = settings(database.url(), &clerk, own);
    let folder = tempfile::tempdir().unwrap();
    let mut replicas = start(folder.path(), &settings).await;
    // Each migration ran, and ran once.
    let status = run(folder.path(), &["migrate", "status"], &settings)
        .await
        .printed();
    assert!(
        status.lines().all(|line| line.starts_with("applied")),
        "{status}"
    );
    let tables = Tables::of(&database).await.unwrap();
    let ran = tables.count("__diesel_schema_migrations", "true").await;
    assert_eq!(usize::try_from(ran).unwrap(), status.lines().count());

    changes_are_seen_by_all(&clerk, &replicas, database.url()).await;

    // One of them works; whichever is asked to end, another goes on with it.
    let store = super::store(database.url());
    let held = "job = 'upkeep' and until > now()";
    let holds = async || (tables.count("leases", held).await == 1).then_some(());
    eventually("one who works", holds).await;
    // Nobody else may while one does.
    let now = chrono::Utc::now();
    let taken = store
        .housekeeping
        .lease("upkeep", "another", now, now)
        .await
        .unwrap();
    assert!(!taken);
    while replicas.len() > 1 {
        let (replica, _) = replicas.remove(0);
        replica.stop().await;
        within(HANDED_ON, "another who works", async {
            while holds().await.is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
        .await;
    }
    let (last, _) = replicas.remove(0);
    last.stop().await;
    // Nobody is left who works.
    assert_eq!(tables.count("leases", held).await, 0);
}

/// What happens to somebody at one replica, the others see.
async fn changes_are_seen_by_all(clerk: &Emulator, replicas: &[(Running, SocketAddr)], url: &str) {
    assert_eq!(replicas.len(), REPLICAS);
    let by = Caller::default();
    let webhooks = format!("http://{}{WEBHOOKS}", replicas[0].1);
    clerk.set_webhook(Some(&webhooks), None).unwrap();
    let ann = clerk
        .create_user(json!({"email_address": ["ann@example.com"]}), &by)
        .unwrap();
    let session = clerk.new_session(&ann.id).unwrap();
    let token = clerk
        .mint(TokenRequest::for_session(&session.id).authorized_party(e2e::PARTY))
        .unwrap();
    assert!(clerk.undelivered().await.is_empty());
    let everywhere: Vec<Visitor> = replicas
        .iter()
        .map(|(_, address)| Visitor::of(*address).bearer(&token))
        .collect();
    for visitor in &everywhere {
        let me = visitor.get(ME).await.expect_json(200);
        assert_ne!(me["role"], "growth");
    }
    // By Clerk's word, which one replica is told.
    let role = json!({"public_metadata": {"role": "growth"}});
    clerk.update_metadata(&ann.id, role, false, &by).unwrap();
    see(&everywhere, "growth").await;
    // By an admin's, in the database.
    let role = Some(Role::from_store("enterprise".to_owned()));
    let decisions = super::store(url).administration;
    let key = UserKey::Clerk(ann.id.clone());
    let now = Attribution::system(chrono::Utc::now());
    decisions
        .set_role(&key, role, false, now, &[])
        .await
        .unwrap();
    see(&everywhere, "enterprise").await;
    clerk
        .end_session(&session.id, SessionStatus::Revoked, &by)
        .unwrap();
    for visitor in &everywhere {
        let refused = eventually("a session that is over", async || {
            let answer = visitor.get(ME).await;
            (answer.status != 200).then_some(answer)
        })
        .await;
        refused.expect_problem(401, "session_revoked");
    }
}

async fn see(everywhere: &[Visitor], role: &str) {
    for visitor in everywhere {
        eventually(role, async || {
            let me = visitor.get(ME).await.expect_json(200);
            (me["role"] == role).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_start_at_once_and_share_the_work() {
    share(World::new_clerk().await, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_start_at_once_and_share_the_work_with_redis() {
    let redis = TestRedis::start().await;
    share(World::new_clerk().await, &[("REDIS_URL", &redis.url())]).await;
}
