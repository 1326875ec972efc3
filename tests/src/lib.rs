//! Turns a test's few lines into a running service with an offline Clerk beside it, and into real HTTP between them.
//!
//! [`World`] is that service: the real server on a free port, the emulator as Clerk on another, a database of its own.
//! Whoever calls is the receiver of the call: `world.anonymous().get(…)`, `world.caller("ann").await.get(…)`,
//! `world.deliver(sample("user.created")).await`. What comes back is an [`Answer`], which checks by itself what holds
//! of every answer. The harness never looks into tables where a port or a route can tell, and knows no rule that it
//! could repeat: expectations stand in the tests.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests' own code: what goes wrong here is said by a panic"
)]

mod answer;
mod browser;
mod cases;
mod database;
mod event;
mod likeness;
mod message;
mod patience;
mod proxy;
mod settings;
mod visitor;
mod wire;
mod world;

pub use answer::Answer;
pub use browser::Browser;
pub use database::{Tables, migrated_postgres, twin};
pub use event::{Event, fixture, fixture_types, sample};
pub use likeness::{Likeness, at_clerk, mirrored};
pub use message::{Message, new_message_id};
pub use patience::{PATIENCE, eventually, within};
pub use proxy::Proxy;
pub use settings::{PARTY, settings};
pub use testdb::TestDatabase;
pub use visitor::Visitor;
pub use wire::Wire;
pub use world::World;

/// Where Clerk's webhooks go.
pub const WEBHOOKS: &str = "/api/webhooks/clerk";
/// The route that every signed-in user may ask.
pub const ME: &str = "/api/auth/me";
