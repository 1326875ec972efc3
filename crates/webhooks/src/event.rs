//! What proven bytes change.

use chrono::{DateTime, Utc};
use domain::{ClerkId, Delivery, Effect, ObjectKind, Payload};
use mapping::{Notes, Placing, Unmappable, holds_nul, visible};
use serde_json::Value;

use crate::{
    Arrival,
    content_digest::Canonical,
    effect::effect,
    envelope::{Envelope, MAX_NAME},
    event_types::EventType,
    redaction::{self, Redacted},
};

/// Reads an authentic event; never fails. `body` is what came, or what the ledger kept of it: reading a delivery's own
/// payload again, with the same arrival, gives the same delivery (a message of which only a stub was kept stays
/// quarantined). Events of another Clerk instance than `instance_id` are quarantined; those that name none are taken.
#[must_use]
pub fn read_event(arrival: Arrival, body: Payload, instance_id: Option<&str>) -> Delivery {
    match body {
        Payload::Json(text) => match parse(text.as_str().as_bytes()) {
            Ok(value) => read_value(arrival, value, None, instance_id),
            Err(reason) => unreadable(arrival, text.as_str().as_bytes(), reason),
        },
        Payload::Bytes(bytes) => read_bytes(arrival, &bytes, instance_id),
    }
}

/// [`read_event`] of bytes, without a copy of them where they are JSON.
pub(crate) fn read_bytes(arrival: Arrival, body: &[u8], instance_id: Option<&str>) -> Delivery {
    match parse(body) {
        Ok(value) => read_value(arrival, value, Some(body), instance_id),
        Err(reason) => unreadable(arrival, body, reason),
    }
}

fn parse(body: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(body)
        .map_err(|fault| format!("the body is not UTF-8 (byte {})", fault.valid_up_to()))?;
    serde_json::from_str(text).map_err(|fault| {
        // The parser has no other sign of it than its words.
        let problem = if fault.to_string().starts_with("recursion limit") {
            "is nested too deep"
        } else {
            "is not JSON"
        };
        let (line, column) = (fault.line(), fault.column());
        format!("the body {problem} (line {line}, column {column})")
    })
}

fn unreadable(arrival: Arrival, body: &[u8], reason: String) -> Delivery {
    let payload = if redaction::bytes_may_hold_message(body) {
        Payload::Json(redaction::stub("").into())
    } else {
        Payload::Bytes(body.to_vec())
    };
    Delivery {
        message_id: arrival.message_id,
        event_type: String::new(),
        object_id: None,
        instance_id: None,
        occurred_at: None,
        received_at: arrival.received_at,
        payload,
        effect: Effect::Quarantined { reason },
        notes: Vec::new(),
    }
}

/// What the ledger's line says besides the effect.
#[derive(Default)]
struct Head {
    event_type: String,
    object_id: Option<String>,
    instance_id: Option<String>,
    occurred_at: Option<DateTime<Utc>>,
}

fn read_value(
    arrival: Arrival,
    body: Value,
    raw: Option<&[u8]>,
    instance_id: Option<&str>,
) -> Delivery {
    // First of all, so that nothing below can see a message's words. The digest is of what is left: a replay has no
    // more, and one of the whole would let a short code be guessed.
    let Redacted {
        body,
        is_message,
        is_whole,
    } = redaction::redact(body);
    let canonical = Canonical::of(&body);
    let mut notes = Notes::default();
    let (head, effect) = match Envelope::read(&body, &mut notes) {
        Ok(envelope) => {
            let effect = effect_of(
                &envelope,
                arrival.received_at,
                canonical.digest(),
                instance_id,
                &mut notes,
            );
            (head_of(&envelope), effect)
        }
        Err(fault) => (Head::default(), Err(fault)),
    };
    let payload = if is_message {
        Payload::Json(match effect {
            Ok(_) => body.into(),
            Err(_) => redaction::stub(&head.event_type).into(),
        })
    } else if canonical.may_hold_nul() && holds_nul(&body) {
        let raw = raw.filter(|_| is_whole);
        Payload::Bytes(raw.map_or_else(|| body.to_string().into_bytes(), <[u8]>::to_vec))
    } else {
        Payload::Json(canonical.into_text(body))
    };
    let Head {
        event_type,
        object_id,
        instance_id,
        occurred_at,
    } = head;
    Delivery {
        message_id: arrival.message_id,
        event_type,
        object_id,
        instance_id,
        occurred_at,
        received_at: arrival.received_at,
        payload,
        effect: effect.unwrap_or_else(|fault| Effect::Quarantined {
            reason: fault.to_string(),
        }),
        notes: notes.into_lines(),
    }
}

fn head_of(envelope: &Envelope<'_>) -> Head {
    Head {
        event_type: envelope
            .type_name()
            .map_or_else(|_| String::new(), |name| visible(name.as_bytes(), MAX_NAME)),
        object_id: envelope
            .data()
            .and_then(|data| data.id("id"))
            .ok()
            .map(ClerkId::into_string),
        instance_id: envelope.instance_id.clone(),
        occurred_at: envelope.stated,
    }
}

fn effect_of(
    envelope: &Envelope<'_>,
    received_at: DateTime<Utc>,
    digest: [u8; 8],
    instance_id: Option<&str>,
    notes: &mut Notes,
) -> Result<Effect, Unmappable> {
    let name = envelope.type_name()?;
    if let (Some(sent), Some(wanted)) = (envelope.instance_id.as_deref(), instance_id)
        && sent != wanted
    {
        return Ok(Effect::Quarantined {
            reason: format!("event is of instance {sent}, this server is configured for {wanted}"),
        });
    }
    let Some(event_type) = EventType::parse(name) else {
        let reason = match ObjectKind::of_event(name) {
            Some(kind) => format!("unknown event of a known kind, {kind}"),
            None => "unknown kind of event".to_owned(),
        };
        return Ok(Effect::Ignored { reason });
    };
    let data = envelope.data()?;
    let placing = Placing::new(envelope.stated, received_at, event_type.step(), digest);
    if envelope.stated.is_some() && !placing.is_stated() {
        notes.add("timestamp lies more than a day ahead and is not believed");
    }
    effect(envelope, &data, event_type, &placing, notes)
}
