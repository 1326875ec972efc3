//! The rows of users: as they are written, and as they come back.

use chrono::{DateTime, SubsecRound as _, Utc};
use diesel::{QueryResult, Queryable, Selectable};
use domain::{
    ChangeOp, ClerkId, Deletion, ObjectKind, Policy, Precedence, Role, RoleDecision, RoleSource,
    StoreError, ThinUser, Tier, TierDecision, TierSource, User, UserWrite,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::{About, News};
use crate::column::{Id, Json, Time};
use crate::schema::users;

/// A user as the database gives it back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    pub(super) id: Id,
    pub(super) clerk_user_id: String,
    external_id: Option<String>,
    username: Option<String>,
    email: Option<String>,
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    image_url: Option<String>,
    role: String,
    role_override: Option<String>,
    role_source: Option<String>,
    tier: String,
    tier_override: Option<String>,
    tier_source: Option<String>,
    tier_until: Option<Time>,
    public_metadata: Json,
    preferences: Json,
    banned: bool,
    locked: bool,
    invite_validated_at: Option<Time>,
    deactivated_at: Option<Time>,
    tokens_valid_after: Option<Time>,
    is_active: bool,
    created_at: Time,
    updated_at: Time,
    pub(super) last_login_at: Option<Time>,
    pub(super) deleted_at: Option<Time>,
    version: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let UserRow {
            id,
            clerk_user_id,
            external_id,
            username,
            email,
            email_verified,
            first_name,
            last_name,
            full_name,
            image_url,
            role,
            role_override,
            role_source,
            tier,
            tier_override,
            tier_source,
            tier_until,
            public_metadata,
            preferences,
            banned,
            locked,
            invite_validated_at,
            deactivated_at,
            tokens_valid_after,
            is_active,
            created_at,
            updated_at,
            last_login_at,
            deleted_at,
            version,
        } = row;
        let clerk_user_id = ClerkId::parse(clerk_user_id)
            .map_err(|error| StoreError::Unreadable(format!("users.clerk_user_id: {error}")))?;
        Ok(Self {
            id: id.0,
            clerk_user_id,
            external_id,
            username,
            email,
            email_verified,
            first_name,
            last_name,
            full_name,
            image_url,
            role: Role::from_store(role),
            role_override: role_override.map(Role::from_store),
            role_source,
            tier: Tier::from_store(tier),
            tier_override: tier_override.map(Tier::from_store),
            tier_source,
            tier_until: tier_until.map(|at| at.0),
            public_metadata: public_metadata.0,
            preferences: preferences.0,
            banned,
            locked,
            invite_validated_at: invite_validated_at.map(|at| at.0),
            deactivated_at: deactivated_at.map(|at| at.0),
            tokens_valid_after: tokens_valid_after.map(|at| at.0),
            is_active,
            created_at: created_at.0,
            updated_at: updated_at.0,
            last_login_at: last_login_at.map(|at| at.0),
            deleted_at: deleted_at.map(|at| at.0),
            version,
        })
    }
}

super::insertion::insertable! {
    pub(super) struct NewUser<'a> for users {
        pub(super) id: Id,
        pub(super) clerk_user_id: &'a str,
        external_id: Option<&'a str>,
        username: Option<&'a str>,
        email: Option<&'a str>,
        email_verified: bool,
        first_name: Option<&'a str>,
        last_name: Option<&'a str>,
        full_name: Option<String>,
        image_url: Option<&'a str>,
        role: String,
        role_source: Option<String>,
        tier: String,
        tier_source: Option<String>,
        tier_until: Option<Time>,
        public_metadata: Json,
        preferences: Json,
        banned: bool,
        locked: bool,
        created_at: Time,
        updated_at: Time,
        last_login_at: Option<Time>,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
}

impl<'a> NewUser<'a> {
    /// A row about a user of whom Clerk has said nothing yet but that there is, or was, one.
    fn unknown(clerk_user_id: &'a ClerkId, policy: &Policy, now: DateTime<Utc>) -> Self {
        Self {
            id: Id(Uuid::now_v7()),
            clerk_user_id: clerk_user_id.as_str(),
            external_id: None,
            username: None,
            email: None,
            email_verified: false,
            first_name: None,
            last_name: None,
            full_name: None,
            image_url: None,
            role: policy.default_role().to_string(),
            role_source: Some(RoleSource::Default.to_string()),
            tier: policy.default_tier().to_string(),
            tier_source: Some(TierSource::Default.to_string()),
            tier_until: None,
            public_metadata: Json(json!({})),
            preferences: Json(json!({})),
            banned: false,
            locked: false,
            created_at: Time(now),
            updated_at: Time(now),
            last_login_at: None,
            deleted_at: None,
            version: Precedence::NOTHING_KNOWN.version_millis(),
            precedence: Precedence::NOTHING_KNOWN.to_bytes(),
            mirrored_at: Time(now),
        }
    }

