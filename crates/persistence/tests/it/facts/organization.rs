//! Organizations, for all objects that are kept as they came.

use domain::{ClerkId, Delivery, Effect, ObjectKind, ObjectWrite, Step};
use serde_json::{Value, json};

use super::{Envelope, at, envelope_words, fresh_message_id, id};

/// An event about an object that is kept as it came.
#[derive(Debug, Clone)]
pub(crate) struct ObjectFact {
    envelope: Envelope,
    clerk_id: ClerkId,
    data: Value,
    is_deletion: bool,
}
envelope_words!(ObjectFact);

/// An organization.
pub(crate) fn organization(clerk_id: &str, data: Value) -> ObjectFact {
    ObjectFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        clerk_id: id(clerk_id),
        data,
        is_deletion: false,
    }
}

/// The organization is gone since the time that `updated` names.
pub(crate) fn deleted_organization(clerk_id: &str) -> ObjectFact {
    ObjectFact {
        is_deletion: true,
        ..organization(clerk_id, json!({"id": clerk_id, "deleted": true}))
    }
}

impl ObjectFact {
    pub(crate) fn told(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

impl From<ObjectFact> for Delivery {
    fn from(fact: ObjectFact) -> Self {
        let place = fact.envelope.place(&fact.data);
        let ObjectFact {
            envelope,
            clerk_id,
            data,
            is_deletion,
        } = fact;
        let object_id = clerk_id.to_string();
        let effect = Effect::Object(Box::new(ObjectWrite {
            kind: ObjectKind::Organization,
            clerk_id,
            data,
            deleted_at: is_deletion.then(|| at(envelope.stated_at)),
            precedence: if is_deletion {
                place.into_final()
            } else {
                place
            },
        }));
        let verb = if is_deletion { "deleted" } else { "updated" };
        envelope.delivery(format!("organization.{verb}"), object_id, effect)
    }
}
