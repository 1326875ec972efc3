//! Clerk's sample events, one for each type.

use std::{fs, path::PathBuf};

use domain::{ObjectKind, Payload, Write};
use serde_json::Value;

use crate::sender::{at_millis, deliver_bytes, replay, writes_of};

/// Every sample with its event type.
pub(crate) fn all() -> Vec<(String, Vec<u8>)> {
    let mut samples: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    samples.sort();
    samples
}

/// The sample of one event type.
pub(crate) fn sample(event_type: &str) -> Value {
    let bytes = fs::read(folder().join(format!("{event_type}.json"))).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/events")
}

#[test]
fn every_sample_is_mapped_without_a_note() {
    let samples = all();
    assert_eq!(samples.len(), 46);
    for (event_type, body) in samples {
        let delivery = deliver_bytes(&body);
        let sent: Value = serde_json::from_slice(&body).unwrap();
        let kind = ObjectKind::of_event(&event_type).unwrap();

        assert_eq!(delivery.event_type, event_type);
        assert_eq!(delivery.object_id.as_deref(), sent["data"]["id"].as_str());
        assert_eq!(
            delivery.instance_id.as_deref(),
            sent["instance_id"].as_str()
        );
        assert_eq!(
            delivery.occurred_at,
            sent["timestamp"].as_i64().map(at_millis),
            "{event_type}"
        );
        // Some samples happen days after the moment of this delivery; the rest have nothing odd about them.
        if sent["timestamp"].as_i64() < Some(1_716_900_000_000) {
            assert_eq!(delivery.notes, [""; 0], "{event_type}");
        }

        let is_message = matches!(kind, ObjectKind::Email | ObjectKind::Sms);
        if !is_message {
            let kept = Payload::Json(without_tickets(sent.clone()).into());
            assert_eq!(delivery.payload, kept, "{event_type}");
        }
        let names: Vec<_> = writes_of(&delivery).iter().map(shown).collect();
        assert_eq!(names, expected(&event_type, kind), "{event_type}");
        for write in writes_of(&delivery) {
            match write {
                Write::Object(write) => {
                    assert_eq!(write.kind, kind);
                    assert_eq!(Some(write.clerk_id.as_str()), sent["data"]["id"].as_str());
                    if !is_message {
                        let mut kept = without_tickets(sent.clone())["data"].take();
                        kept.as_object_mut().unwrap().remove("private_metadata");
                        assert_eq!(write.data, kept, "{event_type}");
                    }
                }
                Write::Deletion(deletion) => {
                    assert_eq!(deletion.kind, kind);
                    assert_eq!(
                        Some(deletion.clerk_id.as_str()),
                        sent["data"]["id"].as_str()
                    );
                    assert_eq!(Some(deletion.deleted_at), delivery.occurred_at);
                }
                _ => {}
            }
        }
    }
}

/// The kinds of write that a sample stands for, in their order.
fn expected(event_type: &str, kind: ObjectKind) -> &'static [&'static str] {
    match (event_type, kind) {
        ("organizationMembership.deleted", _) => &["deletion", "membership"],
        (name, _) if name.ends_with(".deleted") => &["deletion"],
        (_, ObjectKind::User) => &["user"],
        (_, ObjectKind::Session) => &["session"],
        (_, ObjectKind::Organization) => &["organization"],
        (_, ObjectKind::Membership) => &["membership"],
        (_, ObjectKind::Subscription) => &["subscription", "item"],
        (_, ObjectKind::SubscriptionItem) => &["item"],
        _ => &["object"],
    }
}

fn shown(write: &Write) -> &'static str {
    match write {
        Write::User(_) => "user",
        Write::Session(_) => "session",
        Write::Organization(_) => "organization",
        Write::Membership(_) => "membership",
        Write::Subscription(_) => "subscription",
        Write::SubscriptionItem(_) => "item",
        Write::Object(_) => "object",
        Write::Deletion(_) => "deletion",
    }
}

/// A sample without the links of invitations and the backup codes, wherever the samples have any.
fn without_tickets(mut event: Value) -> Value {
    for (path, field) in [
        ("/data", "url"),
        ("/data/invitation", "url"),
        ("/data/phone_numbers/0", "backup_codes"),
        ("/data/user/phone_numbers/0", "backup_codes"),
    ] {
        if let Some(Value::Object(place)) = event.pointer_mut(path)
            && !place.get(field).is_none_or(Value::is_null)
        {
            place.remove(field);
        }
    }
    event
}

#[test]
fn a_replay_of_what_is_kept_gives_the_same_delivery() {
    for (event_type, body) in all() {
        let delivery = deliver_bytes(&body);
        assert_eq!(replay(&delivery), delivery, "{event_type}");
    }
}
