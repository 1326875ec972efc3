//! Deliveries in a few words: `user("user_1").updated(5).named("Ann")`.
//!
//! A time is a number of milliseconds since [`BASE`], and every delivery arrives at [`RECEIVED`]. Unless told
//! otherwise, each delivery is a message of its own and the digest in its place is one of its content.

mod billing;
mod object;
mod organization;
mod session;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ClerkId, Deletion, Delivery, Effect, EmailAddress, MAX_CLOCK_AHEAD, ObjectKind, Payload,
    Precedence, Step, UserProfile, UserWrite, Write,
};
use serde_json::{Value, json};

pub(crate) use billing::{item, subscription};
pub(crate) use object::role;
pub(crate) use organization::{membership, organization};
pub(crate) use session::session;

/// The instant that tests count from, in milliseconds since 1970: 2026-01-01T00:00:00Z.
pub(crate) const BASE: i64 = 1_767_225_600_000;

/// When deliveries arrive.
pub(crate) const RECEIVED: i64 = 1_000_000;

/// Too far ahead of [`RECEIVED`] to be believed.
pub(crate) const POISONED: i64 = RECEIVED + 10 * 24 * 3_600_000;

pub(crate) fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(BASE + millis).unwrap()
}

pub(crate) fn id(text: &str) -> ClerkId {
    ClerkId::parse(text).unwrap()
}

/// A message id that no other delivery of this process has.
fn fresh_message_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("msg_fresh_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn digest_of(content: &impl std::fmt::Debug) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    format!("{content:?}").hash(&mut hasher);
    hasher.finish().to_be_bytes()
}

/// What every delivery has, whatever it says.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) message_id: String,
    pub(crate) updated_at: i64,
    pub(crate) stated_at: i64,
    pub(crate) step: Step,
    pub(crate) digest: Option<[u8; 8]>,
    pub(crate) payload: Payload,
    pub(crate) notes: Vec<String>,
}

impl Envelope {
    /// Of a message of its own about a change at this time.
    pub(crate) fn at(millis: i64) -> Self {
        Self {
            updated_at: millis,
            stated_at: millis,
            ..Self::new(fresh_message_id(), Step::Changed)
        }
    }

    fn new(message_id: String, step: Step) -> Self {
        Self {
            message_id,
            updated_at: 0,
            stated_at: 0,
            step,
            digest: None,
            payload: Payload::Json(json!({"object": "event"}).into()),
            notes: Vec::new(),
        }
    }

    fn place(&self, content: &impl std::fmt::Debug) -> Precedence {
        Precedence::new(
            Some(at(self.updated_at)),
            Some(at(self.stated_at)),
            at(RECEIVED),
            self.step,
            self.digest.unwrap_or_else(|| digest_of(content)),
        )
    }

    /// The object's own time, or what stands in for one that cannot be believed.
    fn believed(&self) -> DateTime<Utc> {
        let credible = |millis: &i64| TimeDelta::milliseconds(millis - RECEIVED) <= MAX_CLOCK_AHEAD;
        let times = [self.updated_at, self.stated_at, RECEIVED];
        at(times.into_iter().find(credible).unwrap_or(RECEIVED))
    }

    fn telling(self, write: Write) -> Delivery {
        let (kind, clerk_id) = write.key();
        let verb = match self.step {
            Step::Created => "created",
            Step::Changed => "updated",
        };
        let event_type = format!("{}.{verb}", kind.event_prefix());
        let object_id = clerk_id.to_string();
        self.delivery(event_type, object_id, Effect::Writes(vec![write]))
    }

    fn delivery(self, event_type: String, object_id: String, effect: Effect) -> Delivery {
        Delivery {
            message_id: self.message_id,
            event_type,
            object_id: Some(object_id),
            instance_id: Some("ins_1".to_owned()),
            occurred_at: Some(at(self.stated_at)),
            received_at: at(RECEIVED),
            payload: self.payload,
            effect,
            notes: self.notes,
        }
    }
}

/// The words that every builder knows.
macro_rules! envelope_words {
    ($builder:ident) => {
        impl $builder {
            /// In the envelope of another.
            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn within(mut self, envelope: $crate::facts::Envelope) -> Self {
                self.envelope = envelope;
                self
            }

            /// The write alone, as a page of Clerk's API gives it.
            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn write(self) -> domain::Write {
                let delivery: domain::Delivery = self.into();
                $crate::facts::effect_writes(&delivery)[0].clone()
            }

            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn message(mut self, id: &str) -> Self {
                self.envelope.message_id = id.to_owned();
                self
            }

            /// The object's `updated_at`, and the envelope's time too.
            pub(crate) fn updated(mut self, millis: i64) -> Self {
                self.envelope.updated_at = millis;
                self.envelope.stated_at = millis;
                self
            }

            /// The envelope's time alone.
            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn stated(mut self, millis: i64) -> Self {
                self.envelope.stated_at = millis;
                self
            }

            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn digest(mut self, digest: [u8; 8]) -> Self {
                self.envelope.digest = Some(digest);
                self
            }

            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn payload(mut self, payload: domain::Payload) -> Self {
                self.envelope.payload = payload;
                self
            }

            #[allow(dead_code, reason = "not every kind of fact needs every word")]
            pub(crate) fn note(mut self, note: &str) -> Self {
                self.envelope.notes.push(note.to_owned());
                self
            }
        }
    };
}

