//! A realistic event of every type that Clerk documents, for `send` and for `POST /__emu/events`.
//!
//! The shapes follow Clerk's published descriptions; the values are made up here. The samples belong together: one
//! user, one organization, one subscription, so events sent one after another join.

mod billing;
mod messages;
mod organizations;
mod people;

use serde_json::{Map, Value, json};

use crate::state::SEEDED_START_MS;

/// The types that [`sample_event`] knows.
pub const EVENT_TYPES: [&str; 46] = [
    "email.created",
    "organization.created",
    "organization.deleted",
    "organization.updated",
    "organizationDomain.created",
    "organizationDomain.deleted",
    "organizationDomain.updated",
    "organizationInvitation.accepted",
    "organizationInvitation.created",
    "organizationInvitation.revoked",
    "organizationMembership.created",
    "organizationMembership.deleted",
    "organizationMembership.updated",
    "paymentAttempt.created",
    "paymentAttempt.updated",
    "permission.created",
    "permission.deleted",
    "permission.updated",
    "role.created",
    "role.deleted",
    "role.updated",
    "session.created",
    "session.ended",
    "session.pending",
    "session.removed",
    "session.revoked",
    "sms.created",
    "subscription.active",
    "subscription.created",
    "subscription.pastDue",
    "subscription.updated",
    "subscriptionItem.abandoned",
    "subscriptionItem.active",
    "subscriptionItem.canceled",
    "subscriptionItem.created",
    "subscriptionItem.ended",
    "subscriptionItem.freeTrialEnding",
    "subscriptionItem.incomplete",
    "subscriptionItem.pastDue",
    "subscriptionItem.upcoming",
    "subscriptionItem.updated",
    "user.created",
    "user.deleted",
    "user.updated",
    "waitlistEntry.created",
    "waitlistEntry.updated",
];

/// What all sample ids end with.
const TAIL: &str = "0SampleFromOfflineClerk0001";
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// A whole event of this type with fixed times (of January 2026), or `None` for a type that Clerk does not document.
#[must_use]
pub fn sample_event(event_type: &str) -> Option<Value> {
    sample_event_at(event_type, SEEDED_START_MS)
}

/// A whole event of this type that happens at `now`, in milliseconds since 1970.
#[must_use]
pub fn sample_event_at(event_type: &str, now: i64) -> Option<Value> {
    let (kind, verb) = event_type.split_once('.')?;
    if !EVENT_TYPES.contains(&event_type) {
        return None;
    }
    let at = Times {
        created: if verb == "created" {
            now
        } else {
            now - 5 * MINUTE_MS
        },
        updated: now,
    };
    let data = match kind {
        "user" => people::user_event(verb, at),
        "session" => people::session_event(verb, at),
        "organization" => organizations::organization_event(verb, at),
        "organizationMembership" => organizations::membership_event(verb, at),
        "organizationInvitation" => organizations::invitation_event(verb, at),
        "organizationDomain" => organizations::domain_event(verb, at),
        "role" => organizations::role_event(verb, at),
        "permission" => organizations::permission_event(verb, at),
        "subscription" => billing::subscription_event(verb, at),
        "subscriptionItem" => billing::item_event(verb, at),
        "paymentAttempt" => billing::payment_event(verb, at),
        "email" => messages::email(),
        "sms" => messages::sms(at),
        "waitlistEntry" => messages::waitlist_event(verb, at),
        _ => return None,
    };
    let http_request = json!({
        "client_ip": "203.0.113.9",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    });
    Some(envelope(event_type, now + 20, http_request, data))
}

/// The envelope around `data`, at `at` in milliseconds.
pub(crate) fn envelope(event_type: &str, at: i64, http_request: Value, data: Value) -> Value {
    json!({
        "data": data,
        "event_attributes": { "http_request": http_request },
        "instance_id": crate::INSTANCE_ID,
        "object": "event",
        "timestamp": at,
        "type": event_type,
    })
}

/// When a sample's object was made and last changed.
#[derive(Clone, Copy)]
struct Times {
    created: i64,
    updated: i64,
}

