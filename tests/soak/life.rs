//! The run itself: everything is started, lives, is struck now and then, and is looked at in the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{Policies, Policy};
use e2e::{PARTY, Visitor, WEBHOOKS, at_clerk, mirrored, settings, within};
use emulator::{Caller, Chaos, Emulator, EmulatorConfig, TokenRequest};
use persistence::{Store, StoreSettings};
use serde_json::{Value, json};
use testdb::TestPostgres;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_postgres::NoTls;

use crate::clock::now;
use crate::figures::{Drift, Found, Load};
use crate::memory::Sample;
use crate::outages::{Outage, Outages, Whom};
use crate::replica::Replica;
use crate::{Soak, changes, messages, reads};

/// Users from the beginning to the end; the first [`READERS`] of them ask.
const PEOPLE: usize = 2_000;
const READERS: usize = 200;
const ORGANIZATIONS: usize = 20;
/// Those who ask side by side, at each replica.
const LANES: u32 = 4;
/// Between the kill of a replica and its new start.
const SUPERVISOR: Duration = Duration::from_secs(1);
/// How long PostgreSQL is away.
const AWAY: Duration = Duration::from_secs(3);
/// How long Clerk's last webhooks may take to come home.
const HOME: Duration = Duration::from_secs(120);

/// Of a hundred webhooks so many; of the Backend API's answers too.
fn faults() -> Chaos {
    Chaos {
        seed: 5,
        duplicate: 0.05,
        reorder: 0.05,
        reorder_ms: 500,
        delay: 0.10,
        drop: 0.02,
        corrupt: 0.02,
        fail: 0.02,
        rate_429: 0.02,
        error_5xx: 0.02,
        slow_ms: 20,
        ..Chaos::default()
    }
}

/// Everything that is there.
struct Scene {
    clerk: Emulator,
    postgres: TestPostgres,
    settings: Vec<(String, String)>,
    mortal: Replica,
    steady: Replica,
}

pub(crate) async fn live(soak: &Soak) -> Found {
    std::fs::create_dir_all(&soak.logs).expect("a folder for the logs");
    let time = Duration::from_secs(soak.minutes * 60);
    // Twelve outages and as many sweeps, but not all the time in a short run, and not too seldom in a long one.
    let period = (time / 12).clamp(Duration::from_secs(15), Duration::from_secs(300));
    let clerk = Emulator::start(EmulatorConfig {
        retry_schedule: vec![Duration::from_millis(500); 10_000],
        delivery_log_limit: usize::MAX,
        ..EmulatorConfig::on_free_port()
    })
    .await
    .expect("an offline Clerk");
    let postgres = TestPostgres::start("").await;
    let seconds = period.as_secs().to_string();
    let own = [
        ("RECONCILE_INTERVAL_SECONDS", seconds.as_str()),
        ("RUST_LOG", "warn"),
    ];
    let settings = settings(&postgres.url(), &clerk, &own);
    let log = |name: &str| soak.logs.join(name);
    let mortal = Replica::start(&soak.server, &settings, log("mortal.log")).await;
    let steady = Replica::start(&soak.server, &settings, log("steady.log")).await;
    let mut scene = Scene {
        clerk,
        postgres,
        settings,
        mortal,
        steady,
    };
    let by = Caller::default();
    let people = scene.clerk.seed_users(PEOPLE, true, &by);
    run(&soak.server, &["backfill"], &scene.settings).await;
    let hook = format!("http://{}{WEBHOOKS}", scene.mortal.address());
    scene.clerk.set_webhook(Some(&hook), None).expect("a URL");
    let organizations: Vec<String> = (0..ORGANIZATIONS)
        .map(|number| {
            let params = json!({"name": format!("Guild {number}"), "created_by": people[number]});
            let made = scene.clerk.create_organization(params, &by);
            made.expect("an organization").id
        })
        .collect();
    let tokens = tokens(&scene.clerk, &people[..READERS], time);
    within(HOME, "the first webhooks", scene.clerk.settled()).await;
    scene.clerk.set_chaos(faults()).expect("shares");

    let (over, stop) = watch::channel(false);
    let mut asking = JoinSet::new();
    for (whom, address) in [
        (Whom::Mortal, scene.mortal.address()),
        (Whom::Steady, scene.steady.address()),
    ] {
        let visitor = Visitor::of(address);
        let visitors: Vec<Visitor> = tokens
            .iter()
            .map(|token| visitor.clone().bearer(token))
            .collect();
        for lane in 0..LANES {
            let first = lane as usize * READERS / LANES as usize;
            let a_second = soak.reads / (2 * LANES);
            asking.spawn(reads::read(
                whom,
                visitors.clone(),
                first,
                a_second,
                stop.clone(),
            ));
        }
    }
    let sending = tokio::spawn(messages::send(
        Visitor::of(scene.steady.address()),
        scene.clerk.webhook_secret(),
        soak.messages,
        stop.clone(),
    ));
    let changing = tokio::spawn(changes::change(
        Arc::clone(scene.clerk.instance()),
        people,
        organizations,
        soak.changes,
        stop,
    ));
    let (outages, samples) = scene.strike(time, period).await;
    over.send(true).expect("somebody to tell");
    let mut reads = Load::default();
    for load in asking.join_all().await {
        reads.add(load);
    }
    let messages = sending.await.expect("the messages");
    let changes = changing.await.expect("the changes");
    within(HOME, "the last webhooks", scene.clerk.undelivered()).await;
    let (webhooks, mishaps) = messages::account(&scene.clerk.deliveries());
    let acknowledged = [&messages.acknowledged[..], &webhooks.acknowledged[..]].concat();
    let (lost, ledger) = ledger(&scene.postgres.url(), &acknowledged).await;
    let drift = scene.sweep(&soak.server).await;
    Found {
        reads,
        messages,
        webhooks,
        mishaps,
        changes,
        outages,
        samples,
        drift,
        lost,
        ledger,
    }
}

