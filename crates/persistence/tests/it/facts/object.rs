//! Roles, for all objects that are kept as they came.

use domain::{ClerkId, Delivery, ObjectKind, ObjectWrite, Step, Write};
use serde_json::Value;

use super::{Envelope, envelope_words, fresh_message_id, id};

/// `role.updated`
#[derive(Debug, Clone)]
pub(crate) struct ObjectFact {
    envelope: Envelope,
    clerk_id: ClerkId,
    data: Value,
}
envelope_words!(ObjectFact);

pub(crate) fn role(clerk_id: &str, data: Value) -> ObjectFact {
    ObjectFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        clerk_id: id(clerk_id),
        data,
    }
}

impl From<ObjectFact> for Delivery {
    fn from(fact: ObjectFact) -> Self {
        let precedence = fact.envelope.place(&fact.data);
        let ObjectFact {
            envelope,
            clerk_id,
            data,
        } = fact;
        envelope.telling(Write::Object(Box::new(ObjectWrite {
            kind: ObjectKind::Role,
            clerk_id,
            data,
            precedence,
        })))
    }
}
