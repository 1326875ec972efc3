//! Whatever an authentic body says, it becomes a delivery.

use bytes::Bytes;
use domain::{Delivery, Effect, Payload, Precedence};
use proptest::prelude::*;
use serde_json::{Map, Value};
use webhooks::{Arrival, read_event};

use crate::{
    samples,
    sender::{NOW, SECRET, at, honest, receiver, replay},
};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("\0")),
        Just(Value::from("x".repeat(2000))),
        "[a-z]{1,8}\\.(created|updated|deleted)".prop_map(Value::from),
    ];
    let key = prop_oneof!["[a-z_]{1,8}", ".{0,4}", Just("id".to_owned())];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A sample event of one of these types with any one of its nodes replaced by any value.
fn mutated_sample(is_wanted: fn(&str) -> bool) -> impl Strategy<Value = Value> {
    let samples: Vec<Value> = samples::all()
        .iter()
        .filter(|(event_type, _)| is_wanted(event_type))
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .collect();
    (
        prop::sample::select(samples),
        any::<prop::sample::Index>(),
        any_json(),
    )
        .prop_map(|(mut event, place, with)| {
            let mut paths = Vec::new();
            collect_paths(&event, String::new(), &mut paths);
            *event.pointer_mut(&paths[place.index(paths.len())]).unwrap() = with;
            event
        })
}

fn collect_paths(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                collect_paths(value, format!("{path}/{key}"), paths);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                collect_paths(value, format!("{path}/{index}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}

/// What must hold of every delivery, so that both databases can take it and a replay does the same again.
fn check(delivery: &Delivery, body: &[u8]) -> Result<(), TestCaseError> {
    prop_assert!(delivery.event_type.len() <= 128);
    prop_assert!(
        delivery
            .event_type
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
    );
    prop_assert!(delivery.notes.len() <= 17);
    prop_assert!(!delivery.notes.iter().any(|note| note.contains('\0')));
    if let Payload::Json(value) = &delivery.payload {
        prop_assert!(!holds_nul(value));
    }
    let end = at(NOW) + domain::MAX_CLOCK_AHEAD;
    let is_credible = |place: &Precedence| place.version_millis() <= end.timestamp_millis();
    match &delivery.effect {
        Effect::User(write) => {
            let user = &write.profile;
            prop_assert!(!user.clerk_user_id.as_str().is_empty());
            prop_assert!(is_credible(&write.precedence));
            prop_assert!(user.updated_at <= end && user.created_at <= end);
            prop_assert!(user.emails.iter().filter(|email| email.primary).count() <= 1);
            let texts = [
                &user.external_id,
                &user.username,
                &user.first_name,
                &user.last_name,
                &user.image_url,
            ];
            let mut texts = texts.into_iter().flatten();
            prop_assert!(texts.all(|text| !text.is_empty() && !text.contains('\0')));
            let mut addresses = user.emails.iter().map(|email| &email.email_address);
            prop_assert!(addresses.all(|address| !address.contains('\0')));
            prop_assert!(!holds_nul(&Value::Object(user.public_metadata.clone())));
        }
        Effect::UserDeleted(deletion) => prop_assert!(deletion.deleted_at <= end),
        Effect::Session(write) => {
            prop_assert!(is_credible(&write.precedence));
            let agent = write.sign_in.as_ref().map(|sign_in| &sign_in.user_agent);
            let texts = [
                &write.clerk_client_id,
                &write.last_active_organization_id,
                agent.unwrap_or(&None),
            ];
            let mut texts = texts.into_iter().flatten();
            prop_assert!(texts.all(|text| !text.is_empty() && !text.contains('\0')));
            prop_assert!(!write.status.as_str().contains('\0'));
            prop_assert!(!write.actor.as_ref().is_some_and(holds_nul));
        }
        Effect::Object(write) => {
            prop_assert!(is_credible(&write.precedence));
            prop_assert!(!holds_nul(&write.data));
        }
        Effect::Ignored { reason } | Effect::Quarantined { reason } => {
            prop_assert!(!reason.is_empty() && !reason.contains('\0'));
        }
    }
    let again = replay(delivery, body);
    if is_stub(&delivery.payload) {
        let is_quarantined = matches!(again.effect, Effect::Quarantined { .. });
        prop_assert!(is_quarantined);
        prop_assert_eq!(&again.payload, &delivery.payload);
    } else {
        prop_assert_eq!(&again, delivery);
    }
    Ok(())
}

/// Whether no more is kept than that there was a message.
fn is_stub(payload: &Payload) -> bool {
    matches!(payload, Payload::Json(value) if value.get("withheld").is_some())
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(list) => list.iter().any(holds_nul),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

fn receive(body: &[u8]) -> Delivery {
    receiver(&[SECRET])
        .receive(&honest(body), &Bytes::copy_from_slice(body), at(NOW))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_become_a_delivery(body in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&receive(&body), &body)?;
    }

    #[test]
    fn any_json_becomes_a_delivery(body in any_json()) {
        let body = body.to_string();
        check(&receive(body.as_bytes()), body.as_bytes())?;
    }

    #[test]
    fn any_change_of_a_sample_becomes_a_delivery(body in mutated_sample(|_| true)) {
        let body = body.to_string();
        check(&receive(body.as_bytes()), body.as_bytes())?;
    }

    #[test]
    fn no_change_of_a_message_lets_its_words_through(
        body in mutated_sample(|event_type| matches!(event_type, "email.created" | "sms.created")),
    ) {
        let delivery = receive(body.to_string().as_bytes());
        let shown = format!("{delivery:?}");
        for words in ["OTP code", "your verification code", "Your verification code", "+1987", "acme.com"] {
            prop_assert!(!shown.contains(words), "{}", shown);
        }
    }

    #[test]
    fn any_cut_of_a_sample_becomes_a_delivery(
        sample in prop::sample::select(samples::all()),
        end in any::<prop::sample::Index>(),
    ) {
        let (_, body) = sample;
        let body = &body[..end.index(body.len())];
        check(&receive(body), body)?;
    }

    #[test]
    fn stored_json_of_any_shape_can_be_read_again(body in any_json()) {
        let arrival = Arrival::new(b"msg_1", b"", at(NOW));
        let first = read_event(arrival.clone(), Payload::Json(body), Some("ins_1"));
        let again = read_event(arrival, first.payload.clone(), Some("ins_1"));
        if is_stub(&first.payload) {
            prop_assert_eq!(first.payload, again.payload);
        } else {
            prop_assert_eq!(first, again);
        }
    }
}
