//! How pages are shown what the emulator keeps: Clerk's shapes, complete, nulls included. Nothing private is in them.

use serde_json::{Value, json};

use crate::client::{Awaited, Client, External, SignIn, SignUp};
use crate::instance::Instance;
use crate::instance::browsers::{Browser, client_of, live_sessions};
use crate::instance::memberships;
use crate::session::Session;
use crate::state::State;
use crate::user::User;

/// Strategies that an e-mail address is proven by.
const CODE_STRATEGIES: [&str; 1] = ["email_code"];

/// The browser's client with its sessions, a new token in each, or null when it has none.
pub(super) fn client(instance: &Instance, browser: &Browser, party: Option<&str>) -> Value {
    let drawn = instance.read(|state| {
        let client = client_of(state, browser)?;
        let sessions: Vec<Session> = live_sessions(state, client).cloned().collect();
        Some((client.clone(), sessions))
    });
    let Some((client, sessions)) = drawn else {
        return Value::Null;
    };
    let Client {
        id,
        secret: _,
        session_ids: _,
        last_active_session_id,
        last_authentication_strategy,
        sign_up,
        sign_in,
        created_at,
        updated_at,
    } = client;
    let last = last_active_session_id.filter(|id| sessions.iter().any(|it| it.id == *id));
    let last = last.or_else(|| sessions.last().map(|it| it.id.clone()));
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|session| self::session(instance, session, party))
        .collect();
    // One that is complete is found by its id only.
    let sign_up = sign_up.filter(|it| it.created_user_id.is_none());
    let sign_in = sign_in.filter(|it| it.created_session_id.is_none());
    json!({
        "object": "client",
        "id": id,
        "sessions": sessions,
        "sign_in": sign_in.map(|it| self::sign_in(instance, &it)),
        "sign_up": sign_up.map(|it| self::sign_up(instance, &it)),
        "last_active_session_id": last,
        "last_authentication_strategy": last_authentication_strategy,
        "cookie_expires_at": null,
        // Keeps the script of a bot check, which comes from elsewhere, away.
        "captcha_bypass": true,
        "created_at": created_at,
        "updated_at": updated_at,
    })
}

/// A session with its user and a new token. One that is over has no token.
pub(super) fn session(instance: &Instance, session: &Session, party: Option<&str>) -> Value {
    let token = instance.token_of(session, None, party, None).ok();
    instance.read(|state| {
        let user = state.users.get(&session.user_id).map(|it| &it.user);
        json!({
            "object": "session",
            "id": session.id,
            "status": session.status,
            "expire_at": session.expire_at,
            "abandon_at": session.abandon_at,
            "last_active_at": session.last_active_at,
            "last_active_organization_id": session.last_active_organization_id,
            "actor": session.actor,
            "tasks": session.tasks,
            "user": user.map(|user| self::user(state, user)),
            "public_user_data": user.map(User::public_data),
            "factor_verification_age": [crate::instance::age_ms(session).max(0) / 60_000, -1],
            "last_active_token": token.map(|jwt| json!({ "object": "token", "jwt": jwt })),
            "created_at": session.created_at,
            "updated_at": session.updated_at,
        })
    })
}

/// One line of the list of a user's devices.
pub(super) fn device(session: &Session) -> Value {
    let mut shown = json!(session);
    if let Some(members) = shown.as_object_mut() {
        members.insert("user".to_owned(), Value::Null);
    }
    shown
}

/// The user as pages see him: without private metadata, with his organizations.
pub(super) fn user(state: &State, user: &User) -> Value {
    let mut shown = json!(user);
    let joined = state.roster.joined_by(&user.id);
    let memberships: Vec<Value> = joined
        .map(|it| public(memberships::shown(state, it)))
        .collect();
    if let Some(members) = shown.as_object_mut() {
        members.remove("private_metadata");
        members.insert("organization_memberships".to_owned(), memberships.into());
        members.insert("profile_image_id".to_owned(), "".into());
        members.insert("timezone".to_owned(), Value::Null);
    }
    shown
}

/// Takes private metadata out of an organization, a membership or an invitation.
pub(super) fn public(mut shown: Value) -> Value {
    if let Some(members) = shown.as_object_mut() {
        members.remove("private_metadata");
        if let Some(organization) = members.get_mut("organization") {
            *organization = public(organization.take());
        }
    }
    shown
}

pub(super) fn sign_up(instance: &Instance, sign_up: &SignUp) -> Value {
    let settings = instance.frontend_settings();
    let mut required = vec!["email_address"];
    let mut optional = Vec::new();
    if settings.password {
        let place = if settings.password_required {
            &mut required
        } else {
            &mut optional
        };
        place.push("password");
    }
    if settings.username {
        required.push("username");
    }
    if settings.names {
        optional.extend(["first_name", "last_name"]);
    }
    let (missing, unverified) = match sign_up.created_user_id {
        Some(_) => (Vec::new(), Vec::new()),
        None => (sign_up.missing(instance), sign_up.unverified(instance)),
    };
    let status = match sign_up.created_user_id {
        Some(_) => "complete",
        None => "missing_requirements",
    };
    let email = instance.read(|state| {
        let now = state.last_ms();
        sign_up.email_address.as_ref()?;
        Some(email_verification(sign_up.email_code.as_ref(), now))
    });
    json!({
        "object": "sign_up",
        "id": sign_up.id,
        "status": status,
        "required_fields": required,
        "optional_fields": optional,
        "missing_fields": missing,
        "unverified_fields": unverified,
        "email_address": sign_up.email_address,
        "phone_number": null,
        "web3_wallet": null,
        "username": sign_up.username,
        "first_name": sign_up.first_name,
        "last_name": sign_up.last_name,
        "locale": sign_up.locale,
        "timezone": sign_up.timezone,
        "has_password": sign_up.password.is_some(),
        "unsafe_metadata": sign_up.unsafe_metadata,
        "legal_accepted_at": sign_up.legal_accepted_at,
        "external_account": null,
        "external_account_strategy": sign_up.external.as_ref().map(|it| &it.strategy),
        "custom_action": false,
        "created_session_id": sign_up.created_session_id,
        "created_user_id": sign_up.created_user_id,
        "abandon_at": sign_up.abandon_at,
        "verifications": {
            "email_address": email,
            "phone_number": null,
            "web3_wallet": null,
            "external_account": sign_up.external.as_ref().map(|external| {
                let done = sign_up.created_user_id.is_some();
                visit(instance, external, done, "external_account_exists")
            }),
        },
    })
}