/// A token each, which outlives the run.
fn tokens(clerk: &Emulator, users: &[String], time: Duration) -> Vec<String> {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 2) + 3_600;
    users
        .iter()
        .map(|user| {
            let session = clerk.new_session(user).expect("a session");
            let request = TokenRequest::for_session(&session.id)
                .authorized_party(PARTY)
                .expires_in(seconds);
            clerk.mint(request).expect("a token")
        })
        .collect()
}

impl Scene {
    /// Lets time pass, looks at the memory each second, and strikes once in a period.
    async fn strike(&mut self, time: Duration, period: Duration) -> (Outages, Vec<Sample>) {
        let (mut outages, mut samples) = (Outages::default(), Vec::new());
        let mut turns = Outage::TURNS.into_iter().cycle();
        let begin = Instant::now();
        let mut next = period;
        let mut look = tokio::time::interval(Duration::from_secs(1));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while begin.elapsed() < time {
            look.tick().await;
            for (name, replica) in [("mortal", &mut self.mortal), ("steady", &mut self.steady)] {
                assert!(!replica.has_ended(), "the {name} replica ended by itself");
            }
            samples.push(Sample {
                steady: self.steady.resident(),
                mortal: self.mortal.resident(),
            });
            // Nothing is struck at the very end, where nobody would see it come back.
            if begin.elapsed() >= next && begin.elapsed() + period / 2 < time {
                next += period;
                if let Some(outage) = turns.next() {
                    let from = now();
                    self.suffer(outage).await;
                    outages.over(outage, from);
                    let minutes = begin.elapsed().as_secs_f64() / 60.0;
                    println!(
                        "{minutes:.1} min: {outage:?}, over after {} ms",
                        now() - from
                    );
                }
            }
        }
        (outages, samples)
    }

    /// One outage, until both replicas are ready again.
    async fn suffer(&mut self, outage: Outage) {
        match outage {
            Outage::Service => {
                self.mortal.kill().await;
                tokio::time::sleep(SUPERVISOR).await;
                self.mortal.start_again();
            }
            Outage::DatabaseKilled | Outage::DatabaseStopped => {
                if outage == Outage::DatabaseKilled {
                    self.postgres.kill();
                } else {
                    self.postgres.stop();
                }
                tokio::time::sleep(AWAY).await;
                self.postgres.start_again().await;
            }
        }
        self.mortal.is_ready().await;
        self.steady.is_ready().await;
    }

    /// What is out of step, mends it, and looks again.
    async fn sweep(&self, program: &Path) -> Drift {
        self.clerk.set_chaos(Chaos::default()).expect("no shares");
        let sweep = async |arguments: &[&str]| -> Value {
            let out = run(program, arguments, &self.settings).await;
            serde_json::from_str(&out).unwrap_or_else(|_| panic!("no report: {out}"))
        };
        let number = |report: &Value, name: &str| report[name].as_u64().expect("a number");
        let found = sweep(&["reconcile", "--json"]).await;
        let repaired = sweep(&["reconcile", "--repair", "--json"]).await;
        let left = sweep(&["reconcile", "--json"]).await;
        let store_settings = StoreSettings {
            pool_size: 2,
            policy: Arc::new(Policies::new(Policy::built_in())),
        };
        let url = self.postgres.url().parse().expect("a database URL");
        let store = Store::open(&url, store_settings).expect("a store");
        let (ours, theirs) = (mirrored(&store).await, at_clerk(&self.clerk));
        Drift {
            found: number(&found, "drift"),
            repaired: number(&repaired, "repaired"),
            left: number(&left, "drift"),
            differing: ours.differences(&theirs),
            rows: ours.sizes(),
        }
    }
}

/// Runs a command of the program to its end, and answers what it printed; whether it was content is in that.
async fn run(program: &Path, arguments: &[&str], settings: &[(String, String)]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .output()
        .await
        .expect("the program");
    String::from_utf8(output.stdout).expect("text")
}

/// Which of these messages the ledger does not have, and its lines by outcome.
async fn ledger(url: &str, acknowledged: &[String]) -> (Vec<String>, BTreeMap<String, i64>) {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    let mut lost = Vec::new();
    let missing = "select asked.id from unnest($1::text[]) as asked(id) \
                   where not exists (select from webhook_deliveries where svix_id = asked.id)";
    for some in acknowledged.chunks(1_000) {
        let rows = client.query(missing, &[&some]).await.expect("the ledger");
        lost.extend(rows.iter().map(|row| row.get::<_, String>(0)));
    }
    let outcomes = "select outcome, count(*) from webhook_deliveries group by outcome";
    let rows = client.query(outcomes, &[]).await.expect("the ledger");
    let outcomes = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    (lost, outcomes)
}
