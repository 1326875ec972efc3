//! What may go wrong around the service, each with the real component: what the client is told, what the operator sees,
//! and that it mends itself. `docs/operating/faults.md` is the table of these tests.

mod clerk;
mod clock;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod large_bodies;
mod postgres;
mod redis;
mod slow_clients;
mod stop;

use std::time::Duration;

use e2e::{Answer, Message, PATIENCE, Visitor, World, eventually, within};
use serde_json::Value;

/// Before a message is sent again.
const REPEAT: Duration = Duration::from_millis(50);

/// What `/health` says; its status is part of what it says.
async fn health(visitor: &Visitor) -> Value {
    visitor.get("/health").await.json()
}

/// Waits until one of the checks of `/health` has this status.
async fn check_is(visitor: &Visitor, check: &str, status: &str) {
    eventually(&format!("{check} to be {status}"), async || {
        (health(visitor).await["checks"][check]["status"] == status).then_some(())
    })
    .await;
}

/// Sends the message again and again, as Clerk does, until it is taken.
async fn taken_at_last(visitor: &Visitor, message: &Message) {
    let sending = async {
        loop {
            let answer = visitor.send(message.clone()).await;
            if answer.status == 204 {
                return;
            }
            is_away(answer);
            tokio::time::sleep(REPEAT).await;
        }
    };
    within(PATIENCE, "a message that is taken", sending).await;
}

/// Expects what a sender is told while nothing can be written.
fn is_away(answer: Answer) {
    answer.expect_problem(503, "store_unavailable");
}

/// Expects that the message was taken, and took effect.
async fn is_kept(world: &World, message: &Message) {
    let line = world.delivery(message.id()).await;
    let line = line.unwrap_or_else(|| panic!("{} was answered and is lost", message.id()));
    assert_eq!(line.outcome, domain::Outcome::Applied, "{line:?}");
}

/// The most memory that the process has had so far, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(process: rustix::process::Pid) -> usize {
    let status = format!("/proc/{}/status", process.as_raw_nonzero());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() * 1024
}
