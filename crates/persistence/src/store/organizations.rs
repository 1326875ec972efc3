//! The rows of organizations.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, Queryable, Selectable};
use domain::{
    ChangeOp, ClerkId, Deletion, ObjectKind, Organization, OrganizationWrite, Precedence,
    StoreError, Tier,
};
use serde_json::{Value, json};

use super::Conn;
use super::changes::{About, News};
use super::guarded::{
    Context, define_delete, define_upsert, delete_guarded, on_conflict, upsert_guarded,
};
use crate::column::{Json, Time};
use crate::schema::organizations;

/// An organization as the database gives it back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations)]
pub(super) struct OrganizationRow {
    clerk_organization_id: String,
    name: Option<String>,
    slug: Option<String>,
    image_url: Option<String>,
    public_metadata: Json,
    created_by: Option<String>,
    tier: Option<String>,
    tier_until: Option<Time>,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
    version: i64,
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = StoreError;

    fn try_from(row: OrganizationRow) -> Result<Self, StoreError> {
        let OrganizationRow {
            clerk_organization_id,
            name,
            slug,
            image_url,
            public_metadata,
            created_by,
            tier,
            tier_until,
            created_at,
            updated_at,
            deleted_at,
            version,
        } = row;
        let clerk_organization_id = ClerkId::parse(clerk_organization_id).map_err(|error| {
            StoreError::Unreadable(format!("organizations.clerk_organization_id: {error}"))
        })?;
        Ok(Self {
            clerk_organization_id,
            name,
            slug,
            image_url,
            public_metadata: public_metadata.0,
            created_by,
            tier: tier.map(Tier::from_store),
            tier_until: tier_until.map(|at| at.0),
            created_at: created_at.0,
            updated_at: updated_at.0,
            deleted_at: deleted_at.map(|at| at.0),
            version,
        })
    }
}

super::insertion::insertable! {
    struct NewOrganization<'a> for organizations {
        clerk_organization_id: &'a str,
        name: Option<&'a str>,
        slug: Option<&'a str>,
        image_url: Option<&'a str>,
        public_metadata: Json,
        created_by: Option<&'a str>,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
}

impl<'a> NewOrganization<'a> {
    fn told(write: &'a OrganizationWrite, now: DateTime<Utc>) -> Self {
        let profile = &write.profile;
        Self {
            clerk_organization_id: profile.clerk_organization_id.as_str(),
            name: profile.name.as_deref(),
            slug: profile.slug.as_deref(),
            image_url: profile.image_url.as_deref(),
            public_metadata: Json(Value::Object(profile.public_metadata.clone())),
            created_by: profile.created_by.as_ref().map(ClerkId::as_str),
            created_at: Time(profile.created_at),
            updated_at: Time(profile.updated_at),
            deleted_at: None,
            version: write.precedence.version_millis(),
            precedence: write.precedence.to_bytes(),
            mirrored_at: Time(now),
        }
    }

    fn tombstone(deletion: &'a Deletion, now: DateTime<Utc>) -> Self {
        Self {
            clerk_organization_id: deletion.clerk_id.as_str(),
            name: None,
            slug: None,
            image_url: None,
            public_metadata: Json(json!({})),
            created_by: None,
            created_at: Time(deletion.deleted_at),
            updated_at: Time(deletion.deleted_at),
            deleted_at: Some(Time(deletion.deleted_at)),
            version: Precedence::NOTHING_KNOWN.version_millis(),
            precedence: Precedence::NOTHING_KNOWN.to_bytes(),
            mirrored_at: Time(now),
        }
    }
}

define_upsert! {
    upsert(OrganizationWrite) into organizations by [clerk_organization_id] of NewOrganization,
    [name, slug, image_url, public_metadata, created_by, created_at, updated_at],
    OrganizationRow to change unless |row| row.deleted_at.is_some()
}

define_delete! {
    organizations by [clerk_organization_id] of NewOrganization,
    [created_at, updated_at],
    OrganizationRow to change where |kind| kind == ObjectKind::Organization
}

/// The feed's row; see [`super::user_rows::change`].
pub(super) fn change(row: OrganizationRow, op: ChangeOp, at: DateTime<Utc>) -> Option<News> {
    let organization = Organization::try_from(row).ok()?;
    let about = About {
        kind: ObjectKind::Organization.into(),
        clerk_id: organization.clerk_organization_id.as_str(),
        clerk_user_id: None,
    };
    News::of(about, op, at, &organization).ok()
}
