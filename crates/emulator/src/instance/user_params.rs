//! The parameters of a user: what the Backend API's members change.

use serde_json::{Map, Value};

use crate::params::{Params, invalid};
use crate::password::PasswordDigest;
use crate::refusal::Refusal;
use crate::state::State;
use crate::user::{
    EmailAddress, Identifier, PhoneNumber, StoredUser, User, Verification, is_email_address,
};

/// The shortest password, in characters.
pub(super) const PASSWORD_LENGTH: usize = 8;

/// The parameters that creating and changing have in common.
pub(super) fn apply(stored: &mut StoredUser, params: &Params) -> Result<(), Refusal> {
    let user = &mut stored.user;
    let texts = [
        ("external_id", &mut user.external_id),
        ("first_name", &mut user.first_name),
        ("last_name", &mut user.last_name),
        ("locale", &mut user.locale),
        ("username", &mut user.username),
    ];
    for (name, held) in texts {
        if let Some(given) = params.text(name)? {
            *held = given;
        }
    }
    if let Some(primary) = params.text("primary_email_address_id")?.flatten() {
        if !user
            .email_addresses
            .iter()
            .any(|address| address.id == primary)
        {
            return Err(Refusal::NotFound {
                kind: "email_address",
                id: primary,
            });
        }
        user.primary_email_address_id = Some(primary);
    }
    if let Some(primary) = params.text("primary_phone_number_id")?.flatten() {
        if !user.phone_numbers.iter().any(|number| number.id == primary) {
            return Err(Refusal::NotFound {
                kind: "phone_number",
                id: primary,
            });
        }
        user.primary_phone_number_id = Some(primary);
    }
    for (name, held) in metadata(user) {
        if let Some(given) = params.object(name)? {
            *held = given;
        }
    }
    user.delete_self_enabled = params
        .flag("delete_self_enabled")?
        .unwrap_or(user.delete_self_enabled);
    user.create_organization_enabled = params
        .flag("create_organization_enabled")?
        .unwrap_or(user.create_organization_enabled);
    user.create_organizations_limit = params
        .integer("create_organizations_limit")?
        .or(user.create_organizations_limit);
    user.legal_accepted_at = params.time("legal_accepted_at")?.or(user.legal_accepted_at);
    user.created_at = params.time("created_at")?.unwrap_or(user.created_at);
    if let Some(password) = params.text("password")?.flatten() {
        let unchecked = params.flag("skip_password_checks")?.unwrap_or(false);
        if !unchecked && password.chars().count() < PASSWORD_LENGTH {
            return Err(Refusal::PasswordTooShort);
        }
        stored.password = Some(PasswordDigest::of(&password));
        user.password_enabled = true;
    }
    Ok(())
}

/// The addresses and numbers of a new user; the first of each becomes primary.
pub(super) fn add_identifications(
    state: &mut State,
    user: &mut User,
    params: &Params,
    now: i64,
) -> Result<(), Refusal> {
    let email_status = params.texts("email_address_identification_status")?;
    for (place, address) in params.texts("email_address")?.iter().enumerate() {
        let reserved = email_status
            .get(place)
            .is_some_and(|status| status == "reserved");
        user.email_addresses
            .push(email_address(state, address, reserved, now)?);
    }
    let phone_status = params.texts("phone_number_identification_status")?;
    for (place, number) in params.texts("phone_number")?.into_iter().enumerate() {
        let reserved = phone_status
            .get(place)
            .is_some_and(|status| status == "reserved");
        user.phone_numbers.push(PhoneNumber {
            id: state.issue_id("idn_"),
            object: "phone_number".to_owned(),
            phone_number: number,
            reserved_for_second_factor: false,
            default_second_factor: false,
            reserved,
            verification: (!reserved).then(Verification::by_admin),
            linked_to: Vec::new(),
            backup_codes: None,
            created_at: now,
            updated_at: now,
        });
    }
    user.primary_email_address_id = user
        .email_addresses
        .first()
        .map(|address| address.id.clone());
    user.primary_phone_number_id = user.phone_numbers.first().map(|number| number.id.clone());
    Ok(())
}

pub(super) fn email_address(
    state: &mut State,
    address: &str,
    reserved: bool,
    now: i64,
) -> Result<EmailAddress, Refusal> {
    if !is_email_address(address) {
        return Err(invalid("email_address", "a valid e-mail address"));
    }
    if state.is_taken(&Identifier::email(address)) {
        return Err(Refusal::IdentifierTaken {
            param: "email_address",
        });
    }
    Ok(EmailAddress {
        id: state.issue_id("idn_"),
        object: "email_address".to_owned(),
        email_address: address.to_owned(),
        reserved,
        verification: (!reserved).then(Verification::by_admin),
        linked_to: Vec::new(),
        matches_sso_connection: false,
        created_at: now,
        updated_at: now,
    })
}

pub(super) fn metadata(user: &mut User) -> [(&'static str, &mut Map<String, Value>); 3] {
    [
        ("public_metadata", &mut user.public_metadata),
        ("private_metadata", &mut user.private_metadata),
        ("unsafe_metadata", &mut user.unsafe_metadata),
    ]
}

/// Deep merge; null removes.
pub(super) fn merge(held: &mut Map<String, Value>, given: Map<String, Value>) {
    for (name, value) in given {
        match (held.get_mut(&name), value) {
            (_, Value::Null) => drop(held.remove(&name)),
            (Some(Value::Object(inner)), Value::Object(given)) => merge(inner, given),
            (_, Value::Object(given)) => {
                let mut inner = Map::new();
                merge(&mut inner, given);
                held.insert(name, inner.into());
            }
            (_, value) => drop(held.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merging_goes_deep_and_null_removes() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let mut held = object(json!({"a": {"x": 1, "y": 2}, "b": [1], "c": 3}));
        merge(
            &mut held,
            object(json!({"a": {"y": null, "z": {"q": null}}, "b": [2], "c": null})),
        );
        assert_eq!(
            Value::Object(held),
            json!({"a": {"x": 1, "z": {}}, "b": [2]})
        );
    }
}
