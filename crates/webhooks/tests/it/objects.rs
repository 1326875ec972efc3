//! What events about every other object change.

use domain::{ObjectWrite, Payload, Precedence, Write};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{NOW, deliver, only_write, payload_json, quarantine_reason},
};

fn write_of(event: &Value) -> ObjectWrite {
    match only_write(event) {
        Write::Object(write) => *write,
        other => panic!("no write of an object: {other:?}"),
    }
}

#[test]
fn types_that_only_some_catalogues_know_are_taken() {
    for event_type in [
        "invitation.created",
        "invitation.accepted",
        "invitation.revoked",
    ] {
        let data = json!({"id": "x_1", "anything": [1, {"deep": null}]});
        let write = write_of(&json!({"type": event_type, "data": data}));
        assert_eq!(write.data, data, "{event_type}");
        assert_eq!(write.precedence.version_millis(), NOW * 1000);
    }
}

#[test]
fn a_poisoned_version_is_not_believed() {
    let mut event = sample("permission.updated");
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
    let mut event = sample("paymentAttempt.created");
    event["data"]["id"] = json!("");
    let delivery = deliver(&event);
    assert_eq!(
        quarantine_reason(&delivery),
        "data.id is no usable id: the id is empty"
    );
    assert_eq!(delivery.object_id, None);
    assert_eq!(delivery.payload, Payload::Json(event.into()));
}

#[test]
fn tickets_are_kept_nowhere_and_private_metadata_only_in_the_ledger() {
    let mut event = sample("organizationInvitation.created");
    event["data"]["private_metadata"] = json!({"note": "for us"});
    event["data"]["public_metadata"] = json!({"url": "stays"});
    let delivery = deliver(&event);
    let write = write_of(&event);
    for kept in [&write.data, &payload_json(&delivery)["data"]] {
        assert_eq!(kept.get("url"), None);
        assert_eq!(kept["email_address"], event["data"]["email_address"]);
        assert_eq!(kept["public_metadata"]["url"], "stays");
    }
    assert_eq!(write.data.get("private_metadata"), None);
    assert_eq!(
        payload_json(&delivery)["data"]["private_metadata"]["note"],
        "for us"
    );
    let other_ticket = {
        let mut event = event.clone();
        event["data"]["url"] = json!("https://example.com/?ticket=2");
        write_of(&event).precedence
    };
    assert_eq!(write.precedence, other_ticket);

    // Also where the body has to be kept as bytes.
    event["data"]["role_name"] = json!("a\0");
    let Payload::Bytes(bytes) = deliver(&event).payload else {
        panic!("NULs in JSON");
    };
    let kept = String::from_utf8(bytes).unwrap();
    assert!(kept.contains("a\\u0000") && !kept.contains("token=abc123"));
}

#[test]
fn backup_codes_are_kept_nowhere() {
    let mut event = sample("session.created");
    event["data"]["user"]["phone_numbers"] = json!([{"id": "idn_1", "backup_codes": ["codes"]}]);
    let delivery = deliver(&event);
    assert!(!format!("{delivery:?}").contains("codes"));
}
