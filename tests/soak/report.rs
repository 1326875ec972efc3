//! The page that a run leaves.

use chrono::Utc;

use crate::Soak;
use crate::figures::{Found, Load};
use crate::memory::{peaks, quarters};
use crate::outages::Outage;
use crate::verdict::{broken, most};

pub(crate) fn page(soak: &Soak, found: &Found) -> String {
    let (planned, unplanned) = found.failures();
    let drift = &found.drift;
    let [users, organizations, memberships] = drift.rows;
    let mishaps = listed(found.mishaps.iter());
    let outcomes = listed(found.ledger.iter());
    let (steady, mortal) = peaks(&found.samples);
    let memory = quarters(&found.samples).map_or_else(
        || "the system does not tell".to_owned(),
        |[one, two, three, four]| {
            format!(
                "{one:.1}, {two:.1}, {three:.1}, {four:.1} MiB (the last may be {:.1})",
                most(one)
            )
        },
    );
    let rows = [
        (
            "`GET /api/auth/me`, answered 200".to_owned(),
            load(&found.reads),
        ),
        (
            "webhooks sent to the steady replica, answered 204".to_owned(),
            load(&found.messages),
        ),
        (
            "Clerk's webhooks, attempts answered 2xx".to_owned(),
            load(&found.webhooks),
        ),
        (
            "changes made at Clerk".to_owned(),
            found.changes.to_string(),
        ),
        ("webhooks that suffered on purpose".to_owned(), mishaps),
        (
            "the mortal replica killed".to_owned(),
            outage(found, Outage::Service),
        ),
        (
            "PostgreSQL killed".to_owned(),
            outage(found, Outage::DatabaseKilled),
        ),
        (
            "PostgreSQL stopped".to_owned(),
            outage(found, Outage::DatabaseStopped),
        ),
        (
            "requests that failed in these outages: no answer, or 503".to_owned(),
            planned.len().to_string(),
        ),
        (
            "**requests that failed at any other time, or with another status**".to_owned(),
            format!("**{}**", unplanned.len()),
        ),
        (
            "messages answered 2xx".to_owned(),
            found.acknowledged().to_string(),
        ),
        (
            "**of these not in the ledger**".to_owned(),
            format!("**{}**", found.lost.len()),
        ),
        ("lines of the ledger".to_owned(), outcomes),
        (
            "users, organizations, memberships at the end".to_owned(),
            format!("{users}, {organizations}, {memberships}"),
        ),
        (
            "rows out of step at the end, by what was never sent".to_owned(),
            drift.found.to_string(),
        ),
        ("rows repaired".to_owned(), drift.repaired.to_string()),
        (
            "**rows out of step after that, by the sweep; by comparing all**".to_owned(),
            format!("**{}; {}**", drift.left, drift.differing),
        ),
        (
            "resident, the steady replica, mean of each quarter".to_owned(),
            memory,
        ),
        (
            "resident at most, the steady and the mortal replica".to_owned(),
            format!("{steady:.1} and {mortal:.1} MiB"),
        ),
    ];
    let table: String = rows
        .iter()
        .map(|(name, value)| format!("| {name} | {value} |\n"))
        .collect();
    let verdict = if broken(found).is_empty() {
        "Every promise held."
    } else {
        "Not every promise held."
    };
    format!(
        "# Soak\n\n\
         Written by `cargo xtask soak --minutes {minutes}` on {date}: {cores} processor cores that the load, both replicas, PostgreSQL (fsync\n\
         on) and the offline Clerk share. Two replicas on one PostgreSQL; one is killed now and then and takes Clerk's webhooks, the\n\
         other lives from beginning to end. Asked for a second: {reads} reads, {changes} changes at Clerk, {messages} webhooks besides. Of a\n\
         hundred webhooks, 5 come twice, 5 out of order, 10 late, 2 never, 2 with a wrong signature first, 2 again because their\n\
         answer was lost; of a hundred answers of the Backend API, 2 are 429 and 2 are 5xx.\n\n\
         {verdict}\n\n| | |\n|---|---|\n{table}",
        minutes = soak.minutes,
        date = Utc::now().format("%Y-%m-%d"),
        cores = std::thread::available_parallelism().map_or(0, usize::from),
        reads = soak.reads,
        changes = soak.changes,
        messages = soak.messages,
    )
}

fn load(load: &Load) -> String {
    format!(
        "{}; median {:.1} ms, 99 of 100 within {:.1} ms",
        load.times.len(),
        load.quantile(50).as_secs_f64() * 1e3,
        load.quantile(99).as_secs_f64() * 1e3
    )
}

fn outage(found: &Found, outage: Outage) -> String {
    format!(
        "{} times, ready again within {:.1} s of it",
        found.outages.count(outage),
        found.outages.longest(outage) as f64 / 1e3
    )
}

fn listed<N: std::fmt::Display>(counts: impl Iterator<Item = (impl AsRef<str>, N)>) -> String {
    let parts: Vec<String> = counts
        .map(|(name, count)| format!("{} {count}", name.as_ref()))
        .collect();
    parts.join(", ")
}
