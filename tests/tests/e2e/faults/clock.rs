//! This machine's clock is wrong, and jumps while the service runs. libfaketime stands between the program and the system's
//! wall clock; what measures spans of time goes on, as it does on a real machine.

use std::fs;
use std::path::{Path, PathBuf};

use domain::Policy;
use e2e::{
    ME, Message, PARTY, TestDatabase, Visitor, World, at_clerk, eventually, mirrored, sample,
    settings,
};
use emulator::{Caller, Emulator, TokenRequest};
use persistence::{Store, StoreSettings};
use serde_json::{Value, json};

use crate::program::{Running, run};

/// How far the clock is put, in seconds.
const HOUR: i64 = 3600;

/// Where Debian has it.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|file| file.is_file())
        .expect("libfaketime: install it (`apt-get install faketime`)")
}

/// A clock that can be put.
struct Clock(PathBuf);

impl Clock {
    fn new(folder: &Path) -> Self {
        let clock = Self(folder.join("clock"));
        clock.put(0);
        clock
    }

    /// So many seconds ahead of the real one.
    fn put(&self, seconds: i64) {
        // Read at every look at the clock: it must never be seen half-written.
        let next = self.0.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n")).unwrap();
        fs::rename(next, &self.0).unwrap();
    }

    /// What a program needs to go by it.
    fn settings(&self) -> Vec<(String, String)> {
        let library = library();
        let pairs = [
            ("LD_PRELOAD", library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", self.0.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DISABLE_SHM", "1"),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }
}

/// Somebody with a session, and its token for ten minutes.
fn somebody(clerk: &Emulator, name: &str) -> (String, String) {
    let params = json!({"email_address": [format!("{name}@example.com")]});
    let user = clerk.create_user(params, &Caller::default()).unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let mut request = TokenRequest::for_session(&session.id).authorized_party(PARTY);
    request.expires_in = Some(600);
    (session.id, clerk.mint(request).unwrap())
}

async fn examined(folder: &Path, settings: &[(String, String)]) -> Value {
    let report = run(folder, &["doctor", "--json"], settings).await.out;
    let report: Value = serde_json::from_str(&report).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let clock = checks.iter().find(|check| check["check"] == "clock");
    clock
        .unwrap_or_else(|| panic!("no clock in {report}"))
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_said_and_one_that_is_put_right_is_enough() {
    let (database, clerk) = (TestDatabase::sqlite(), World::new_clerk().await);
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(folder.path());
    let own = [("RECONCILE_INTERVAL_SECONDS", "1")];
    let mut settings = settings(database.url(), &clerk, &own);
    settings.extend(clock.settings());
    let (server, address) = Running::serve(folder.path(), &settings).await;
    let visitor = Visitor::of(address);
    let (_, token) = somebody(&clerk, "ann");
    let (ended, old_token) = somebody(&clerk, "bob");
    let ann = visitor.clone().bearer(&token);
    let bob = visitor.clone().bearer(&old_token);
    let news = || Message::signed(&clerk.webhook_secret(), sample("email.created"));
    let all_is_well = async || {
        ann.get(ME).await.expect(200);
        visitor.send(news()).await.expect(204);
        bob.get(ME).await.expect_problem(401, "session_revoked");
        assert_eq!(examined(folder.path(), &settings).await["status"], "ok");
    };
    bob.get(ME).await.expect(200);
    let end = sample("session.ended").set("data.id", ended);
    let end = Message::signed(&clerk.webhook_secret(), end);
    visitor.send(end).await.expect(204);
    all_is_well().await;

    for (seconds, of_token, of_message) in [
        (HOUR, "token_expired", "timestamp_expired"),
        (-HOUR, "token_not_yet_valid", "timestamp_in_future"),
    ] {
        clock.put(seconds);
        ann.get(ME).await.expect_problem(401, of_token);
        // Clerk sends it again for more than a day.
        visitor.send(news()).await.expect_problem(401, of_message);
        visitor.get("/health/ready").await.expect(200);
        let found = examined(folder.path(), &settings).await;
        assert_eq!(found["status"], "fail", "{found}");
        assert!(
            found["fix"].as_str().unwrap().contains("set-ntp"),
            "{found}"
        );
        // The work that nobody asks for goes on, whichever way the clock went.
        clerk.seed_users(2, false, &Caller::default());
        let store = StoreSettings {
            pool_size: 1,
            policy: Policy::built_in().into(),
        };
        let store = Store::open(&database.url().parse().unwrap(), store).unwrap();
        eventually("a sweep", async || {
            let (here, there) = (mirrored(&store).await, at_clerk(&clerk));
            (here == there).then_some(())
        })
        .await;
        clock.put(0);
        all_is_well().await;
    }
    server.stop().await;
}
