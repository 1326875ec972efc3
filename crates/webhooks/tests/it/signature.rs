//! Who is believed.

use bytes::Bytes;
use domain::{Effect, Payload};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use secrecy::SecretString;
use webhooks::{Receiver, ReceiverConfig, Refusal, SecretError};

use crate::sender::{
    MESSAGE_ID, NOW, OTHER_SECRET, SECRET, at, headers, honest, quarantine_reason, receiver, sign,
};

const BODY: &[u8] = br#"{"type":"user.deleted","data":{"id":"user_1"}}"#;

fn judge(headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), Refusal> {
    receiver(&[SECRET])
        .receive(headers, &Bytes::copy_from_slice(body), at(now))
        .map(|_| ())
}

/// An honest message with another signature header.
fn signed(signature: &str) -> Result<(), Refusal> {
    let headers = headers("svix", MESSAGE_ID.as_bytes(), &NOW.to_string(), signature);
    judge(&headers, BODY, NOW)
}

fn right() -> String {
    sign(SECRET, MESSAGE_ID.as_bytes(), &NOW.to_string(), BODY)
}

#[test]
fn published_vectors_hold() {
    for (secret, id, timestamp, body, signature) in [
        (
            SECRET,
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            OTHER_SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ] {
        for family in ["svix", "webhook"] {
            for secret in [secret, secret.strip_prefix("whsec_").unwrap()] {
                let headers = headers(family, id.as_bytes(), &timestamp.to_string(), signature);
                let delivery = receiver(&[secret])
                    .receive(&headers, &Bytes::from(body), at(timestamp))
                    .unwrap();
                assert_eq!(delivery.message_id, id);
                assert_eq!(delivery.received_at, at(timestamp));
                assert_eq!(quarantine_reason(&delivery), "type is missing");
            }
        }
    }
}

#[test]
fn any_right_entry_of_the_list_suffices() {
    let (right, wrong) = (right(), sign(OTHER_SECRET, b"x", "1", BODY));
    let mac = right.strip_prefix("v1,").unwrap();
    for list in [
        format!("{wrong} {right}"),
        format!("{wrong} v1a,{mac} v2,xxx {right} {wrong}"),
        format!("{right} v1,"),
        format!(" nonsense  {right}"),
    ] {
        assert_eq!(signed(&list), Ok(()), "{list}");
    }
}

#[test]
fn no_other_signature_is_taken() {
    let (right, wrong) = (right(), sign(OTHER_SECRET, b"x", "1", BODY));
    let mac = right.strip_prefix("v1,").unwrap();
    for list in [
        "v1,".to_owned(),
        "v1".to_owned(),
        ",".to_owned(),
        mac.to_owned(),
        right[..8].to_owned(),
        right[..right.len() - 1].to_owned(),
        format!("{right}="),
        format!("{right}AAAA"),
        format!("v2,{mac}"),
        format!("v1a,{mac}"),
        format!("V1,{mac}"),
        format!("v1, {mac}"),
        format!("v1,{wrong},{mac}"),
        format!("{wrong} {wrong}"),
        right.replace(',', " "),
        right.to_lowercase(),
    ] {
        assert_eq!(signed(&list), Err(Refusal::SignatureInvalid), "{list}");
    }
}

#[test]
fn old_and_new_secret_hold_together() {
    let both = receiver(&[OTHER_SECRET, SECRET]);
    assert!(
        both.receive(&honest(BODY), &Bytes::from(BODY), at(NOW))
            .is_ok()
    );
    let other = receiver(&[OTHER_SECRET]);
    assert_eq!(
        other.receive(&honest(BODY), &Bytes::from(BODY), at(NOW)),
        Err(Refusal::SignatureInvalid)
    );
}

#[test]
fn unusable_secrets_are_named_by_place() {
    let new = |secrets: &[&str]| {
        Receiver::new(ReceiverConfig {
            secrets: secrets.iter().map(|one| SecretString::from(*one)).collect(),
            instance_id: None,
        })
        .unwrap_err()
    };
    assert_eq!(new(&[]), SecretError::NoneGiven);
    assert_eq!(new(&[SECRET, ""]), SecretError::Empty { position: 2 });
    assert_eq!(new(&["whsec_?"]), SecretError::NotBase64 { position: 1 });
}

#[test]
fn each_header_is_there_exactly_once() {
    for family in ["svix", "webhook"] {
        let whole = headers(family, MESSAGE_ID.as_bytes(), &NOW.to_string(), &right());
        assert_eq!(judge(&whole, BODY, NOW), Ok(()));
        for part in ["id", "timestamp", "signature"] {
            let name: &'static str = format!("{family}-{part}").leak();
            let mut without = whole.clone();
            without.remove(name);
            assert_eq!(
                judge(&without, BODY, NOW),
                Err(Refusal::HeaderMissing { header: name })
            );
            let mut blank = whole.clone();
            blank.insert(name, HeaderValue::from_static(""));
            assert_eq!(
                judge(&blank, BODY, NOW),
                Err(Refusal::HeaderInvalid { header: name })
            );
            // Even twice the same is once too many.
            let mut twice = whole.clone();
            twice.append(name, whole[name].clone());
            assert_eq!(
                judge(&twice, BODY, NOW),
                Err(Refusal::HeaderDuplicated { header: name })
            );
        }
    }
    assert_eq!(
        judge(&HeaderMap::new(), BODY, NOW),
        Err(Refusal::HeaderMissing { header: "svix-id" })
    );
}

#[test]
fn two_families_never_mix() {
    // Svix's names are there, so they alone count, and the honest unbranded headers do not make up for them.
    let mut mixed = headers("webhook", MESSAGE_ID.as_bytes(), &NOW.to_string(), &right());
    mixed.insert("svix-id", HeaderValue::from_static(MESSAGE_ID));
    assert_eq!(
        judge(&mixed, BODY, NOW),
        Err(Refusal::HeaderMissing {
            header: "svix-timestamp"
        })
    );
    let mut both = honest(BODY);
    both.extend(headers("webhook", b"msg_other", "1", "v1,AAAA"));
    let delivery = receiver(&[SECRET])
        .receive(&both, &Bytes::from(BODY), at(NOW))
        .unwrap();
    assert_eq!(delivery.message_id, MESSAGE_ID);
}

#[test]
fn the_clock_is_judged_after_the_signature_and_inclusively() {
    let honest = honest(BODY);
    for (now, judgement) in [
        (NOW + 300, Ok(())),
        (NOW + 301, Err(Refusal::TimestampExpired)),
        (NOW - 300, Ok(())),
        (NOW - 301, Err(Refusal::TimestampInFuture)),
    ] {
        assert_eq!(judge(&honest, BODY, now), judgement, "{now}");
        // Who cannot sign learns nothing about our clock.
        assert_eq!(
            judge(&honest, b"{}", now),
            Err(Refusal::SignatureInvalid),
            "{now}"
        );
    }
}

#[test]
fn a_timestamp_is_plain_digits() {
    let now = NOW.to_string();
    for timestamp in [
        format!("+{now}"),
        format!("-{now}"),
        format!("0{now}"),
        format!("{now}.5"),
        format!(" {now}"),
        format!("{now}e0"),
        "0x10".to_owned(),
        "99999999999999999999".to_owned(),
        "tomorrow".to_owned(),
        "\u{661}".to_owned(),
    ] {
        let signature = sign(SECRET, MESSAGE_ID.as_bytes(), &timestamp, BODY);
        let headers = headers("svix", MESSAGE_ID.as_bytes(), &timestamp, &signature);
        assert_eq!(
            judge(&headers, BODY, NOW),
            Err(Refusal::TimestampInvalid),
            "{timestamp}"
        );
    }
    // Milliseconds and the greatest number are numbers, only far ahead.
    for timestamp in [format!("{now}000"), i64::MAX.to_string()] {
        let signature = sign(SECRET, MESSAGE_ID.as_bytes(), &timestamp, BODY);
        let headers = headers("svix", MESSAGE_ID.as_bytes(), &timestamp, &signature);
        assert_eq!(
            judge(&headers, BODY, NOW),
            Err(Refusal::TimestampInFuture),
            "{timestamp}"
        );
    }
}

#[test]
fn authentic_bytes_that_are_no_text_are_taken_and_set_aside() {
    let body = b"{\"type\":\"user.created\xff\"}";
    let delivery = receiver(&[OTHER_SECRET, SECRET])
        .receive(&honest(body), &Bytes::from_static(body), at(NOW))
        .unwrap();
    assert_eq!(
        delivery.effect,
        Effect::Quarantined {
            reason: "the body is not UTF-8 (byte 21)".to_owned()
        }
    );
    assert_eq!(delivery.payload, Payload::Bytes(body.to_vec()));

    let mut other = body.to_vec();
    *other.last_mut().unwrap() = b' ';
    assert_eq!(
        judge(&honest(body), &other, NOW),
        Err(Refusal::SignatureInvalid)
    );
    let right = sign(SECRET, MESSAGE_ID.as_bytes(), &NOW.to_string(), body);
    let mac = right.strip_prefix("v1,").unwrap();
    let judge_list = |list: &str| {
        let headers = headers("svix", MESSAGE_ID.as_bytes(), &NOW.to_string(), list);
        judge(&headers, body, NOW)
    };
    assert_eq!(judge_list(&format!("v1,AAAA v2,x {right} v1,")), Ok(()));
    for list in ["v1,", "v1,AAAA", "v1", mac, &right[..20]] {
        assert_eq!(judge_list(list), Err(Refusal::SignatureInvalid), "{list}");
    }
    for list in [
        format!("v2,{mac}"),
        format!("v1a,{mac}"),
        format!("{right}="),
    ] {
        assert_eq!(judge_list(&list), Err(Refusal::SignatureInvalid), "{list}");
    }
}

#[test]
fn an_odd_but_authentic_message_id_is_kept_as_its_digest() {
    for id in [&b"msg 1"[..], b"msg_\xff", &[b'm'; 300]] {
        let timestamp = NOW.to_string();
        let signature = sign(SECRET, id, &timestamp, BODY);
        let delivery = receiver(&[SECRET])
            .receive(
                &headers("svix", id, &timestamp, &signature),
                &Bytes::from(BODY),
                at(NOW),
            )
            .unwrap();
        assert!(delivery.message_id.starts_with("sha256:"));
    }
}

#[test]
fn a_refusal_becomes_a_line_for_the_ledger() {
    let mut headers = honest(BODY);
    headers.insert(
        "svix-id",
        HeaderValue::from_bytes(&[&b"msg \xff_"[..], &[b'x'; 200]].concat()).unwrap(),
    );
    let refusal = judge(&headers, BODY, NOW).unwrap_err();
    let rejection = refusal.rejection(&headers, at(NOW));
    assert_eq!(rejection.code, "signature_invalid");
    assert_eq!(rejection.received_at, at(NOW));
    let claimed = rejection.claimed_message_id.unwrap();
    assert_eq!(claimed, format!("msg_{}", "x".repeat(124)));

    let nothing = Refusal::HeaderMissing { header: "svix-id" };
    let rejection = nothing.rejection(&HeaderMap::new(), at(NOW));
    assert_eq!(rejection.code, "header_missing");
    assert_eq!(rejection.claimed_message_id, None);
}

/// An entry of a signature header, given the right one.
fn entry() -> impl Strategy<Value = fn(&str) -> String> {
    let entries: [fn(&str) -> String; 9] = [
        |right| right.to_owned(),
        |right| format!("{right}="),
        |right| right.replace("v1,", "v2,"),
        |right| right.replace("v1,", "v1,,"),
        |right| right.replace("v1,", " v1,"),
        |right| right.to_ascii_lowercase(),
        |right| right[..20].to_owned(),
        |_| "v1,".to_owned(),
        |_| "nonsense".to_owned(),
    ];
    prop::sample::select(entries.to_vec())
}

proptest! {
    #[test]
    fn text_is_believed_where_svixs_library_believes_it(
        body in "\\PC{0,200}",
        id in "[!-~]{1,40}",
        entries in prop::collection::vec(entry(), 1..4),
    ) {
        let right = sign(SECRET, id.as_bytes(), &NOW.to_string(), body.as_bytes());
        let list: Vec<String> = entries.into_iter().map(|entry| entry(&right)).collect();
        let headers = headers("svix", id.as_bytes(), &NOW.to_string(), &list.join(" "));
        let library = svix::webhooks::Webhook::new(SECRET).unwrap();
        let believes = library.verify_ignoring_timestamp(body.as_bytes(), &headers).is_ok();
        let ours = judge(&headers, body.as_bytes(), NOW);
        prop_assert_eq!(ours.is_ok(), believes, "{:?}: {:?}", list, ours);
    }

    #[test]
    fn a_message_with_one_byte_changed_is_refused(
        body in prop::collection::vec(any::<u8>(), 1..200),
        id in "[!-~]{1,40}",
        part in 0..3_usize,
        place in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let timestamp = NOW.to_string();
        let signature = sign(SECRET, id.as_bytes(), &timestamp, &body);
        let mut sent = [id.into_bytes(), timestamp.into_bytes(), body];
        let honest = headers("svix", &sent[0], std::str::from_utf8(&sent[1]).unwrap(), &signature);
        prop_assert_eq!(judge(&honest, &sent[2], NOW), Ok(()));

        let place = place.index(sent[part].len());
        prop_assume!(sent[part][place] != to);
        sent[part][place] = to;
        let mut forged = honest;
        for (name, value) in [("svix-id", &sent[0]), ("svix-timestamp", &sent[1])] {
            match HeaderValue::from_bytes(value) {
                Ok(value) => forged.insert(name, value),
                // HTTP itself refuses such a header.
                Err(_) => return Ok(()),
            };
        }
        let refusal = judge(&forged, &sent[2], NOW).unwrap_err();
        prop_assert!(matches!(refusal, Refusal::SignatureInvalid | Refusal::TimestampInvalid));
    }
}
