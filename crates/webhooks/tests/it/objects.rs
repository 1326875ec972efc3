//! What events about every other object change.

use domain::{Effect, ObjectWrite, Payload, Precedence};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{NOW, at, at_millis, deliver, quarantine_reason},
};

fn write_of(event: &Value) -> ObjectWrite {
    match deliver(event).effect {
        Effect::Object(write) => *write,
        other => panic!("no write of an object: {other:?}"),
    }
}

#[test]
fn types_that_only_some_catalogues_know_are_taken() {
    for event_type in [
        "invitation.created",
        "invitation.accepted",
        "invitation.revoked",
        "subscriptionItem.expired",
    ] {
        let data = json!({"id": "x_1", "anything": [1, {"deep": null}]});
        let write = write_of(&json!({"type": event_type, "data": data}));
        assert_eq!(write.data, data, "{event_type}");
        assert_eq!(write.precedence.version_millis(), NOW * 1000);
    }
}

#[test]
fn a_deletion_keeps_what_it_told_and_outranks_every_change() {
    let deleted = write_of(&sample("organizationMembership.deleted"));
    assert_eq!(deleted.deleted_at, Some(at_millis(1_716_883_200_037)));
    assert_eq!(deleted.data["role"], "org:member");
    let updated = write_of(&sample("organizationMembership.updated"));
    assert!(updated.deleted_at.is_none());
    assert!(deleted.precedence > updated.precedence);

    let mut poisoned = sample("organization.deleted");
    poisoned["timestamp"] = json!((NOW + 100_000) * 1000);
    assert_eq!(write_of(&poisoned).deleted_at, Some(at(NOW)));
}

#[test]
fn a_poisoned_version_is_not_believed() {
    let mut event = sample("organization.updated");
    event["data"]["updated_at"] = json!(4_000_000_000_000_i64);
    let delivery = deliver(&event);
    assert_eq!(
        delivery.notes,
        ["data.updated_at lies more than a day ahead and is not believed"]
    );
    assert_eq!(
        write_of(&event).precedence.version_millis(),
        1_716_883_500_037
    );
    assert_ne!(write_of(&event).precedence, Precedence::NOTHING_KNOWN);
}

#[test]
fn nuls_are_stripped_from_what_is_kept() {
    let mut event = sample("role.created");
    event["data"]["na\0ture"] = json!(["x\0"]);
    let write = write_of(&event);
    assert_eq!(write.data["nature"], json!(["x"]));
    let delivery = deliver(&event);
    assert_eq!(
        delivery.payload,
        Payload::Bytes(event.to_string().into_bytes())
    );
    assert_eq!(delivery.notes, ["data held NUL characters"]);
}

#[test]
fn an_object_without_an_id_waits_for_a_person() {
    let mut event = sample("subscription.created");
    event["data"]["id"] = json!("");
    let delivery = deliver(&event);
    assert_eq!(
        quarantine_reason(&delivery),
        "data.id is no usable id: the id is empty"
    );
    assert_eq!(delivery.object_id, None);
    assert_eq!(delivery.payload, Payload::Json(event));
}