fn id(prefix: &str) -> String {
    format!("{prefix}{TAIL}")
}

fn deleted(object: &str, prefix: &str) -> Value {
    json!({ "object": object, "id": id(prefix), "deleted": true })
}

/// `value` with the members of `more`, which win.
fn with(value: Value, more: Value) -> Value {
    let mut members: Map<String, Value> = Map::new();
    for part in [value, more] {
        if let Value::Object(part) = part {
            members.extend(part);
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The object that `data` names, by event kind.
    fn object(kind: &str) -> &str {
        match kind {
            "organizationDomain" => "organization_domain",
            "organizationInvitation" => "organization_invitation",
            "organizationMembership" => "organization_membership",
            "paymentAttempt" => "commerce_payment_attempt",
            "sms" => "sms_message",
            "subscription" => "commerce_subscription",
            "subscriptionItem" => "commerce_subscription_item",
            "waitlistEntry" => "waitlist_entry",
            other => other,
        }
    }

    #[test]
    fn every_type_has_a_sample_with_type_object_and_id() {
        for event_type in EVENT_TYPES {
            let event = sample_event_at(event_type, 1_800_000_000_000)
                .unwrap_or_else(|| panic!("{event_type}"));
            assert_eq!(event["type"], event_type);
            assert_eq!(event["object"], "event");
            assert_eq!(event["instance_id"], "ins_emulator");
            assert_eq!(
                event["timestamp"], 1_800_000_000_020_i64,
                "{event_type}: milliseconds"
            );
            let data = &event["data"];
            assert_eq!(
                data["object"],
                object(event_type.split('.').next().unwrap()),
                "{event_type}"
            );
            assert!(
                data["id"].as_str().is_some_and(|id| id.ends_with(TAIL)),
                "{event_type}: {}",
                data["id"]
            );
            if let Some(updated) = data.get("updated_at").and_then(Value::as_i64) {
                assert!(
                    updated >= data["created_at"].as_i64().unwrap(),
                    "{event_type}"
                );
            }
        }
        assert_eq!(sample_event("user.exploded"), None);
        assert_eq!(sample_event("user"), None);
    }

    #[test]
    fn only_deletion_objects_say_so() {
        for event_type in EVENT_TYPES {
            let event = sample_event(event_type).unwrap();
            // A deleted membership comes as the whole object.
            let expected =
                event_type.ends_with(".deleted") && event_type != "organizationMembership.deleted";
            assert_eq!(
                event["data"].get("deleted").is_some(),
                expected,
                "{event_type}"
            );
        }
    }

    #[test]
    fn the_samples_join() {
        let user = sample_event("user.created").unwrap();
        let session = sample_event("session.created").unwrap();
        let membership = sample_event("organizationMembership.created").unwrap();
        let organization = sample_event("organization.created").unwrap();
        let subscription = sample_event("subscription.created").unwrap();
        assert_eq!(session["data"]["user_id"], user["data"]["id"]);
        assert_eq!(session["data"]["user"]["id"], user["data"]["id"]);
        assert_eq!(
            membership["data"]["public_user_data"]["user_id"],
            user["data"]["id"]
        );
        assert_eq!(
            membership["data"]["organization"]["id"],
            organization["data"]["id"]
        );
        assert_eq!(subscription["data"]["payer"]["user_id"], user["data"]["id"]);
        assert_eq!(
            user["data"]["primary_email_address_id"],
            user["data"]["email_addresses"][0]["id"]
        );
    }

    #[test]
    fn billing_statuses_follow_the_event() {
        let status = |event_type| sample_event(event_type).unwrap()["data"]["status"].clone();
        assert_eq!(status("subscription.pastDue"), "past_due");
        assert_eq!(status("subscriptionItem.canceled"), "canceled");
        assert_eq!(status("subscriptionItem.freeTrialEnding"), "active");
        assert_eq!(status("session.pending"), "pending");
        assert_eq!(status("paymentAttempt.updated"), "paid");
    }
}
