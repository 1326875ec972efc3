//! What other tables know of users who are about to be written.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;
use domain::{Deletion, ObjectKind, Write};

use super::addresses::{self, AddressRow};
use super::guarded::Context;
use super::standing::{self, Standing};
use super::{Conn, plans, sessions};
use crate::column::Time;

/// What other tables know of some users, by Clerk's id; of users of whom they know nothing there is nothing here.
pub(super) struct AboutUsers {
    /// What their roles and tiers follow from.
    pub(super) standing: Standing,
    /// Their latest sign-ins among the sessions told of.
    pub(super) sign_ins: HashMap<String, Time>,
    /// Their addresses.
    pub(super) addresses: HashMap<String, Vec<AddressRow>>,
}

impl AboutUsers {
    /// Reads it, about the users who are [`written`].
    pub(super) async fn read(
        conn: &mut Conn,
        users: &[&str],
        context: &Context<'_>,
    ) -> QueryResult<Self> {
        let (places, plans, sign_ins, addresses) = together!(
            conn;
            standing::places_of(users, context),
            plans::of_users(users),
            sessions::latest_sign_ins(users),
            addresses::of_users(users),
        )?;
        Ok(Self {
            standing: Standing { places, plans },
            sign_ins,
            addresses,
        })
    }
}

/// The ids of the users whose rows these writes are about.
pub(super) fn written<'a>(writes: impl IntoIterator<Item = &'a Write>) -> Vec<&'a str> {
    let ids: BTreeSet<&str> = writes
        .into_iter()
        .filter_map(|write| match write {
            Write::User(write) => Some(write.profile.clerk_user_id.as_str()),
            Write::Deletion(Deletion {
                kind: ObjectKind::User,
                clerk_id,
                ..
            }) => Some(clerk_id.as_str()),
            _ => None,
        })
        .collect();
    ids.into_iter().collect()
}
