//! Authentic bodies that nobody promised.

use bytes::Bytes;
use domain::{Delivery, Effect, Payload, Write};
use secrecy::SecretString;
use serde_json::{Value, json};
use webhooks::{Arrival, Receiver, ReceiverConfig, read_event};

use crate::{
    samples::sample,
    sender::{
        MESSAGE_ID, NOW, SECRET, at, deliver, deliver_bytes, honest, quarantine_reason, replay,
        writes_of,
    },
};

#[test]
fn a_body_that_is_no_json_is_kept_as_bytes() {
    let deep = "[".repeat(300) + &"]".repeat(300);
    for (body, reason) in [
        (&b""[..], "the body is not JSON (line 1, column 0)"),
        (b"hello", "the body is not JSON (line 1, column 1)"),
        (b"{\"a\":1", "the body is not JSON (line 1, column 6)"),
        (b"{} {}", "the body is not JSON (line 1, column 4)"),
        (b"\"\\ud800\"", "the body is not JSON (line 1, column 8)"),
        (b"[1e999]", "the body is not JSON (line 1, column 6)"),
        (b"\xef\xbb\xbf{}", "the body is not JSON (line 1, column 1)"),
        (b"\xff", "the body is not UTF-8 (byte 0)"),
        (
            deep.as_bytes(),
            "the body is nested too deep (line 1, column 128)",
        ),
    ] {
        let delivery = deliver_bytes(body);
        assert_eq!(quarantine_reason(&delivery), reason);
        assert_eq!(delivery.payload, Payload::Bytes(body.to_vec()));
        assert_eq!(delivery.event_type, "");
        assert_eq!(delivery.message_id, MESSAGE_ID);
        assert_eq!(replay(&delivery), delivery);
    }
}

#[test]
fn json_that_is_no_event_is_kept_as_json() {
    for (body, reason) in [
        (json!(null), "the body is null, not an object"),
        (json!([1]), "the body is a list, not an object"),
        (json!("user.created"), "the body is a string, not an object"),
        (json!({}), "type is missing"),
        (json!({"type": null}), "type is missing"),
        (
            json!({"type": ["user.created"]}),
            "type is a list, not a string",
        ),
        (json!({"type": "user.created"}), "data is missing"),
        (
            json!({"type": "user.created", "data": "user_1"}),
            "data is a string, not an object",
        ),
        (
            json!({"type": "session.created", "data": [{}]}),
            "data is a list, not an object",
        ),
    ] {
        let delivery = deliver(&body);
        assert_eq!(quarantine_reason(&delivery), reason);
        assert_eq!(delivery.payload, Payload::Json(body.into()));
    }
}

#[test]
fn types_that_mean_nothing_to_us_are_kept_and_ignored() {
    for (event_type, reason) in [
        ("user.renamed", "unknown event of a known kind, user"),
        (
            "subscription.canceled",
            "unknown event of a known kind, subscription",
        ),
        ("plan.created", "unknown kind of event"),
        ("User.created", "unknown kind of event"),
        ("", "unknown kind of event"),
    ] {
        let body = json!({"type": event_type, "data": {"id": "x_1"}});
        let delivery = deliver(&body);
        assert_eq!(
            delivery.effect,
            Effect::Ignored {
                reason: reason.to_owned()
            }
        );
        assert_eq!(delivery.event_type, event_type);
        assert_eq!(delivery.object_id.as_deref(), Some("x_1"));
        assert_eq!(delivery.payload, Payload::Json(body.into()));
    }
}

#[test]
fn a_type_is_cut_to_what_a_log_line_bears() {
    let name = format!("a b\r\n{{\"level\":1}}é{}", "x".repeat(300));
    let delivery = deliver(&json!({"type": name, "data": {}}));
    assert_eq!(delivery.event_type.len(), 128);
    assert!(delivery.event_type.starts_with("ab{\"level\":1}x"));
}

#[test]
fn unknown_and_odd_surroundings_do_not_matter() {
    let mut event = sample("user.created");
    event["object"] = json!(7);
    event["event_attributes"] = json!([]);
    event["new_in_2030"] = json!({"a": [null]});
    event["timestamp"] = json!("yesterday");
    event["instance_id"] = json!(["ins_1"]);
    let delivery = deliver(&event);
    assert!(matches!(writes_of(&delivery), [Write::User(_)]));
    assert_eq!(delivery.occurred_at, None);
    assert_eq!(delivery.instance_id, None);
    assert_eq!(
        delivery.notes,
        [
            "instance_id is a list, not a string",
            "timestamp is a string, not a number"
        ]
    );
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let body = br#"{"type":"user.renamed","type":"user.deleted","data":{"id":"user_1"}}"#;
    assert!(matches!(
        writes_of(&deliver_bytes(body)),
        [Write::Deletion(_)]
    ));
}

fn deliver_to(instance_id: Option<&str>, event: &Value) -> Delivery {
    let body = event.to_string();
    Receiver::new(ReceiverConfig {
        secrets: vec![SecretString::from(SECRET)],
        instance_id: instance_id.map(str::to_owned),
    })
    .unwrap()
    .receive(&honest(body.as_bytes()), &Bytes::from(body), at(NOW))
    .unwrap()
}

#[test]
fn another_instance_is_set_aside() {
    let mut event = sample("user.created");
    event["instance_id"] = json!("ins_dev");
    let taken = |instance_id, event: &Value| {
        matches!(deliver_to(instance_id, event).effect, Effect::Writes(_))
    };
    assert!(taken(None, &event));
    assert!(taken(Some("ins_dev"), &event));
    let delivery = deliver_to(Some("ins_prod"), &event);
    assert_eq!(
        quarantine_reason(&delivery),
        "event is of instance ins_dev, this server is configured for ins_prod"
    );
    assert_eq!(delivery.payload, Payload::Json(event.clone().into()));

    let arrival = Arrival::new(MESSAGE_ID.as_bytes(), at(NOW));
    let corrected = read_event(arrival, delivery.payload, Some("ins_dev"));
    assert!(matches!(writes_of(&corrected), [Write::User(_)]));

    event.as_object_mut().unwrap().remove("instance_id");
    assert!(taken(Some("ins_prod"), &event));
}

#[test]
fn a_message_of_another_instance_can_be_mapped_once_the_setting_is_right() {
    let delivery = deliver_to(Some("ins_prod"), &sample("email.created"));
    assert!(matches!(delivery.effect, Effect::Quarantined { .. }));
    let arrival = Arrival::new(MESSAGE_ID.as_bytes(), at(NOW));
    let corrected = read_event(arrival, delivery.payload, None);
    assert!(matches!(writes_of(&corrected), [Write::Object(_)]));
}

#[test]
fn ten_thousand_oddities_leave_a_short_list_of_notes() {
    let mut event = sample("user.created");
    event["data"]["email_addresses"] = json!(vec![json!({"id": 7}); 10_000]);
    let delivery = deliver(&event);
    assert!(matches!(writes_of(&delivery), [Write::User(_)]));
    assert_eq!(delivery.notes.len(), 17);
    assert_eq!(delivery.notes[16], "and 19984 more");
}