use envelope_words;

/// `user.created` or `user.updated`.
#[derive(Debug, Clone)]
pub(crate) struct UserFact {
    envelope: Envelope,
    profile: UserProfile,
}
envelope_words!(UserFact);

pub(crate) fn user(clerk_user_id: &str) -> UserFact {
    UserFact {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        profile: UserProfile {
            clerk_user_id: id(clerk_user_id),
            external_id: None,
            username: None,
            first_name: None,
            last_name: None,
            image_url: None,
            emails: Vec::new(),
            public_metadata: serde_json::Map::new(),
            banned: false,
            locked: false,
            created_at: at(0),
            updated_at: at(0),
            last_sign_in_at: None,
        },
    }
}

impl UserFact {
    pub(crate) fn created(mut self) -> Self {
        self.envelope.step = Step::Created;
        self
    }

    pub(crate) fn named(mut self, first_name: &str) -> Self {
        self.profile.first_name = Some(first_name.to_owned());
        self
    }

    pub(crate) fn external_id(mut self, external_id: &str) -> Self {
        self.profile.external_id = Some(external_id.to_owned());
        self
    }

    pub(crate) fn surnamed(mut self, last_name: &str) -> Self {
        self.profile.last_name = Some(last_name.to_owned());
        self
    }

    /// One more verified address, not the primary one.
    pub(crate) fn email(self, address: &str) -> Self {
        self.address(address, true, false)
    }

    /// One more verified address, the primary one.
    pub(crate) fn primary_email(self, address: &str) -> Self {
        self.address(address, true, true)
    }

    pub(crate) fn address(mut self, address: &str, verified: bool, primary: bool) -> Self {
        let clerk_id = format!("idn_{}", self.profile.emails.len());
        self.profile.emails.push(EmailAddress {
            clerk_email_address_id: Some(id(&clerk_id)),
            email_address: address.to_owned(),
            verified,
            primary,
        });
        self
    }

    pub(crate) fn metadata(mut self, public_metadata: Value) -> Self {
        self.profile.public_metadata = public_metadata.as_object().unwrap().clone();
        self
    }

    pub(crate) fn banned(mut self) -> Self {
        self.profile.banned = true;
        self
    }

    pub(crate) fn last_sign_in(mut self, millis: i64) -> Self {
        self.profile.last_sign_in_at = Some(at(millis));
        self
    }
}

impl From<UserFact> for Delivery {
    fn from(fact: UserFact) -> Self {
        let UserFact {
            envelope,
            mut profile,
        } = fact;
        profile.updated_at = envelope.believed();
        let precedence = envelope.place(&profile);
        envelope.telling(Write::User(Box::new(UserWrite {
            profile,
            precedence,
        })))
    }
}

/// `….deleted`
#[derive(Debug, Clone)]
pub(crate) struct DeletedObject {
    envelope: Envelope,
    kind: ObjectKind,
    clerk_id: ClerkId,
}
envelope_words!(DeletedObject);

/// Happened at the time that `updated` names.
pub(crate) fn deleted(kind: ObjectKind, clerk_id: &str) -> DeletedObject {
    DeletedObject {
        envelope: Envelope::new(fresh_message_id(), Step::Changed),
        kind,
        clerk_id: id(clerk_id),
    }
}

pub(crate) fn deleted_user(clerk_user_id: &str) -> DeletedObject {
    deleted(ObjectKind::User, clerk_user_id)
}

pub(crate) fn deleted_organization(clerk_organization_id: &str) -> DeletedObject {
    deleted(ObjectKind::Organization, clerk_organization_id)
}

pub(crate) fn deleted_role(clerk_id: &str) -> DeletedObject {
    deleted(ObjectKind::Role, clerk_id)
}

impl From<DeletedObject> for Delivery {
    fn from(fact: DeletedObject) -> Self {
        let DeletedObject {
            envelope,
            kind,
            clerk_id,
        } = fact;
        let object_id = clerk_id.to_string();
        let effect = Effect::Writes(vec![Write::Deletion(Deletion {
            kind,
            clerk_id,
            deleted_at: at(envelope.stated_at),
        })]);
        envelope.delivery(
            format!("{}.deleted", kind.event_prefix()),
            object_id,
            effect,
        )
    }
}

/// What a delivery writes.
///
/// # Panics
/// When it has no effect.
pub(crate) fn effect_writes(delivery: &Delivery) -> &[Write] {
    match &delivery.effect {
        Effect::Writes(writes) => writes,
        other => panic!("it has no effect: {other:?}"),
    }
}

/// A delivery that changes nothing.
pub(crate) fn without_effect(message_id: &str, effect: Effect) -> Delivery {
    Envelope::new(message_id.to_owned(), Step::Changed).delivery(
        "thing.happened".to_owned(),
        "thing_1".to_owned(),
        effect,
    )
}
