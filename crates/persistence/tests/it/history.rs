//! Random histories of a few users, sessions and organizations, with ties in every time and times that cannot be
//! believed.

use domain::Delivery;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::json;

use crate::facts::{POISONED, deleted_organization, deleted_user, organization, session, user};

/// How many there are of each kind of object.
pub(crate) const OBJECTS: usize = 3;

/// When a session began; the same in every event about it.
pub(crate) fn began(session: usize) -> i64 {
    3 + 2 * i64::try_from(session).unwrap()
}

/// When and in which place a fact was told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) updated: i64,
    pub(crate) stated: i64,
}

#[derive(Debug, Clone)]
pub(crate) enum Fact {
    User {
        user: usize,
        told: Told,
        is_creation: bool,
        name: String,
        emails: Vec<bool>,
        last_sign_in: Option<i64>,
        is_banned: bool,
        role: &'static str,
    },
    UserDeleted {
        user: usize,
        at: i64,
    },
    Session {
        session: usize,
        told: Told,
        is_creation: bool,
        /// Clerk's types let an event leave the user out.
        names_user: bool,
        status: &'static str,
        client_ip: String,
    },
    Organization {
        organization: usize,
        told: Told,
        name: String,
    },
    OrganizationDeleted {
        organization: usize,
        at: i64,
    },
}

/// What happened, and how it comes here.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) facts: Vec<Fact>,
    /// Indices into `facts`: each at least once, in any order.
    pub(crate) arrivals: Vec<usize>,
    /// How many deliveries are under way at one time.
    pub(crate) at_once: usize,
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![9 => 0_i64..12, 1 => Just(POISONED), 1 => Just(POISONED + 1)]
}

fn told() -> impl Strategy<Value = Told> {
    (time(), time()).prop_map(|(updated, stated)| Told { updated, stated })
}

fn fact() -> impl Strategy<Value = Fact> {
    let word = || "[a-c]";
    let user = (
        0..OBJECTS,
        told(),
        any::<bool>(),
        word(),
        vec(any::<bool>(), 0..3),
        option::of(0_i64..12),
        any::<bool>(),
        prop_oneof![Just("growth"), Just("solo"), Just("root")],
    )
        .prop_map(
            |(user, told, is_creation, name, emails, last_sign_in, is_banned, role)| Fact::User {
                user,
                told,
                is_creation,
                name,
                emails,
                last_sign_in,
                is_banned,
                role,
            },
        );
    let live = prop_oneof![Just("active"), Just("pending")];
    let state = prop_oneof![
        Just("active"),
        Just("pending"),
        Just("ended"),
        Just("removed"),
        Just("revoked")
    ];
    let session = (
        0..OBJECTS,
        told(),
        any::<bool>(),
        any::<bool>(),
        live,
        state,
        word(),
    )
        .prop_map(
            |(session, told, is_creation, names_user, live, state, client_ip)| Fact::Session {
                session,
                told,
                is_creation,
                names_user,
                status: if is_creation { live } else { state },
                client_ip,
            },
        );
    let organization =
        (0..OBJECTS, told(), word()).prop_map(|(organization, told, name)| Fact::Organization {
            organization,
            told,
            name,
        });
    prop_oneof![
        6 => user,
        1 => (0..OBJECTS, 0_i64..12).prop_map(|(user, at)| Fact::UserDeleted { user, at }),
        6 => session,
        2 => organization,
        1 => (0..OBJECTS, 0_i64..12).prop_map(|(organization, at)| Fact::OrganizationDeleted { organization, at }),
    ]
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    vec(fact(), 1..24).prop_flat_map(|facts| {
        let count = facts.len();
        let arrivals = vec(0..count, 0..=count / 2)
            .prop_map(move |copies| (0..count).chain(copies).collect::<Vec<_>>())
            .prop_shuffle();
        (Just(facts), arrivals, 1_usize..=8).prop_map(|(facts, arrivals, at_once)| History {
            facts,
            arrivals,
            at_once,
        })
    })
}

impl Fact {
    /// The time to sort by, for somebody who knows nothing of places.
    pub(crate) fn time(&self) -> i64 {
        match self {
            Self::User { told, .. }
            | Self::Session { told, .. }
            | Self::Organization { told, .. } => told.updated,
            Self::UserDeleted { at, .. } | Self::OrganizationDeleted { at, .. } => *at,
        }
    }

    /// The fact about objects whose ids begin with `world`, in a message of this id. `number` is its place in the
    /// history: where all times are the same, the greater one counts.
    pub(crate) fn delivery(&self, world: &str, number: usize, message_id: &str) -> Delivery {
        let digest = u64::try_from(number).unwrap().to_be_bytes();
        let id = |kind: &str, number: usize| format!("{world}{kind}_{number}");
        match self {
            Self::User {
                user: number,
                told,
                is_creation,
                name,
                emails,
                last_sign_in,
                is_banned,
                role,
            } => {
                let mut fact = user(&id("user", *number))
                    .updated(told.updated)
                    .stated(told.stated)
                    .digest(digest)
                    .message(message_id)
                    .named(name)
                    .metadata(json!({"role": role}));
                if *is_creation {
                    fact = fact.created();
                }
                for (number, is_primary) in emails.iter().enumerate() {
                    fact = fact.address(&format!("{name}{number}@example.com"), true, *is_primary);
                }
                if let Some(at) = last_sign_in {
                    fact = fact.last_sign_in(*at);
                }
                if *is_banned {
                    fact = fact.banned();
                }
                fact.into()
            }
            Self::UserDeleted { user, at } => deleted_user(&id("user", *user))
                .updated(*at)
                .message(message_id)
                .into(),
            Self::Session {
                session: number,
                told,
                is_creation,
                names_user,
                status,
                client_ip,
            } => {
                let mut fact = session(&id("sess", *number), status)
                    .of(&id("user", *number))
                    .since(began(*number))
                    .updated(told.updated)
                    .stated(told.stated)
                    .digest(digest)
                    .message(message_id);
                if *is_creation {
                    fact = fact.signed_in(client_ip, "Browser/1");
                }
                if !names_user {
                    fact = fact.of_nobody();
                }
                fact.into()
            }
            Self::Organization {
                organization: number,
                told,
                name,
            } => organization(&id("org", *number), json!({"name": name}))
                .updated(told.updated)
                .stated(told.stated)
                .digest(digest)
                .message(message_id)
                .into(),
            Self::OrganizationDeleted { organization, at } => {
                deleted_organization(&id("org", *organization))
                    .told(json!({"deleted": true}))
                    .updated(*at)
                    .message(message_id)
                    .into()
            }
        }
    }
}
