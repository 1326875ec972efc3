//! What a page says of a person who signs up, and the user that becomes of it.

use serde_json::{Map, Value};

use super::browsers::day_of;
use super::user_params::{PASSWORD_LENGTH, email_address};
use crate::client::SignUp;
use crate::denial::Denial;
use crate::params::invalid;
use crate::password::PasswordDigest;
use crate::refusal::Refusal;
use crate::state::State;
use crate::user::{Identifier, StoredUser, User, Verification, is_email_address};

/// The longest password, in bytes.
const PASSWORD_LIMIT: usize = 72;

/// What a page says of the person; members that it leaves out stay as they are.
#[derive(Debug, Default)]
pub(crate) struct SignUpParams {
    pub(crate) email_address: Option<Option<String>>,
    pub(crate) username: Option<Option<String>>,
    pub(crate) first_name: Option<Option<String>>,
    pub(crate) last_name: Option<Option<String>>,
    pub(crate) locale: Option<Option<String>>,
    pub(crate) timezone: Option<Option<String>>,
    pub(crate) password: Option<String>,
    pub(crate) unsafe_metadata: Option<Map<String, Value>>,
    pub(crate) legal_accepted: bool,
    /// The ticket of an invitation to sign up or to an organization: its id.
    pub(crate) ticket: Option<String>,
}

/// The stretched password, made before the state is locked because it takes its time.
pub(super) fn digest(password: Option<&str>) -> Result<Option<PasswordDigest>, Refusal> {
    match password {
        Some(password) if password.chars().count() < PASSWORD_LENGTH => {
            Err(Refusal::PasswordTooShort)
        }
        // Clerk's own limit, which the environment states to the forms.
        Some(password) if password.len() > PASSWORD_LIMIT => {
            Err(invalid("password", "at most 72 bytes"))
        }
        password => Ok(password.map(PasswordDigest::of)),
    }
}

pub(super) fn take(
    state: &State,
    sign_up: &mut SignUp,
    params: SignUpParams,
    digest: Option<PasswordDigest>,
    now: i64,
) -> Result<(), Denial> {
    let SignUpParams {
        email_address,
        username,
        first_name,
        last_name,
        locale,
        timezone,
        password: _,
        unsafe_metadata,
        legal_accepted,
        ticket: _,
    } = params;
    let texts = [
        (first_name, &mut sign_up.first_name),
        (last_name, &mut sign_up.last_name),
        (locale, &mut sign_up.locale),
        (timezone, &mut sign_up.timezone),
    ];
    for (given, held) in texts {
        if let Some(given) = given {
            *held = given;
        }
    }
    if let Some(username) = username {
        if let Some(name) = &username
            && state.is_taken(&Identifier::new("username", name))
        {
            return Err(Refusal::IdentifierTaken { param: "username" }.into());
        }
        sign_up.username = username;
    }
    if let Some(address) = email_address
        && address != sign_up.email_address
        && sign_up.invitation_id.is_none()
    {
        if let Some(address) = &address {
            check_address(state, address)?;
        }
        sign_up.email_address = address;
        sign_up.email_code = None;
    }
    sign_up.unsafe_metadata =
        unsafe_metadata.unwrap_or(std::mem::take(&mut sign_up.unsafe_metadata));
    sign_up.password = digest.or(sign_up.password.take());
    sign_up.legal_accepted_at = sign_up.legal_accepted_at.or(legal_accepted.then_some(now));
    Ok(())
}

fn check_address(state: &State, address: &str) -> Result<(), Refusal> {
    if !is_email_address(address) {
        return Err(invalid("email_address", "a valid e-mail address"));
    }
    if state.is_taken(&Identifier::email(address)) {
        let param = "email_address";
        return Err(Refusal::IdentifierTaken { param });
    }
    Ok(())
}

pub(super) fn new_user(
    state: &mut State,
    sign_up: &SignUp,
    now: i64,
) -> Result<StoredUser, Refusal> {
    let mut user = User::new(state.issue_id("user_"), now);
    user.username.clone_from(&sign_up.username);
    user.first_name.clone_from(&sign_up.first_name);
    user.last_name.clone_from(&sign_up.last_name);
    user.locale.clone_from(&sign_up.locale);
    user.unsafe_metadata.clone_from(&sign_up.unsafe_metadata);
    if let Some(id) = &sign_up.invitation_id
        && let Ok(invitation) = super::sign_up_invitations::pending(state, id)
    {
        user.public_metadata = invitation.public_metadata;
    }
    user.legal_accepted_at = sign_up.legal_accepted_at;
    user.password_enabled = sign_up.password.is_some();
    user.last_sign_in_at = Some(now);
    user.last_active_at = Some(day_of(now));
    if let Some(address) = &sign_up.email_address {
        let mut email = email_address(state, address, false, now)?;
        email.verification = Some(match &sign_up.email_code {
            Some(code) if code.verified && code.strategy == "ticket" => Verification::by_ticket(),
            Some(code) if code.verified => Verification::by_code(i64::from(code.wrong) + 1),
            _ => Verification::awaited(),
        });
        if let Some(external) = &sign_up.external {
            super::social::link(state, &mut user, &mut email, external, now);
        }
        user.primary_email_address_id = Some(email.id.clone());
        user.email_addresses.push(email);
    }
    Ok(StoredUser {
        user,
        password: sign_up.password.clone(),
    })
}
