//! Whatever an authentic body says, it becomes a delivery.

use bytes::Bytes;
use domain::{Delivery, Effect, JsonText, Payload, Precedence, Write};
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

/// What must hold of every write, so that both databases can take it and no row freezes.
fn check_write(write: &Write) -> Result<(), TestCaseError> {
    let end = at(NOW) + domain::MAX_CLOCK_AHEAD;
    let is_credible = |place: &Precedence| place.version_millis() <= end.timestamp_millis();
    let (place, times, texts, values) = match write {
        Write::User(write) => {
            let user = &write.profile;
            prop_assert!(user.emails.iter().filter(|email| email.primary).count() <= 1);
            let mut addresses = user.emails.iter().map(|email| &email.email_address);
            prop_assert!(addresses.all(|address| !address.contains('\0')));
            let texts = [
                &user.external_id,
                &user.username,
                &user.first_name,
                &user.last_name,
                &user.image_url,
            ];
            (
                write.precedence,
                vec![user.created_at, user.updated_at],
                texts.map(Clone::clone).to_vec(),
                vec![Value::Object(user.public_metadata.clone())],
            )
        }
        Write::Session(write) => {
            prop_assert!(!write.status.as_str().contains('\0'));
            let agent = write.sign_in.as_ref().map(|sign_in| &sign_in.user_agent);
            let texts = [
                &write.clerk_client_id,
                &write.last_active_organization_id,
                agent.unwrap_or(&None),
            ];
            (
                write.precedence,
                vec![write.created_at, write.updated_at],
                texts.map(Clone::clone).to_vec(),
                write.actor.iter().cloned().collect(),
            )
        }
        Write::Organization(write) => {
            let organization = &write.profile;
            (
                write.precedence,
                vec![organization.created_at, organization.updated_at],
                [
                    &organization.name,
                    &organization.slug,
                    &organization.image_url,
                ]
                .map(Clone::clone)
                .to_vec(),
                vec![Value::Object(organization.public_metadata.clone())],
            )
        }
        Write::Membership(write) => {
            let membership = &write.profile;
            (
                write.precedence,
                vec![membership.created_at, membership.updated_at],
                vec![membership.role.clone()],
                vec![
                    Value::Object(membership.public_metadata.clone()),
                    Value::from(membership.permissions.clone()),
                ],
            )
        }
        Write::Subscription(write) => (
            write.precedence,
            vec![
                write.created_at,
                write.updated_at,
                write.past_due_at.unwrap_or_default(),
            ],
            vec![write.status.clone()],
            Vec::new(),
        ),
        Write::SubscriptionItem(write) => (
            write.precedence,
            vec![
                write.created_at,
                write.updated_at,
                write.past_due_at.unwrap_or_default(),
            ],
            [
                &write.status,
                &write.clerk_plan_id,
                &write.plan_slug,
                &write.interval,
            ]
            .map(Clone::clone)
            .to_vec(),
            Vec::new(),
        ),
        Write::Object(write) => (
            write.precedence,
            Vec::new(),
            Vec::new(),
            vec![write.data.clone()],
        ),
        Write::Deletion(deletion) => {
            prop_assert!(deletion.deleted_at <= end);
            return Ok(());
        }
    };
    prop_assert!(is_credible(&place));
    prop_assert!(times.iter().all(|time| *time <= end));
    let mut texts = texts.into_iter().flatten();
    prop_assert!(texts.all(|text| !text.is_empty() && !text.contains('\0')));
    prop_assert!(!values.iter().any(holds_nul));
    Ok(())
}

