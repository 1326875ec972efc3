//! Random histories of a few objects of every kind, with ties in every time and times that cannot be
//! believed.

use domain::{Delivery, ObjectKind, Payer};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use serde_json::json;

use crate::facts::{
    POISONED, RECEIVED, at, deleted, id, item, membership, organization, role, session,
    subscription, user,
};

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
    /// Of those kinds that Clerk deletes.
    Deleted {
        kind: ObjectKind,
        object: usize,
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
    Membership {
        membership: usize,
        told: Told,
        user: usize,
        organization: usize,
        role: String,
    },
    Subscription {
        subscription: usize,
        told: Told,
        payer: Paying,
        status: String,
    },
    Item {
        item: usize,
        told: Told,
        payer: Paying,
        status: &'static str,
        plan: &'static str,
        /// When the paid period ends, in milliseconds after the delivery.
        ends_in: Option<i64>,
    },
    Role {
        role: usize,
        told: Told,
        name: String,
    },
}

/// Who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paying {
    User(usize),
    Organization(usize),
    Nobody,
}

impl Paying {
    fn payer(self, world: &str) -> Option<Payer> {
        match self {
            Self::User(number) => Some(Payer::User(id(&format!("{world}user_{number}")))),
            Self::Organization(number) => {
                Some(Payer::Organization(id(&format!("{world}org_{number}"))))
            }
            Self::Nobody => None,
        }
    }
}

/// The kinds that Clerk deletes, and how their ids begin.
const MORTAL: [(ObjectKind, &str); 4] = [
    (ObjectKind::User, "user"),
    (ObjectKind::Organization, "org"),
    (ObjectKind::Membership, "orgmem"),
    (ObjectKind::Role, "role"),
];

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
    let membership = (0..OBJECTS, told(), 0..OBJECTS, 0..OBJECTS, word()).prop_map(
        |(membership, told, user, organization, role)| Fact::Membership {
            membership,
            told,
            user,
            organization,
            role,
        },
    );
    let payer = || {
        prop_oneof![
            4 => (0..OBJECTS).prop_map(Paying::User),
            4 => (0..OBJECTS).prop_map(Paying::Organization),
            1 => Just(Paying::Nobody),
        ]
    };
    let subscription =
        (0..OBJECTS, told(), payer(), word()).prop_map(|(subscription, told, payer, status)| {
            Fact::Subscription {
                subscription,
                told,
                payer,
                status,
            }
        });
    let item = (
        0..OBJECTS,
        told(),
        payer(),
        prop_oneof![
            Just("active"),
            Just("canceled"),
            Just("past_due"),
            Just("ended")
        ],
        prop_oneof![3 => Just("pro"), 1 => Just("hobby")],
        option::of(-2_i64..3),
    )
        .prop_map(|(item, told, payer, status, plan, ends_in)| Fact::Item {
            item,
            told,
            payer,
            status,
            plan,
            ends_in,
        });
    let role =
        (0..OBJECTS, told(), word()).prop_map(|(role, told, name)| Fact::Role { role, told, name });
    let deletion =
        (0..MORTAL.len(), 0..OBJECTS, 0_i64..12).prop_map(|(kind, object, at)| Fact::Deleted {
            kind: MORTAL[kind].0,
            object,
            at,
        });
    prop_oneof![
        6 => user,
        6 => session,
        2 => organization,
        2 => membership,
        2 => subscription,
        5 => item,
        2 => role,
        3 => deletion,
    ]
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    vec(fact(), 1..32).prop_flat_map(|facts| {
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
            | Self::Organization { told, .. }
            | Self::Membership { told, .. }
            | Self::Subscription { told, .. }
            | Self::Item { told, .. }
            | Self::Role { told, .. } => told.updated,
            Self::Deleted { at, .. } => *at,
        }
    }

    /// The fact about objects whose ids begin with `world`, in a message of this id. `number` is its place in the
    /// history: where all times are the same, the greater one counts.
    pub(crate) fn delivery(&self, world: &str, number: usize, message_id: &str) -> Delivery {
        let digest = u64::try_from(number).unwrap().to_be_bytes();
        let id = |prefix: &str, number: usize| format!("{world}{prefix}_{number}");
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
            } => organization(&id("org", *number))
                .named(name)
                .updated(told.updated)
                .stated(told.stated)
                .digest(digest)
                .message(message_id)
                .into(),
            Self::Membership {
                membership: number,
                told,
                user,
                organization,
                role,
            } => membership(&id("orgmem", *number))
                .joins(&id("user", *user), &id("org", *organization))
                .in_role(role)
                .updated(told.updated)
                .stated(told.stated)
                .digest(digest)
                .message(message_id)
                .into(),
            Self::Subscription {
                subscription: number,
                told,
                payer,
                status,
            } => subscription(&id("csub", *number), status)
                .paid_by(payer.payer(world))
                .updated(told.updated)
                .stated(told.stated)
                .digest(digest)
                .message(message_id)
                .into(),
            Self::Item {
                item: number,
                told,
                payer,
                status,
                plan,
                ends_in,
            } => {
                let mut fact = item(&id("csub_item", *number), status, plan)
                    .within_subscription(&id("csub", *number))
                    .paid_by(payer.payer(world))
                    .updated(told.updated)
                    .stated(told.stated)
                    .digest(digest)
                    .message(message_id);
                if let Some(ends_in) = ends_in {
                    fact = fact.until(at(RECEIVED + ends_in));
                }
                fact.into()
            }
            Self::Role {
                role: number,
                told,
                name,
            } => role(&id("role", *number), json!({"name": name}))
                .updated(told.updated)
                .stated(told.stated)
                .digest(digest)
                .message(message_id)
                .into(),
            Self::Deleted { kind, object, at } => {
                let (_, prefix) = MORTAL.iter().find(|(mortal, _)| mortal == kind).unwrap();
                deleted(*kind, &id(prefix, *object))
                    .updated(*at)
                    .message(message_id)
                    .into()
            }
        }
    }
}