    /// A row as Clerk tells it.
    pub(super) fn told(write: &'a UserWrite, policy: &Policy, now: DateTime<Utc>) -> Self {
        let profile = &write.profile;
        let primary = profile.primary_email();
        Self {
            external_id: profile.external_id.as_deref(),
            username: profile.username.as_deref(),
            email: primary.map(|email| email.email_address.as_str()),
            email_verified: primary.is_some_and(|email| email.verified),
            first_name: profile.first_name.as_deref(),
            last_name: profile.last_name.as_deref(),
            full_name: profile.full_name(),
            image_url: profile.image_url.as_deref(),
            public_metadata: Json(Value::Object(profile.public_metadata.clone())),
            banned: profile.banned,
            locked: profile.locked,
            created_at: Time(profile.created_at),
            updated_at: Time(profile.updated_at),
            last_login_at: profile.last_sign_in_at.map(Time),
            version: write.precedence.version_millis(),
            precedence: write.precedence.to_bytes(),
            ..Self::unknown(&profile.clerk_user_id, policy, now)
        }
    }

    /// A row about a deleted user of whom nothing else is known.
    pub(super) fn tombstone(deletion: &'a Deletion, policy: &Policy, now: DateTime<Utc>) -> Self {
        Self {
            deleted_at: Some(Time(deletion.deleted_at)),
            mirrored_at: Time(now),
            ..Self::unknown(&deletion.clerk_id, policy, deletion.deleted_at)
        }
    }

    /// A row about a user known from a token alone.
    pub(super) fn thin(user: &'a ThinUser, policy: &Policy) -> Self {
        let ThinUser {
            clerk_user_id,
            email,
            first_name,
            last_name,
            image_url,
            seen_at,
        } = user;
        let names: Vec<&str> = [first_name, last_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        Self {
            email: email.as_deref(),
            first_name: first_name.as_deref(),
            last_name: last_name.as_deref(),
            full_name: (!names.is_empty()).then(|| names.join(" ")),
            image_url: image_url.as_deref(),
            ..Self::unknown(clerk_user_id, policy, *seen_at)
        }
    }

    /// The row as it stands once this one is written over the one `before`, as `user_writes` has the database do it.
    pub(super) fn over(&self, before: Option<UserRow>) -> UserRow {
        let written = |at: Time| Time(at.0.trunc_subsecs(6));
        let mut after = UserRow {
            id: self.id,
            clerk_user_id: self.clerk_user_id.to_owned(),
            external_id: self.external_id.map(str::to_owned),
            username: self.username.map(str::to_owned),
            email: self.email.map(str::to_owned),
            email_verified: self.email_verified,
            first_name: self.first_name.map(str::to_owned),
            last_name: self.last_name.map(str::to_owned),
            full_name: self.full_name.clone(),
            image_url: self.image_url.map(str::to_owned),
            role: self.role.clone(),
            role_override: None,
            role_source: self.role_source.clone(),
            tier: self.tier.clone(),
            tier_override: None,
            tier_source: self.tier_source.clone(),
            tier_until: self.tier_until.map(written),
            public_metadata: self.public_metadata.clone(),
            preferences: self.preferences.clone(),
            banned: self.banned,
            locked: self.locked,
            invite_validated_at: None,
            deactivated_at: None,
            tokens_valid_after: None,
            is_active: true,
            created_at: written(self.created_at),
            updated_at: written(self.updated_at),
            last_login_at: self.last_login_at.map(written),
            deleted_at: self.deleted_at.map(written),
            version: self.version,
        };
        if let Some(before) = before {
            after.id = before.id;
            after.preferences = before.preferences;
            after.invite_validated_at = before.invite_validated_at;
            after.deactivated_at = before.deactivated_at;
            after.tokens_valid_after = before.tokens_valid_after;
            after.deleted_at = before.deleted_at;
            after.last_login_at = before.last_login_at.max(after.last_login_at);
            if let Some(role) = before.role_override {
                after.role.clone_from(&role);
                after.role_override = Some(role);
                after.role_source = Some(RoleSource::Override.to_string());
            }
            if let Some(tier) = before.tier_override {
                after.tier.clone_from(&tier);
                after.tier_override = Some(tier);
                after.tier_source = Some(TierSource::Override.to_string());
                after.tier_until = None;
            }
        }
        after.is_active =
            after.deleted_at.is_none() && !after.banned && after.deactivated_at.is_none();
        after
    }

    /// The same row with the latest sign-in that is known.
    pub(super) fn signed_in(mut self, latest: Option<Time>) -> Self {
        self.last_login_at = latest;
        self
    }

    /// The same row with the role and tier that the rules give.
    pub(super) fn entitled(mut self, role: &RoleDecision, tier: &TierDecision) -> Self {
        self.role = role.role.to_string();
        self.role_source = Some(role.source.to_string());
        self.tier = tier.tier.to_string();
        self.tier_source = Some(tier.source.to_string());
        self.tier_until = tier.until.map(Time);
        self
    }
}

/// The feed's row. A row that cannot be shown is none: it was written from a valid id a moment ago.
pub(super) fn change(row: UserRow, op: ChangeOp, at: DateTime<Utc>) -> Option<News> {
    change_of(&User::try_from(row).ok()?, op, at).ok()
}

/// The feed's row of a user.
pub(super) fn change_of(user: &User, op: ChangeOp, at: DateTime<Utc>) -> QueryResult<News> {
    let id = user.clerk_user_id.as_str();
    let about = About {
        kind: ObjectKind::User.into(),
        clerk_id: id,
        clerk_user_id: Some(id),
    };
    News::of(about, op, at, user)
}
