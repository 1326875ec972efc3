//! From a readable event to the writes that it stands for.

use domain::{Deletion, Effect, ObjectKind, Write};
use mapping::{
    Fields, Notes, Placing, Unmappable, read_membership, read_object, read_organization,
    read_subscription, read_subscription_item, read_user,
};

use crate::{envelope::Envelope, event_types::EventType, session_event};

/// What a known event changes.
pub(crate) fn effect(
    envelope: &Envelope<'_>,
    data: &Fields<'_>,
    event_type: EventType,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<Effect, Unmappable> {
    let writes = if event_type.is_deletion() {
        deletion(data, event_type.kind, placing, notes)?
    } else if event_type.kind == ObjectKind::Session {
        let session = session_event::write(envelope, data, event_type, placing, notes)?;
        vec![Write::Session(Box::new(session))]
    } else {
        writes(data, event_type.kind, placing, notes)?
    };
    Ok(Effect::Writes(writes))
}

/// The deletion, and after it what else the event says: most deletions name the object and nothing more, but some
/// carry it whole, and a row that never heard of the object before is the better for it. In this order the object is
/// gone when it is filled in, so that nobody is told of it as if it were alive.
fn deletion(
    data: &Fields<'_>,
    kind: ObjectKind,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<Vec<Write>, Unmappable> {
    let mut all = vec![Write::Deletion(Deletion {
        kind,
        clerk_id: data.id("id")?,
        deleted_at: placing.happened_at(),
    })];
    // Of a person who is gone nothing is filled in.
    if kind != ObjectKind::User && data.has_any(&["created_at", "updated_at"]) {
        match writes(data, kind, placing, notes) {
            Ok(rest) => all.extend(rest),
            // It is gone all the same.
            Err(fault) => notes.add(fault.to_string()),
        }
    }
    Ok(all)
}

fn writes(
    data: &Fields<'_>,
    kind: ObjectKind,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<Vec<Write>, Unmappable> {
    let write = match kind {
        ObjectKind::User => Write::User(Box::new(read_user(data, placing, notes)?)),
        ObjectKind::Organization => {
            Write::Organization(Box::new(read_organization(data, placing, notes)?))
        }
        ObjectKind::Membership => {
            Write::Membership(Box::new(read_membership(data, placing, notes)?))
        }
        ObjectKind::Subscription => return read_subscription(data, placing, notes),
        ObjectKind::SubscriptionItem => {
            Write::SubscriptionItem(Box::new(read_subscription_item(data, placing, notes)?))
        }
        ObjectKind::Session
        | ObjectKind::OrganizationInvitation
        | ObjectKind::OrganizationDomain
        | ObjectKind::Role
        | ObjectKind::Permission
        | ObjectKind::PaymentAttempt
        | ObjectKind::WaitlistEntry
        | ObjectKind::Invitation
        | ObjectKind::Email
        | ObjectKind::Sms => Write::Object(Box::new(read_object(data, kind, placing, notes)?)),
    };
    Ok(vec![write])
}
