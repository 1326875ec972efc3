//! The person in the lines that `dev` prints.

use emulator::{Emulator, TokenRequest};
use serde_json::json;

use crate::command::Failure;

pub(super) const DEMO_EMAIL: &str = "ada@example.com";
/// A pasted line should still work tomorrow morning.
const DEMO_TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// The person in the printed lines.
pub(super) struct Demo {
    pub(super) user_id: String,
    pub(super) session_id: String,
    pub(super) token: String,
}

/// The demo user of the last run, or a new one.
pub(super) fn demo(emulator: &Emulator, origin: &str) -> Result<Demo, Failure> {
    let is_demo = |user: &emulator::User| {
        user.email_addresses
            .iter()
            .any(|email| email.email_address == DEMO_EMAIL)
    };
    let kept: Vec<emulator::User> =
        emulator.with_users(|users| users.filter(|user| is_demo(user)).cloned().collect());
    let user = match kept.into_iter().next() {
        Some(user) => user,
        None => emulator.create_user(
            json!({"email_address": [DEMO_EMAIL], "first_name": "Ada", "last_name": "Lovelace"}),
            &emulator::Caller::default(),
        )?,
    };
    let alive =
        emulator.sessions(|session| session.user_id == user.id && session.status.is_alive());
    let session = match alive.into_iter().next() {
        Some(session) => session,
        None => emulator.new_session(&user.id)?,
    };
    let token = emulator.mint(
        TokenRequest {
            user_id: Some(user.id.clone()),
            ..TokenRequest::for_session(&session.id)
        }
        .authorized_party(origin)
        .expires_in(DEMO_TOKEN_SECONDS),
    )?;
    Ok(Demo {
        user_id: user.id,
        session_id: session.id,
        token,
    })
}
