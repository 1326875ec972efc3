//! E-mails and text messages: one-time codes are stored nowhere.

use domain::{Delivery, Effect, Payload, Write};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{deliver, deliver_bytes, only_write, payload_json, writes_of},
};

const CODE: &str = "123456";

/// Everything of a delivery that any store or log could get to see.
fn everything(delivery: &Delivery) -> String {
    let kept = match &delivery.payload {
        Payload::Json(text) => text.as_str().to_owned(),
        Payload::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    format!("{delivery:?} {kept}")
}

/// An e-mail's event with a part replaced.
fn broken(path: &str, with: Value) -> Value {
    let mut event = sample("email.created");
    *event.pointer_mut(path).unwrap() = with;
    event
}

#[test]
fn the_fact_is_kept_without_its_words() {
    let email = deliver(&sample("email.created"));
    let [Write::Object(write)] = writes_of(&email) else {
        panic!("not one write of an object: {:?}", email.effect);
    };
    assert_eq!(
        write.data,
        json!({
            "id": "ema_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "object": "email", "slug": "verification_code",
            "status": "queued", "user_id": "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
            "email_address_id": "idn_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "delivered_by_clerk": true,
        })
    );
    assert_eq!(payload_json(&email)["data"], write.data);
    for word in [CODE, "johndoe@acme.com", "verification code"] {
        assert!(!everything(&email).contains(word), "{word}");
    }

    let sms = deliver(&sample("sms.created"));
    let [Write::Object(write)] = writes_of(&sms) else {
        panic!("not one write of an object: {:?}", sms.effect);
    };
    assert_eq!(write.data["created_at_ms"], 1_716_883_200_000_i64);
    for word in [CODE, "+1987", "+1234"] {
        assert!(!everything(&sms).contains(word), "{word}");
    }
}

#[test]
fn messages_that_cannot_be_mapped_keep_no_word_either() {
    let whole = sample("email.created");
    let events = [
        broken("/data/id", json!(null)),
        broken("/data/id", json!(CODE.repeat(60))),
        broken("/data", json!([whole["data"]])),
        broken("/data", json!(CODE)),
        broken("/type", json!(null)),
        broken("/type", json!("email.delivered")),
        broken("/type", json!("EMAIL.CREATED")),
        broken("/type", json!("email\0.created")),
        broken("/type", json!("otp.created")),
        json!([whole]),
    ];
    for event in events {
        let delivery = deliver(&event);
        assert!(
            matches!(
                delivery.effect,
                Effect::Quarantined { .. } | Effect::Ignored { .. }
            ),
            "{event}"
        );
        let shown = everything(&delivery);
        assert!(!shown.contains(CODE) && !shown.contains("\\0"), "{event}");
    }
    // No JSON at all.
    let text = whole.to_string();
    let cut = &text.as_bytes()[..text.len() - 1];
    let surrogate = text.replace("123456 is", "\\ud800 123456 is");
    let deep = format!("{}{text}{}", "[".repeat(200), "]".repeat(200));
    for body in [
        cut,
        surrogate.as_bytes(),
        deep.as_bytes(),
        &[text.as_bytes(), b"\xff"].concat(),
    ] {
        let delivery = deliver_bytes(body);
        assert!(matches!(delivery.effect, Effect::Quarantined { .. }));
        assert!(!everything(&delivery).contains(CODE));
    }
}

#[test]
fn a_stub_says_that_there_was_a_message() {
    let delivery = deliver(&broken("/data/id", json!(null)));
    assert_eq!(delivery.event_type, "email.created");
    assert_eq!(
        payload_json(&delivery),
        json!({"object": "event", "type": "email.created", "withheld": "may hold a one-time code"})
    );
}

#[test]
fn the_place_of_a_message_tells_nothing_of_its_words() {
    let place = |event: &Value| match only_write(event) {
        Write::Object(write) => write.precedence,
        other => panic!("no write of an object: {other:?}"),
    };
    let other_words = broken("/data/subject", json!("654321 is your verification code"));
    assert_eq!(place(&sample("email.created")), place(&other_words));
    let other_fact = broken("/data/status", json!("sent"));
    assert_ne!(place(&sample("email.created")), place(&other_fact));
}
