//! The e-mail addresses of users. Most events about a user leave them as they were: they are compared first, and written
//! only where they differ.

use std::collections::HashMap;

use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper};
use domain::{ClerkId, UserWrite};

use super::run::RunQueryDsl;
use super::{Conn, Link, insertion};
use crate::schema::user_emails;

/// An address as the database gives it back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = user_emails)]
pub(super) struct AddressRow {
    clerk_user_id: String,
    position: i32,
    clerk_email_address_id: Option<String>,
    email_address: String,
    verified: bool,
    is_primary: bool,
}

super::insertion::insertable! {
    #[derive(Clone, PartialEq)]
    pub(super) struct Address<'a> for user_emails {
        clerk_user_id: &'a str,
        position: i32,
        clerk_email_address_id: Option<&'a str>,
        email_address: &'a str,
        verified: bool,
        is_primary: bool,
    }
}

impl<'a> Address<'a> {
    fn told(write: &'a UserWrite) -> Vec<Self> {
        (0_i32..)
            .zip(&write.profile.emails)
            .map(|(position, email)| Self {
                clerk_user_id: write.profile.clerk_user_id.as_str(),
                position,
                clerk_email_address_id: email.clerk_email_address_id.as_ref().map(ClerkId::as_str),
                email_address: &email.email_address,
                verified: email.verified,
                is_primary: email.primary,
            })
            .collect()
    }

    fn stored(row: &'a AddressRow) -> Self {
        Self {
            clerk_user_id: &row.clerk_user_id,
            position: row.position,
            clerk_email_address_id: row.clerk_email_address_id.as_deref(),
            email_address: &row.email_address,
            verified: row.verified,
            is_primary: row.is_primary,
        }
    }
}

/// The addresses of these users, each user's in their order.
pub(super) async fn of_users(
    mut link: Link<'_>,
    ids: &[&str],
) -> QueryResult<HashMap<String, Vec<AddressRow>>> {
    let mut of: HashMap<String, Vec<AddressRow>> = HashMap::new();
    if ids.is_empty() {
        return Ok(of);
    }
    let rows: Vec<AddressRow> = user_emails::table
        .filter(user_emails::clerk_user_id.eq_any(ids))
        .select(AddressRow::as_select())
        .load(&mut link)
        .await?;
    for row in rows {
        of.entry(row.clerk_user_id.clone()).or_default().push(row);
    }
    for addresses in of.values_mut() {
        addresses.sort_unstable_by_key(|address| address.position);
    }
    Ok(of)
}

/// What is to become of addresses.
#[derive(Default)]
pub(super) struct Moves<'a> {
    /// Users whose addresses are to go.
    pub(super) outdated: Vec<&'a str>,
    /// Addresses that take their place.
    pub(super) new: Vec<Address<'a>>,
}

impl<'a> Moves<'a> {
    /// What has to happen for these profiles' addresses to stand in the place of those that are `stored`.
    pub(super) fn of(
        written: impl Iterator<Item = &'a UserWrite>,
        stored: &HashMap<String, Vec<AddressRow>>,
    ) -> Self {
        let mut moves = Self::default();
        for write in written {
            let id = write.profile.clerk_user_id.as_str();
            let stored = stored.get(id).map_or(&[][..], Vec::as_slice);
            let told = Address::told(write);
            if stored.iter().map(Address::stored).eq(told.iter().cloned()) {
                continue;
            }
            if !stored.is_empty() {
                moves.outdated.push(id);
            }
            moves.new.extend(told);
        }
        moves
    }
}

/// Puts the addresses of users whose profiles were written in the place of those that are `stored`.
pub(super) async fn replace(
    conn: &mut Conn,
    written: impl Iterator<Item = &UserWrite>,
    stored: &HashMap<String, Vec<AddressRow>>,
) -> QueryResult<()> {
    let Moves { outdated, new } = Moves::of(written, stored);
    together!(conn; delete(outdated), insertion::insert(new)).map(drop)
}

/// Takes the addresses of users away.
pub(super) async fn delete(mut link: Link<'_>, of_users: Vec<&str>) -> QueryResult<()> {
    if !of_users.is_empty() {
        diesel::delete(user_emails::table.filter(user_emails::clerk_user_id.eq_any(of_users)))
            .execute(&mut link)
            .await?;
    }
    Ok(())
}
