//! Clerk's side of a delivery: signs as Svix does, with arithmetic of its own.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{Delivery, Effect, Payload, Write};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::Value;
use webhooks::{Arrival, Receiver, ReceiverConfig, read_event};

pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const MESSAGE_ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";

/// 28 May 2024, 08:05 UTC: shortly after the sample events.
pub(crate) const NOW: i64 = 1_716_883_500;

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn at_millis(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

pub(crate) fn receiver(secrets: &[&str]) -> Receiver {
    Receiver::new(ReceiverConfig {
        secrets: secrets
            .iter()
            .map(|secret| SecretString::from(*secret))
            .collect(),
        instance_id: None,
    })
    .unwrap()
}

pub(crate) fn sign(secret: &str, id: &[u8], timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let content = [id, timestamp.as_bytes(), body].join(&b'.');
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &content)))
}

pub(crate) fn headers(family: &str, id: &[u8], timestamp: &str, signature: &str) -> HeaderMap {
    [
        ("id", id),
        ("timestamp", timestamp.as_bytes()),
        ("signature", signature.as_bytes()),
    ]
    .into_iter()
    .map(|(part, value)| {
        (
            HeaderName::try_from(format!("{family}-{part}")).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        )
    })
    .collect()
}

/// The headers of an honest message sent at [`NOW`].
pub(crate) fn honest(body: &[u8]) -> HeaderMap {
    let timestamp = NOW.to_string();
    let signature = sign(SECRET, MESSAGE_ID.as_bytes(), &timestamp, body);
    headers("svix", MESSAGE_ID.as_bytes(), &timestamp, &signature)
}

/// Delivers an honest message at [`NOW`].
pub(crate) fn deliver_bytes(body: &[u8]) -> Delivery {
    receiver(&[SECRET])
        .receive(&honest(body), &Bytes::copy_from_slice(body), at(NOW))
        .unwrap()
}

pub(crate) fn deliver(body: &Value) -> Delivery {
    deliver_bytes(body.to_string().as_bytes())
}

/// Reads a delivery again from what the ledger keeps of it.
pub(crate) fn replay(delivery: &Delivery) -> Delivery {
    let arrival = Arrival {
        message_id: delivery.message_id.clone(),
        received_at: delivery.received_at,
    };
    read_event(arrival, delivery.payload.clone(), None)
}

/// The writes that a delivery stands for.
pub(crate) fn writes_of(delivery: &Delivery) -> &[Write] {
    match &delivery.effect {
        Effect::Writes(writes) => writes,
        other => panic!("no writes: {other:?}"),
    }
}

/// The one write that an event stands for.
pub(crate) fn only_write(event: &Value) -> Write {
    let delivery = deliver(event);
    match writes_of(&delivery) {
        [write] => write.clone(),
        other => panic!("not one write: {other:?}"),
    }
}

pub(crate) fn quarantine_reason(delivery: &Delivery) -> &str {
    match &delivery.effect {
        Effect::Quarantined { reason } => reason,
        other => panic!("not quarantined: {other:?}"),
    }
}

pub(crate) fn payload_json(delivery: &Delivery) -> Value {
    match &delivery.payload {
        Payload::Json(text) => serde_json::from_str(text.as_str()).unwrap(),
        Payload::Bytes(_) => panic!("the payload is kept as bytes"),
    }
}
