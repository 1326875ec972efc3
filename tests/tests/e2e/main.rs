//! The whole product from outside: HTTP in, rows and answers out, on both databases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests say what they expect; a panic there is how they say it"
)]

mod access_matrix;
mod admin_access;
mod admin_decisions;
mod admin_lists;
mod admin_work;
mod bodies;
mod changes;
mod clients;
mod commands;
mod crash;
mod credentials;
mod deploy;
mod dice;
mod doctor;
mod drift;
mod edges;
mod enrichment;
mod entities;
mod events;
mod example_settings;
mod faults;
mod feed_streams;
mod forward_auth;
mod invites;
mod jobs;
mod legacy;
mod limits;
mod logout;
mod metrics;
mod moving;
mod ordering;
mod outage;
mod overload;
mod own_account;
mod pages;
mod parity;
mod program;
mod provisioning;
mod proxies;
mod reloading;
mod replicas;
mod revocation;
mod roles;
mod security;
mod serving;
mod sign_up;
mod signatures;
mod streams;
mod surface;
mod sweeps;
mod takeover;
mod tokens;
mod traces;
mod workspace;
