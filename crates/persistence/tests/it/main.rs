//! What the ports promise, on both databases.
//!
//! Each case is a function of a store of its own. It speaks through the ports alone and looks at the tables with plain
//! SQL, as the people do who query them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod activity;
mod audit;
mod batching;
mod callers;
mod cancellation;
mod concurrency;
mod convergence;
mod corrections;
mod decisions;
mod documented;
mod erasure;
mod external_ids;
mod facts;
mod feed;
mod foreseen;
mod forgotten;
mod history;
mod housekeeping;
mod invites;
mod kinds;
mod ledger;
mod migrations;
mod model;
mod moving;
mod object_facts;
mod outages;
mod overview;
mod patience;
mod provisioning;
mod refusals;
mod relinks;
mod replays;
mod resyncs;
mod roles;
mod secrets;
mod session_facts;
mod store;
mod stored_deliveries;
mod tables;
mod tickets;
mod tiers;
mod tls;
mod told;
mod two_roles;
mod usage;
mod user_facts;
mod workspace;
mod written_back;
