//! An offline Clerk: keys, tokens, Backend API and signed webhooks.
//!
//! Translates from HTTP requests, as Clerk's own clients send them, to changes of a small state in memory, and from
//! those changes to webhook deliveries signed as Svix signs them. It stands alone: it imports no crate of this
//! workspace, so it can serve any project in any language, and it will never know what the receiver of its webhooks
//! does with them. It never talks to Clerk either, and is not affiliated with Clerk.
//!
//! Where to look: [`Emulator`] starts and stops it, [`Instance`] is the state with every operation, `backend` speaks
//! Clerk's Backend API over it, `frontend` the Frontend API that browsers use, `control` the emulator's own `/__emu/` API, `assistant` an OpenAI-compatible one, `webhook` signs and delivers,
//! [`Chaos`] makes both go wrong on purpose.

mod assistant;
mod backend;
mod billing;
mod body;
mod browsers;
mod chaos;
mod client;
mod client_settings;
mod collection;
mod config;
mod control;
mod denial;
mod domain;
mod emulator;
mod faults;
mod frontend;
mod guard;
mod ids;
mod instance;
mod key;
mod keys_route;
mod organization;
mod page;
mod params;
mod password;
mod refusal;
mod registry;
mod role;
mod roster;
mod router;
mod samples;
mod session;
mod state;
mod state_file;
mod template;
mod timeline;
mod token;
mod user;
mod webhook;

pub use billing::Payer;
pub use chaos::{AssistantFaults, Chaos, Mishap};
pub use client_settings::{Client, Reached, SettingsFormat, UnknownClient};
pub use config::{EmulatorConfig, EmulatorError};
pub use emulator::{Emulator, publishable_key};
pub use instance::{BillingStep, Caller, FrontendSettings, Instance, Seed, Seeded, Terms};
pub use key::SigningKey;
pub use organization::Organization;
pub use refusal::Refusal;
pub use samples::{EVENT_TYPES, sample_event, sample_event_at};
pub use session::{Session, SessionStatus};
pub use state_file::replace as replace_file;
pub use token::{TokenKey, TokenRequest};
pub use user::{EmailAddress, PhoneNumber, User, Verification};
pub use webhook::{
    Attempt, Delivery, DeliveryStatus, SignError, generate_secret as generate_webhook_secret, sign,
};

/// Where the emulator listens unless told otherwise.
pub const DEFAULT_BIND: &str = "127.0.0.1:4100";
/// The secret key to give to clients. Any key that begins with `sk_test_` is accepted.
pub const SECRET_KEY: &str = "sk_test_emulator";
/// The host that the publishable key encodes. Nothing resolves it.
pub const FRONTEND_API_HOST: &str = "emu-local-42.clerk.accounts.dev";
/// The `iss` of every token: `https://` and [`FRONTEND_API_HOST`].
pub const ISSUER: &str = "https://emu-local-42.clerk.accounts.dev";
/// The `kid` of the signing key and the `instance_id` of every webhook, chosen so that a service can refuse both
/// outside development.
pub const INSTANCE_ID: &str = "ins_emulator";