/// A visit to a provider: the page goes where it says, and afterwards finds here what came of it.
fn visit(instance: &Instance, external: &External, done: bool, code: &str) -> Value {
    let (status, error) = match external.person {
        None => ("unverified", Value::Null),
        Some(_) if done => ("verified", Value::Null),
        // It is the other one of signing in and signing up that is to be done.
        Some(_) => {
            let message = "The account is to be transferred.";
            let error = json!({ "code": code, "message": message, "long_message": message });
            ("transferable", error)
        }
    };
    json!({
        "object": "verification_oauth",
        "status": status,
        "strategy": external.strategy,
        "attempts": null,
        "expire_at": external.expire_at,
        "error": error,
        "verified_at_client": null,
        "external_verification_redirect_url":
            format!("{}/oauth?state={}", instance.frontend_api_url(), external.state),
    })
}

/// Before a code is sent there is no strategy: Clerk's form takes one for a sign that it was.
fn email_verification(awaited: Option<&Awaited>, now: i64) -> Value {
    let mut shown = match awaited {
        Some(awaited) => verification(awaited, now),
        None => json!({
            "object": "verification_otp", "status": "unverified", "strategy": "", "attempts": null, "expire_at": null,
            "error": null, "verified_at_client": null,
        }),
    };
    let next = match awaited {
        Some(awaited) if awaited.verified => "",
        Some(_) => "needs_attempt",
        None => "needs_prepare",
    };
    if let Some(members) = shown.as_object_mut() {
        members.insert("next_action".to_owned(), next.into());
        members.insert("supported_strategies".to_owned(), json!(CODE_STRATEGIES));
    }
    shown
}

fn verification(awaited: &Awaited, now: i64) -> Value {
    let object = match awaited.strategy.as_str() {
        "ticket" => "verification_ticket",
        _ => "verification_otp",
    };
    json!({
        "object": object,
        "status": awaited.status(now),
        "strategy": awaited.strategy,
        "attempts": awaited.wrong + u32::from(awaited.verified),
        "expire_at": awaited.expire_at,
        "error": null,
        "verified_at_client": null,
    })
}

pub(super) fn sign_in(instance: &Instance, sign_in: &SignIn) -> Value {
    let settings = instance.frontend_settings();
    let status = match sign_in {
        SignIn {
            created_session_id: Some(_),
            ..
        } => "complete",
        SignIn {
            needs_new_password: true,
            ..
        } => "needs_new_password",
        SignIn { user_id: None, .. } => "needs_identifier",
        _ => "needs_first_factor",
    };
    let mut identifiers = vec!["email_address"];
    if settings.username {
        identifiers.push("username");
    }
    let done = sign_in.created_session_id.is_some();
    let external = sign_in.external.as_ref();
    let external = external.map(|it| visit(instance, it, done, "external_account_not_found"));
    instance.read(|state| {
        let id = sign_in.user_id.as_deref();
        let user = id.and_then(|id| state.users.get(id)).map(|it| &it.user);
        let factors = user.map(|user| first_factors(user, settings.password));
        let now = state.last_ms();
        json!({
            "object": "sign_in",
            "id": sign_in.id,
            "status": status,
            "identifier": sign_in.identifier,
            "supported_identifiers": identifiers,
            "supported_first_factors": factors,
            "supported_second_factors": [],
            "first_factor_verification": external.or_else(|| {
                sign_in.code.as_ref().map(|code| verification(code, now))
            }),
            "second_factor_verification": null,
            "user_data": user.map(|user| json!({
                "first_name": user.first_name, "last_name": user.last_name,
                "image_url": user.image_url, "has_image": user.has_image,
            })),
            "created_session_id": sign_in.created_session_id,
            "client_trust_state": "known",
            "abandon_at": sign_in.abandon_at,
        })
    })
}

/// What the user can sign in with.
fn first_factors(user: &User, passwords: bool) -> Vec<Value> {
    let mut factors = Vec::new();
    if passwords && user.password_enabled {
        factors.push(json!({ "strategy": "password" }));
    }
    let primary = user.primary_email_address_id.as_deref();
    let resets = passwords && user.password_enabled;
    for strategy in ["email_code", "reset_password_email_code"] {
        if strategy == "reset_password_email_code" && !resets {
            continue;
        }
        factors.extend(user.email_addresses.iter().map(|email| {
            json!({
                "strategy": strategy,
                "email_address_id": email.id,
                "safe_identifier": email.email_address,
                "primary": primary == Some(email.id.as_str()),
            })
        }));
    }
    factors
}
