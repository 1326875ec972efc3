//! What becomes of profiles, worked out here from the rows behind the lock, so that a batch of nothing but profiles, which
//! is what most batches are, asks the database twice: what it knows, and then everything that is to be written, with the
//! commit. The rows are written by the statements that write them anywhere; foreseen is what the feed and the ledger say
//! of them. Whatever is out of the ordinary is not foreseen, and goes the longer way (`super::apply`).
//!
//! Nobody else writes a user's row meanwhile: all who do hold the write lock. Should a row be other than it was, the
//! database refuses the batch ([`user_writes::put`](super::user_writes::put)), and each delivery goes the longer way.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use domain::{ChangeOp, UserWrite, Write};
use serde_json::{Map, Value};

use super::about_users::AboutUsers;
use super::addresses::Moves;
use super::changes::News;
use super::forgotten::ABOVE_ALL;
use super::guarded::Context;
use super::run::RunQueryDsl;
use super::user_rows::{NewUser, UserRow, change};
use super::{Link, notices};
use crate::column::Time;
use crate::schema::users;

/// A user's row, with what only a guard asks for.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct Stored {
    #[diesel(embed)]
    row: UserRow,
    precedence: Vec<u8>,
}

impl Stored {
    fn is_forgotten(&self) -> bool {
        self.precedence == ABOVE_ALL
    }
}

/// Rows by Clerk's id.
pub(super) type Rows = HashMap<String, Stored>;

/// What is to be written.
pub(super) struct Foreseen<'a> {
    /// Newer profiles.
    pub(super) rows: Vec<NewUser<'a>>,
    /// What becomes of addresses.
    pub(super) addresses: Moves<'a>,
    /// What the feed tells.
    pub(super) seen: Vec<News>,
    /// For each group, whether it changed anything that others see.
    pub(super) changed: Vec<bool>,
}

/// Whether these groups are of the kind that is foreseen: at most one profile each, and none of the same user.
pub(super) fn may_be<'a>(
    groups: impl IntoIterator<Item = &'a [Write]>,
    context: &Context<'_>,
) -> bool {
    let mut users = HashSet::new();
    let mut are_profiles = groups.into_iter().all(|writes| match writes {
        [] => true,
        [Write::User(write)] => users.insert(write.profile.clerk_user_id.as_str()),
        _ => false,
    });
    are_profiles &= !context.policy.relinks_verified();
    are_profiles
}

/// The rows of these users; none is asked for where nothing is to be foreseen.
pub(super) async fn rows_of(mut link: Link<'_>, ids: &[&str]) -> QueryResult<Rows> {
    if ids.is_empty() {
        return Ok(Rows::new());
    }
    let rows: Vec<Stored> = users::table
        .filter(users::clerk_user_id.eq_any(ids))
        .select(Stored::as_select())
        .load(&mut link)
        .await?;
    Ok(rows
        .into_iter()
        .map(|stored| (stored.row.clerk_user_id.clone(), stored))
        .collect())
}

/// Those who are forgotten.
pub(super) fn forgotten(rows: &Rows) -> impl Iterator<Item = &str> {
    rows.iter()
        .filter(|(_, stored)| stored.is_forgotten())
        .map(|(id, _)| id.as_str())
}

/// Works out what becomes of groups that [`may_be`] foreseen, of which the first were not dropped or changed meanwhile.
/// `None` where that takes more than a profile's own row.
pub(super) fn of<'a>(
    groups: &[&'a [Write]],
    mut stored: Rows,
    about: &AboutUsers,
    context: &Context<'_>,
) -> Option<Foreseen<'a>> {
    let mut foreseen = Foreseen {
        rows: Vec::with_capacity(groups.len()),
        addresses: Moves::default(),
        seen: Vec::with_capacity(groups.len()),
        changed: Vec::with_capacity(groups.len()),
    };
    let mut newer: Vec<&'a UserWrite> = Vec::with_capacity(groups.len());
    for writes in groups {
        let write = match writes {
            [] => {
                foreseen.changed.push(false);
                continue;
            }
            [Write::User(write)] => write,
            _ => return None,
        };
        let id = write.profile.clerk_user_id.as_str();
        let (before, place) = match stored.remove(id) {
            Some(Stored { row, precedence }) => (Some(row), precedence),
            None => (None, Vec::new()),
        };
        if place >= write.precedence.to_bytes() {
            let known = before.and_then(|row| row.last_login_at);
            // It may tell of a later sign-in all the same.
            if write.profile.last_sign_in_at.map(Time) > known {
                return None;
            }
            foreseen.changed.push(false);
            continue;
        }
        let metadata = &write.profile.public_metadata;
        // A database may write such numbers in another way.
        if holds_floats(metadata) {
            return None;
        }
        let role = about.standing.role(id, metadata, context);
        let tier = about.standing.tier(id, metadata, context);
        if !notices::of(Some(&role), Some(&tier)).is_empty() {
            return None;
        }
        let told = write.profile.last_sign_in_at.map(Time);
        let new = NewUser::told(write, context.policy, context.now)
            .entitled(&role, &tier)
            .signed_in(told.max(about.sign_ins.get(id).copied()));
        let after = new.over(before);
        let is_visible = after.deleted_at.is_none();
        if is_visible {
            foreseen
                .seen
                .push(change(after, ChangeOp::Upsert, context.now)?);
        }
        foreseen.changed.push(is_visible);
        foreseen.rows.push(new);
        newer.push(write);
    }
    foreseen.addresses = Moves::of(newer.into_iter(), &about.addresses);
    Some(foreseen)
}

fn holds_floats(map: &Map<String, Value>) -> bool {
    fn is_float(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.is_f64(),
            Value::Array(list) => list.iter().any(is_float),
            Value::Object(map) => holds_floats(map),
            Value::Null | Value::Bool(_) | Value::String(_) => false,
        }
    }
    map.values().any(is_float)
}
