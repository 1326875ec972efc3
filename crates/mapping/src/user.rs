//! Users, as events and the Backend API carry them.

use std::collections::BTreeMap;

use domain::{ClerkId, EmailAddress, UserProfile, UserWrite};

use crate::{Fields, Notes, Placing, Unmappable, metadata::public_metadata};

/// The longest e-mail address that SMTP knows, in characters: 64 before the `@` and 255 after it. A longer one cannot
/// receive mail, and an index may be unable to hold it.
const MAX_ADDRESS: usize = 320;

/// Reads a whole user.
///
/// # Errors
/// When it has no usable id, or something that a row must not lose is of the wrong type.
pub fn read_user(
    data: &Fields<'_>,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<UserWrite, Unmappable> {
    let clerk_user_id = data.id("id")?;
    let public_metadata = public_metadata(data, notes)?;
    let primary = data.optional_id("primary_email_address_id", notes);
    let emails = emails(data, primary.as_ref(), notes)?;
    let times = placing.times(data, notes);
    let profile = UserProfile {
        clerk_user_id,
        external_id: data.text("external_id", notes),
        username: data.text("username", notes),
        first_name: data.text("first_name", notes),
        last_name: data.text("last_name", notes),
        image_url: data.text("image_url", notes),
        emails,
        public_metadata,
        banned: data.deciding_flag("banned")?,
        locked: data.flag("locked", notes),
        created_at: times.created_at,
        updated_at: times.updated_at,
        last_sign_in_at: placing.past_time(data, "last_sign_in_at", notes),
    };
    Ok(UserWrite {
        profile,
        precedence: times.precedence,
    })
}

fn emails(
    data: &Fields<'_>,
    primary: Option<&ClerkId>,
    notes: &mut Notes,
) -> Result<Vec<EmailAddress>, Unmappable> {
    let mut emails: Vec<EmailAddress> = Vec::new();
    let mut places = BTreeMap::new();
    for entry in data.objects("email_addresses")? {
        let Some(email) = email(&entry, primary, notes)? else {
            continue;
        };
        let known = email
            .clerk_email_address_id
            .clone()
            .and_then(|id| places.insert(id, emails.len()));
        match known.and_then(|place| emails.get_mut(place).map(|slot| (place, slot))) {
            Some((place, slot)) => {
                entry.note("id", "is given again: the last one counts", notes);
                if let Some(id) = &email.clerk_email_address_id {
                    places.insert(id.clone(), place);
                }
                *slot = email;
            }
            None => emails.push(email),
        }
    }
    Ok(emails)
}

fn email(
    entry: &Fields<'_>,
    primary: Option<&ClerkId>,
    notes: &mut Notes,
) -> Result<Option<EmailAddress>, Unmappable> {
    let clerk_email_address_id = entry.optional_id("id", notes);
    let verified = match entry.object("verification")? {
        Some(verification) => verification.text("status", notes).as_deref() == Some("verified"),
        None => false,
    };
    let Some(email_address) = entry.text("email_address", notes) else {
        entry.note("email_address", "is missing: the entry was left out", notes);
        return Ok(None);
    };
    if email_address.chars().count() > MAX_ADDRESS {
        let fault = format!("is longer than {MAX_ADDRESS} characters: the entry was left out");
        entry.note("email_address", &fault, notes);
        return Ok(None);
    }
    Ok(Some(EmailAddress {
        primary: clerk_email_address_id.is_some() && clerk_email_address_id.as_ref() == primary,
        clerk_email_address_id,
        email_address,
        verified,
    }))
}
