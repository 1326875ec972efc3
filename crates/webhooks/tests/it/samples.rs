//! Clerk's sample events, one for each type.

use std::{fs, path::PathBuf};

use domain::{Effect, ObjectKind, Payload};
use serde_json::Value;

use crate::sender::{at_millis, deliver_bytes, replay};

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
            assert_eq!(
                delivery.payload,
                Payload::Json(sent.clone()),
                "{event_type}"
            );
        }
        match (&delivery.effect, kind) {
            (Effect::User(_) | Effect::UserDeleted(_), ObjectKind::User)
            | (Effect::Session(_), ObjectKind::Session) => {}
            (Effect::Object(write), kind) => {
                assert_eq!(write.kind, kind);
                assert_eq!(Some(write.clerk_id.as_str()), sent["data"]["id"].as_str());
                assert_eq!(
                    write.deleted_at.is_some(),
                    event_type.ends_with(".deleted"),
                    "{event_type}"
                );
                if !is_message {
                    assert_eq!(write.data, sent["data"], "{event_type}");
                }
            }
            (other, _) => panic!("{event_type} became {other:?}"),
        }
    }
}

#[test]
fn a_replay_of_what_is_kept_gives_the_same_delivery() {
    for (event_type, body) in all() {
        let delivery = deliver_bytes(&body);
        assert_eq!(replay(&delivery, &body), delivery, "{event_type}");
    }
}
