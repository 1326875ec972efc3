//! What is kept nowhere, or not for everybody to see.

use domain::ObjectKind;
use serde_json::{Map, Value};

/// Objects of the team's own: what they hold under these names means nothing to us.
const METADATA: &[&str] = &["public_metadata", "private_metadata", "unsafe_metadata"];

/// Takes out what would let a reader be somebody else, and says whether there was any: the `url` of an invitation,
/// which holds the ticket to accept it, and the `backup_codes` of a phone number, which sign its owner in. `kind` is
/// what `value` is, where that is known; objects within it are known by their own word or their name.
pub fn take_credentials(value: &mut Value, kind: Option<ObjectKind>) -> bool {
    let is_invitation = matches!(
        kind,
        Some(ObjectKind::Invitation | ObjectKind::OrganizationInvitation)
    );
    take(value, is_invitation)
}

/// Takes out the metadata that is for the team's own backend alone, at any depth.
pub(crate) fn take_private_metadata(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("private_metadata");
            for (_, value) in outside_metadata(map) {
                take_private_metadata(value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(take_private_metadata),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn take(value: &mut Value, is_invitation: bool) -> bool {
    match value {
        Value::Object(map) => {
            let mut taken = remove(map, "backup_codes");
            if is_invitation || says_invitation(map) {
                taken |= remove(map, "url");
            }
            for (key, value) in outside_metadata(map) {
                taken |= take(value, key == "invitation");
            }
            taken
        }
        Value::Array(list) => list
            .iter_mut()
            .fold(false, |taken, value| take(value, is_invitation) | taken),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Takes a field out unless it is `null`, as Clerk writes it where there is nothing to tell.
fn remove(map: &mut Map<String, Value>, key: &str) -> bool {
    map.get(key).is_some_and(|value| !value.is_null()) && map.remove(key).is_some()
}

fn says_invitation(map: &Map<String, Value>) -> bool {
    map.get("object")
        .and_then(Value::as_str)
        .is_some_and(|object| object.ends_with("invitation"))
}

fn outside_metadata(map: &mut Map<String, Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    map.iter_mut()
        .filter(|(key, _)| !METADATA.contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tickets_and_backup_codes_are_taken_at_any_depth() {
        let mut event = json!({"data": {
            "object": "waitlist_entry", "url": "kept",
            "invitation": {"id": "inv_1", "url": "https://example.com/?ticket=1"},
            "user": {"phone_numbers": [{"id": "idn_1", "backup_codes": ["1"]}]},
            "list": [{"object": "organization_invitation", "url": null}],
        }});
        assert!(take_credentials(&mut event, None));
        assert_eq!(
            event,
            json!({"data": {
                "object": "waitlist_entry", "url": "kept",
                "invitation": {"id": "inv_1"},
                "user": {"phone_numbers": [{"id": "idn_1"}]},
                "list": [{"object": "organization_invitation", "url": null}],
            }})
        );
        assert!(!take_credentials(&mut event, None));
    }

    #[test]
    fn an_invitation_is_known_by_its_kind_too() {
        for kind in [ObjectKind::Invitation, ObjectKind::OrganizationInvitation] {
            let mut data = json!({"id": "inv_1", "url": "https://example.com/?ticket=1"});
            assert!(take_credentials(&mut data, Some(kind)));
            assert_eq!(data, json!({"id": "inv_1"}));
        }
        let mut other = json!({"id": "x_1", "url": "https://example.com"});
        assert!(!take_credentials(&mut other, Some(ObjectKind::Role)));
    }

    #[test]
    fn the_teams_own_metadata_stays_as_it_is() {
        let whole = json!({"public_metadata": {"backup_codes": 1, "private_metadata": 2, "invitation": {"url": 3}}});
        let mut value = whole.clone();
        assert!(!take_credentials(&mut value, Some(ObjectKind::Invitation)));
        take_private_metadata(&mut value);
        assert_eq!(value, whole);
    }

    #[test]
    fn private_metadata_is_taken_at_any_depth() {
        let mut value =
            json!({"private_metadata": {"a": 1}, "list": [{"private_metadata": null, "id": 1}]});
        take_private_metadata(&mut value);
        assert_eq!(value, json!({"list": [{"id": 1}]}));
    }
}
