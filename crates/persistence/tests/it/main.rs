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

mod callers;
mod cancellation;
mod concurrency;
mod convergence;
mod facts;
mod history;
mod kinds;
mod ledger;
mod migrations;
mod model;
mod object_facts;
mod outages;
mod patience;
mod provisioning;
mod refusals;
mod secrets;
mod session_facts;
mod store;
mod tables;
mod tls;
mod two_roles;
mod user_facts;
