//! What Clerk has and what the mirror has, in one form that can be compared table by table.
//!
//! It shares no code with the sweep, which it is there to check.

use std::collections::BTreeMap;

use domain::{Listing, Mirrored};
use emulator::Emulator;
use persistence::Store;
use serde_json::{Value, json};

/// Rows by Clerk's id.
type Table = BTreeMap<String, Value>;

/// Users, organizations and memberships.
#[derive(Debug, PartialEq)]
pub struct Likeness([Table; 3]);

impl Likeness {
    /// How many rows are not the same in both.
    #[must_use]
    pub fn differences(&self, other: &Self) -> usize {
        let tables = self.0.iter().zip(&other.0);
        tables
            .map(|(ours, theirs)| {
                let mut ids: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
                ids.sort();
                ids.dedup();
                ids.retain(|id| ours.get(*id) != theirs.get(*id));
                ids.len()
            })
            .sum()
    }

    /// How many users, organizations and memberships there are.
    #[must_use]
    pub fn sizes(&self) -> [usize; 3] {
        [0, 1, 2].map(|place| self.0[place].len())
    }
}

/// What Clerk has.
///
/// # Panics
/// When its state is not as it says it is.
#[must_use]
pub fn at_clerk(clerk: &Emulator) -> Likeness {
    let users = clerk.with_users(|users| {
        users
            .map(|user| {
                let row = json!({
                    "email": user.primary_email(), "first_name": user.first_name, "last_name": user.last_name,
                    "public_metadata": user.public_metadata, "banned": user.banned, "version": user.updated_at,
                });
                (user.id.clone(), row)
            })
            .collect()
    });
    let state = clerk.snapshot();
    let rows = |name: &str, row: fn(&Value) -> Value| {
        let objects = state[name].as_array().expect("the shape of its state");
        objects
            .iter()
            .map(|object| {
                (
                    object["id"]
                        .as_str()
                        .expect("the shape of its state")
                        .to_owned(),
                    row(object),
                )
            })
            .collect()
    };
    let organizations = rows("organizations", |it| {
        json!({
            "name": it["name"], "slug": it["slug"], "public_metadata": it["public_metadata"],
            "created_by": it["created_by"], "version": it["updated_at"],
        })
    });
    let memberships = rows("organization_memberships", |it| {
        json!({
            "organization": it["organization"]["id"], "user": it["public_user_data"]["user_id"], "role": it["role"],
            "public_metadata": it["public_metadata"], "version": it["updated_at"],
        })
    });
    Likeness([users, organizations, memberships])
}

/// What the mirror has.
///
/// # Panics
/// When the store cannot be read.
pub async fn mirrored(store: &Store) -> Likeness {
    let mut tables = [Table::new(), Table::new(), Table::new()];
    for (table, listing) in tables.iter_mut().zip(Listing::ALL) {
        let mut after = None;
        loop {
            let rows = store
                .rows
                .live_after(*listing, after, 500)
                .await
                .expect("rows of the mirror");
            let Some(last) = rows.last() else { break };
            after = Some(last.clerk_id().clone());
            table.extend(
                rows.iter()
                    .map(|row| (row.clerk_id().to_string(), shown(row))),
            );
        }
    }
    Likeness(tables)
}

fn shown(row: &Mirrored) -> Value {
    match row {
        Mirrored::User(it, _) => json!({
            "email": it.email, "first_name": it.first_name, "last_name": it.last_name,
            "public_metadata": it.public_metadata, "banned": it.banned, "version": it.version,
        }),
        Mirrored::Organization(it) => json!({
            "name": it.name, "slug": it.slug, "public_metadata": it.public_metadata,
            "created_by": it.created_by, "version": it.version,
        }),
        Mirrored::Membership(it) => json!({
            "organization": it.clerk_organization_id, "user": it.clerk_user_id, "role": it.role,
            "public_metadata": it.public_metadata, "version": it.version,
        }),
        Mirrored::Forgotten(_) => json!("forgotten"),
    }
}