/// What must hold of every delivery, so that both databases can take it and a replay does the same again.
fn check(delivery: &Delivery) -> Result<(), TestCaseError> {
    prop_assert!(delivery.event_type.len() <= 128);
    prop_assert!(
        delivery
            .event_type
            .bytes()
            .all(|byte| byte.is_ascii_graphic())
    );
    prop_assert!(delivery.notes.len() <= 17);
    prop_assert!(!delivery.notes.iter().any(|note| note.contains('\0')));
    if let Payload::Json(text) = &delivery.payload {
        prop_assert!(!holds_nul(&value_of(text)));
    }
    match &delivery.effect {
        Effect::Writes(writes) => {
            prop_assert!(!writes.is_empty());
            for write in writes {
                check_write(write)?;
            }
        }
        Effect::Ignored { reason } | Effect::Quarantined { reason } => {
            prop_assert!(!reason.is_empty() && !reason.contains('\0'));
        }
    }
    let again = replay(delivery);
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
    matches!(payload, Payload::Json(text) if value_of(text).get("withheld").is_some())
}

fn value_of(text: &JsonText) -> Value {
    serde_json::from_str(text.as_str()).unwrap()
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

/// JSON as PostgreSQL's jsonb gives it back: floating-point numbers as plain decimals.
fn through_decimals(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let decimal = format!("{}", number.as_f64().unwrap());
            // Such a column has no negative zero.
            serde_json::from_str(if decimal == "-0" { "0" } else { &decimal }).unwrap()
        }
        Value::Array(list) => list.iter().map(through_decimals).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), through_decimals(value)))
            .collect(),
        other => other.clone(),
    }
}

fn places(delivery: &Delivery) -> Vec<Option<Precedence>> {
    let Effect::Writes(writes) = &delivery.effect else {
        return Vec::new();
    };
    writes.iter().map(place).collect()
}

fn place(write: &Write) -> Option<Precedence> {
    match write {
        Write::User(write) => Some(write.precedence),
        Write::Session(write) => Some(write.precedence),
        Write::Organization(write) => Some(write.precedence),
        Write::Membership(write) => Some(write.precedence),
        Write::Subscription(write) => Some(write.precedence),
        Write::SubscriptionItem(write) => Some(write.precedence),
        Write::Object(write) => Some(write.precedence),
        Write::Deletion(_) => None,
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
        check(&receive(&body))?;
    }

    #[test]
    fn any_json_becomes_a_delivery(body in any_json()) {
        let body = body.to_string();
        check(&receive(body.as_bytes()))?;
    }

    #[test]
    fn any_change_of_a_sample_becomes_a_delivery(body in mutated_sample(|_| true)) {
        let body = body.to_string();
        check(&receive(body.as_bytes()))?;
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
        check(&receive(body))?;
    }

    #[test]
    fn no_change_of_an_invitation_lets_its_ticket_through(
        body in mutated_sample(|event_type| event_type.contains("nvitation.")),
    ) {
        let delivery = receive(body.to_string().as_bytes());
        // A change of the very words that say what it is makes it something else.
        if body["type"].as_str().is_some_and(|name| name.starts_with("organizationInvitation.")) {
            let shown = format!("{delivery:?}");
            prop_assert!(!shown.contains("token=abc123"), "{}", shown);
        }
    }

    #[test]
    fn what_a_decimal_column_gives_back_has_the_same_place(body in mutated_sample(|_| true)) {
        let arrival = Arrival::new(b"msg_1", at(NOW));
        let first = read_event(arrival.clone(), Payload::Json(body.into()), None);
        let Payload::Json(kept) = first.payload.clone() else { return Ok(()) };
        let again = read_event(arrival, Payload::Json(through_decimals(&value_of(&kept)).into()), None);
        prop_assert_eq!(places(&again), places(&first));
    }

    #[test]
    fn stored_json_of_any_shape_can_be_read_again(body in any_json()) {
        let arrival = Arrival::new(b"msg_1", at(NOW));
        let first = read_event(arrival.clone(), Payload::Json(body.into()), Some("ins_1"));
        let again = read_event(arrival, first.payload.clone(), Some("ins_1"));
        if is_stub(&first.payload) {
            prop_assert_eq!(first.payload, again.payload);
        } else {
            prop_assert_eq!(first, again);
        }
    }
}
