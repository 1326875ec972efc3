//! Keeps out what would let a reader of the ledger be somebody else: the words of e-mails and text messages, which hold
//! one-time codes, the tickets in the links of invitations, and backup codes.
//!
//! The fact that a message was sent is worth keeping, its words never are, and an event that is quarantined or ignored
//! is stored too. So a message's body is replaced before anything reads it, by a copy that holds the fields named here
//! and nothing else. Of every other event only those links and codes are taken out: no row is made of them, so a replay
//! loses nothing, and a ticket may be good for as long as the ledger keeps it. Private metadata stays in the ledger,
//! where only operators look and which is pruned; it is in no other table. A body that is no JSON is kept as it came
//! unless it looks like a message: a person has to see what was wrong with it.

use domain::ObjectKind;
use mapping::{take_credentials, visible, without_nul};
use serde_json::{Map, Value, json};

use crate::{envelope::MAX_NAME, event_types::EventType};

/// The fields of a message's `data` that say no word of it.
const KEPT: &[&str] = &[
    "id",
    "object",
    "slug",
    "status",
    "user_id",
    "email_address_id",
    "phone_number_id",
    "delivered_by_clerk",
    "created_at",
    "created_at_ms",
];

/// The longest kept text, in characters: ids and names are short, and words in their place shall not pass.
const MAX_KEPT: usize = 255;

/// Keys that only a message has, in an event of whatever type.
const MESSAGE_KEYS: &[&str] = &["otp_code", "otp", "body_plain"];

/// What `object` says in a message.
const MESSAGE_OBJECTS: &[&str] = &["email", "sms", "sms_message"];

/// How the type of a message's event begins.
const MESSAGE_TYPES: &[&str] = &["email.", "sms."];

/// What the bytes of a message show, should they be no JSON.
const MESSAGE_BYTES: &[&str] = &[
    "otp_code",
    "body_plain",
    "\"email.",
    "\"sms.",
    "\"sms_message\"",
];

/// A body that may be kept.
pub(crate) struct Redacted {
    pub(crate) body: Value,
    /// Whether it was a message, of which hardly anything is left.
    pub(crate) is_message: bool,
    /// Whether it is as it came.
    pub(crate) is_whole: bool,
}

/// Takes out what must not be kept.
pub(crate) fn redact(mut body: Value) -> Redacted {
    if !is_message(&body) {
        let has_taken = take(&mut body);
        return Redacted {
            body,
            is_message: false,
            is_whole: !has_taken,
        };
    }
    let body = match &body {
        Value::Object(root) => without_words(root),
        _ => stub(""),
    };
    Redacted {
        body,
        is_message: true,
        is_whole: false,
    }
}

fn take(body: &mut Value) -> bool {
    let kind = body
        .get("type")
        .and_then(Value::as_str)
        .and_then(ObjectKind::of_event);
    // Put aside meanwhile, so that it is gone through once.
    let data = body.get_mut("data").map(Value::take);
    let mut has_taken = take_credentials(body, None);
    if let (Some(mut data), Some(place)) = (data, body.get_mut("data")) {
        has_taken |= take_credentials(&mut data, kind);
        *place = data;
    }
    has_taken
}

/// What is kept of a message that cannot be mapped: that there was one.
pub(crate) fn stub(event_type: &str) -> Value {
    let mut stub = json!({"object": "event", "withheld": "may hold a one-time code"});
    if let (false, Value::Object(stub)) = (event_type.is_empty(), &mut stub) {
        stub.insert("type".to_owned(), event_type.into());
    }
    stub
}

/// Whether bytes that are no JSON show signs of a message.
pub(crate) fn bytes_may_hold_message(body: &[u8]) -> bool {
    MESSAGE_BYTES.iter().any(|sign| {
        body.windows(sign.len())
            .any(|part| part.eq_ignore_ascii_case(sign.as_bytes()))
    })
}

fn is_message(body: &Value) -> bool {
    let name = body.get("type").and_then(Value::as_str).unwrap_or_default();
    match EventType::parse(name) {
        Some(known) => matches!(known.kind, ObjectKind::Email | ObjectKind::Sms),
        // Clerk may name a message's event differently one day, and it will be kept all the same.
        None => shows_message(body),
    }
}

