//! Organizations and memberships, as events and the Backend API carry them.

use domain::{ClerkId, MembershipProfile, MembershipWrite, OrganizationProfile, OrganizationWrite};

use crate::{Fields, MAX_NAME, Notes, Placing, Unmappable, metadata::public_metadata};

/// Reads a whole organization.
///
/// # Errors
/// When it has no usable id, or something that a row must not lose is of the wrong type.
pub fn read_organization(
    data: &Fields<'_>,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<OrganizationWrite, Unmappable> {
    let clerk_organization_id = data.id("id")?;
    let times = placing.times(data, notes);
    Ok(OrganizationWrite {
        profile: OrganizationProfile {
            clerk_organization_id,
            name: data.text("name", notes),
            slug: data.text_within("slug", MAX_NAME, notes),
            image_url: data.text("image_url", notes),
            public_metadata: public_metadata(data, notes)?,
            created_by: data.optional_id("created_by", notes),
            created_at: times.created_at,
            updated_at: times.updated_at,
        },
        precedence: times.precedence,
    })
}

/// Reads a whole membership. The organization and the user within it are left alone but for their ids: they were copied
/// at some other time than their own facts were, and those alone have a place in the order.
///
/// # Errors
/// When it or one of its two ends has no usable id, or something that a row must not lose is of the wrong type.
pub fn read_membership(
    data: &Fields<'_>,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<MembershipWrite, Unmappable> {
    let clerk_membership_id = data.id("id")?;
    let clerk_organization_id = end(data, ("organization", "id"), "organization_id", notes)?;
    let clerk_user_id = end(data, ("public_user_data", "user_id"), "user_id", notes)?;
    let times = placing.times(data, notes);
    Ok(MembershipWrite {
        profile: MembershipProfile {
            clerk_membership_id,
            clerk_organization_id,
            clerk_user_id,
            role: data.text_within("role", MAX_NAME, notes),
            permissions: data.texts("permissions", notes)?,
            public_metadata: public_metadata(data, notes)?,
            created_at: times.created_at,
            updated_at: times.updated_at,
        },
        precedence: times.precedence,
    })
}

/// The id of one end: within the copy of it, or beside it.
fn end(
    data: &Fields<'_>,
    (copy, id): (&str, &str),
    beside: &str,
    notes: &mut Notes,
) -> Result<ClerkId, Unmappable> {
    let Some(copy) = data.object(copy)? else {
        // Where neither is there, the place that Clerk describes is the one to name.
        return data
            .optional_id(beside, notes)
            .ok_or_else(|| Unmappable::new(data.path_of(copy), "is missing"));
    };
    copy.id(id)
}
