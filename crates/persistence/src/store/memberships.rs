//! The rows of memberships.

use chrono::{DateTime, Utc};
use diesel::{QueryResult, Queryable, Selectable};
use domain::{
    ChangeOp, ClerkId, Deletion, Membership, MembershipWrite, ObjectKind, Precedence, StoreError,
};
use serde_json::{Value, json};

use super::Conn;
use super::changes::{About, News};
use super::guarded::{
    Context, define_delete, define_upsert, delete_guarded, on_conflict, upsert_guarded,
};
use crate::column::{Json, Time};
use crate::schema::organization_memberships;

/// A membership as the database gives it back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = organization_memberships)]
pub(super) struct MembershipRow {
    clerk_membership_id: String,
    clerk_organization_id: Option<String>,
    clerk_user_id: Option<String>,
    role: Option<String>,
    permissions: Json,
    public_metadata: Json,
    created_at: Time,
    updated_at: Time,
    deleted_at: Option<Time>,
    version: i64,
}

impl MembershipRow {
    /// Who is the member.
    pub(super) fn member(&self) -> Option<&str> {
        self.clerk_user_id.as_deref()
    }
}

impl TryFrom<MembershipRow> for Membership {
    type Error = StoreError;

    fn try_from(row: MembershipRow) -> Result<Self, StoreError> {
        let MembershipRow {
            clerk_membership_id,
            clerk_organization_id,
            clerk_user_id,
            role,
            permissions,
            public_metadata,
            created_at,
            updated_at,
            deleted_at,
            version,
        } = row;
        let clerk_membership_id = ClerkId::parse(clerk_membership_id).map_err(|error| {
            StoreError::Unreadable(format!(
                "organization_memberships.clerk_membership_id: {error}"
            ))
        })?;
        Ok(Self {
            clerk_membership_id,
            clerk_organization_id,
            clerk_user_id,
            role,
            permissions: permissions.0,
            public_metadata: public_metadata.0,
            created_at: created_at.0,
            updated_at: updated_at.0,
            deleted_at: deleted_at.map(|at| at.0),
            version,
        })
    }
}

super::insertion::insertable! {
    struct NewMembership<'a> for organization_memberships {
        clerk_membership_id: &'a str,
        clerk_organization_id: Option<&'a str>,
        clerk_user_id: Option<&'a str>,
        role: Option<&'a str>,
        permissions: Json,
        public_metadata: Json,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
}

impl<'a> NewMembership<'a> {
    fn told(write: &'a MembershipWrite, now: DateTime<Utc>) -> Self {
        let profile = &write.profile;
        Self {
            clerk_membership_id: profile.clerk_membership_id.as_str(),
            clerk_organization_id: Some(profile.clerk_organization_id.as_str()),
            clerk_user_id: Some(profile.clerk_user_id.as_str()),
            role: profile.role.as_deref(),
            permissions: Json(json!(profile.permissions)),
            public_metadata: Json(Value::Object(profile.public_metadata.clone())),
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
            clerk_membership_id: deletion.clerk_id.as_str(),
            clerk_organization_id: None,
            clerk_user_id: None,
            role: None,
            permissions: Json(json!([])),
            public_metadata: Json(json!({})),
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
    upsert(MembershipWrite) into organization_memberships by [clerk_membership_id] of NewMembership,
    [clerk_organization_id, clerk_user_id, role, permissions, public_metadata, created_at, updated_at],
    MembershipRow to change unless |row| row.deleted_at.is_some()
}

define_delete! {
    organization_memberships by [clerk_membership_id] of NewMembership,
    [created_at, updated_at],
    MembershipRow to change where |kind| kind == ObjectKind::Membership
}

fn change(row: MembershipRow, op: ChangeOp, at: DateTime<Utc>) -> Option<News> {
    let membership = Membership::try_from(row).ok()?;
    let about = About {
        kind: ObjectKind::Membership.into(),
        clerk_id: membership.clerk_membership_id.as_str(),
        clerk_user_id: membership.clerk_user_id.as_deref(),
    };
    News::of(about, op, at, &membership).ok()
}