fn shows_message(value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            let says = |key: &str, test: fn(&str) -> bool| {
                map.get(key).and_then(Value::as_str).is_some_and(test)
            };
            MESSAGE_KEYS.iter().any(|key| map.contains_key(*key))
                || says("object", |object| MESSAGE_OBJECTS.contains(&object))
                || says("type", is_message_type)
                || map.values().any(shows_message)
        }
        Value::Array(list) => list.iter().any(shows_message),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_message_type(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    MESSAGE_TYPES.iter().any(|prefix| name.starts_with(prefix))
}

fn without_words(root: &Map<String, Value>) -> Value {
    let mut kept = Map::new();
    kept.insert("object".to_owned(), "event".into());
    // A name that had to be cut could become a known one.
    if let Some(name) = root.get("type").and_then(Value::as_str)
        && visible(name.as_bytes(), MAX_NAME) == name
    {
        kept.insert("type".to_owned(), name.into());
    }
    copy(root, &["instance_id", "timestamp"], &mut kept);
    if let Some(Value::Object(data)) = root.get("data") {
        let mut bare = Map::new();
        copy(data, KEPT, &mut bare);
        kept.insert("data".to_owned(), Value::Object(bare));
    }
    Value::Object(kept)
}

/// Copies the named fields that are plain and short.
fn copy(from: &Map<String, Value>, keys: &[&str], to: &mut Map<String, Value>) {
    for key in keys {
        let plain = match from.get(*key) {
            Some(Value::String(text)) if text.chars().count() <= MAX_KEPT => {
                Value::String(without_nul(text))
            }
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.clone(),
            _ => continue,
        };
        to.insert((*key).to_owned(), plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_fields_stay() {
        let Redacted {
            body, is_message, ..
        } = redact(json!({
            "type": "email.created", "object": "event", "timestamp": 1, "instance_id": "ins_1",
            "event_attributes": {"http_request": {"client_ip": "203.0.113.9"}},
            "data": {
                "id": "ema_1", "object": "email", "slug": "verification_code", "status": "queued",
                "body": "987654", "body_plain": "987654", "subject": "987654", "to_email_address": "a@example.com",
                "data": {"otp_code": "987654"}, "user_id": {"otp_code": "987654"}, "email_address_id": "x".repeat(256),
            },
        }));
        assert!(is_message);
        assert_eq!(
            body,
            json!({
                "type": "email.created", "object": "event", "timestamp": 1, "instance_id": "ins_1",
                "data": {"id": "ema_1", "object": "email", "slug": "verification_code", "status": "queued"},
            })
        );
    }

    #[test]
    fn a_message_is_known_by_any_of_its_signs() {
        for body in [
            json!({"type": "sms.created"}),
            json!({"type": "email.bounced", "data": {}}),
            json!({"type": "Email.Created", "data": "x"}),
            json!({"type": "magic", "data": {"object": "sms_message"}}),
            json!({"type": "magic", "data": {"data": {"otp_code": "1"}}}),
            json!({"type": 7, "data": {"object": "email"}}),
            json!([{"type": "email.created"}]),
        ] {
            assert!(redact(body.clone()).is_message, "{body}");
        }
    }

    #[test]
    fn other_events_stay_whole() {
        for body in [
            json!({"type": "user.created", "data": {"public_metadata": {"otp": 1}, "object": "email"}}),
            json!({"type": "plan.created", "data": {"object": "email_address", "body": "x"}}),
            json!(["email.created"]),
            json!(null),
        ] {
            let redacted = redact(body.clone());
            assert!(!redacted.is_message && redacted.is_whole, "{body}");
            assert_eq!(redacted.body, body);
        }
    }

    #[test]
    fn tickets_are_taken_from_events_of_invitations_whatever_they_say_of_themselves() {
        for body in [
            json!({"type": "invitation.reminded", "data": {"url": "https://example.com/?ticket=1"}}),
            json!({"type": "new.thing", "data": {"object": "invitation", "url": "https://example.com/?ticket=1"}}),
            json!([{"invitation": {"url": "https://example.com/?ticket=1"}}]),
        ] {
            let redacted = redact(body);
            assert!(!redacted.is_whole && !redacted.is_message);
            assert!(!redacted.body.to_string().contains("ticket"));
        }
    }

    #[test]
    fn bytes_show_signs_too() {
        assert!(bytes_may_hold_message(
            br#"{"type":"email.created","data":{"body":"\ud800"}}"#
        ));
        assert!(bytes_may_hold_message(b"\xff {\"otp_code\":\"123456\"}"));
        assert!(!bytes_may_hold_message(
            br#"{"type":"user.created","data":{"email_addresses":[]"#
        ));
        assert!(!bytes_may_hold_message(b""));
    }
}
