//! The rows of users: guarded writes, and reading them back.

use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::query_dsl::methods::FilterDsl as _;
use diesel::upsert::excluded;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryResult,
    Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::{
    Change, ChangeOp, ClerkId, ObjectKind, Policy, Precedence, Role, StoreError, ThinUser, Tier,
    User, UserDeletion, UserWrite,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Conn, sessions};
use crate::column::{Id, Json, Time};
use crate::schema::user_emails;
use crate::schema::users::{self, dsl};

/// A user as the database gives it back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    pub(super) id: Id,
    clerk_user_id: String,
    external_id: Option<String>,
    username: Option<String>,
    email: Option<String>,
    email_verified: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    image_url: Option<String>,
    role: String,
    tier: String,
    public_metadata: Json,
    preferences: Json,
    banned: bool,
    locked: bool,
    is_active: bool,
    created_at: Time,
    updated_at: Time,
    last_login_at: Option<Time>,
    deleted_at: Option<Time>,
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
            tier,
            public_metadata,
            preferences,
            banned,
            locked,
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
            tier: Tier::from_store(tier),
            public_metadata: public_metadata.0,
            preferences: preferences.0,
            banned,
            locked,
            is_active,
            created_at: created_at.0,
            updated_at: updated_at.0,
            last_login_at: last_login_at.map(|at| at.0),
            deleted_at: deleted_at.map(|at| at.0),
            version,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
struct NewUser<'a> {
    id: Id,
    clerk_user_id: &'a str,
    external_id: Option<&'a str>,
    username: Option<&'a str>,
    email: Option<&'a str>,
    email_verified: bool,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    full_name: Option<String>,
    image_url: Option<&'a str>,
    role: String,
    tier: String,
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
            role: policy.role_in(&Map::new()).to_string(),
            tier: policy.tier_in(&Map::new()).to_string(),
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

    fn told(write: &'a UserWrite, policy: &Policy, now: DateTime<Utc>) -> Self {
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
            role: policy.role_in(&profile.public_metadata).to_string(),
            tier: policy.tier_in(&profile.public_metadata).to_string(),
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
}

/// Writes a profile if it is newer than the row's; answers the change that others see, if there is one.
///
/// A deleted user takes the profile too, so that the row is the same whichever came first; but he stays deleted, and
/// nobody is told.
pub(super) async fn upsert(
    conn: &mut Conn,
    write: &UserWrite,
    policy: &Policy,
    now: DateTime<Utc>,
) -> QueryResult<Option<Change>> {
    let new = NewUser::told(write, policy, now);
    let (proposed_id, clerk_user_id) = (new.id, &write.profile.clerk_user_id);
    let row: Option<UserRow> = diesel::insert_into(users::table)
        .values(new)
        .on_conflict(dsl::clerk_user_id)
        .do_update()
        .set((
            dsl::external_id.eq(excluded(dsl::external_id)),
            dsl::username.eq(excluded(dsl::username)),
            dsl::email.eq(excluded(dsl::email)),
            dsl::email_verified.eq(excluded(dsl::email_verified)),
            dsl::first_name.eq(excluded(dsl::first_name)),
            dsl::last_name.eq(excluded(dsl::last_name)),
            dsl::full_name.eq(excluded(dsl::full_name)),
            dsl::image_url.eq(excluded(dsl::image_url)),
            dsl::role.eq(excluded(dsl::role)),
            dsl::tier.eq(excluded(dsl::tier)),
            dsl::public_metadata.eq(excluded(dsl::public_metadata)),
            dsl::banned.eq(excluded(dsl::banned)),
            dsl::locked.eq(excluded(dsl::locked)),
            dsl::created_at.eq(excluded(dsl::created_at)),
            dsl::updated_at.eq(excluded(dsl::updated_at)),
            dsl::version.eq(excluded(dsl::version)),
            dsl::precedence.eq(excluded(dsl::precedence)),
            dsl::mirrored_at.eq(excluded(dsl::mirrored_at)),
        ))
        .filter(dsl::precedence.lt(excluded(dsl::precedence)))
        .returning(UserRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    let mut signed_in_at = write.profile.last_sign_in_at.map(Time);
    let Some(mut row) = row else {
        raise_last_login(conn, clerk_user_id.as_str(), signed_in_at).await?;
        return Ok(None);
    };
    let is_new = row.id == proposed_id;
    if is_new {
        // Sessions may have been told of before their user.
        signed_in_at = signed_in_at.max(sessions::latest_sign_in(conn, clerk_user_id).await?);
    }
    if signed_in_at > row.last_login_at {
        raise_last_login(conn, clerk_user_id.as_str(), signed_in_at).await?;
        row.last_login_at = signed_in_at;
    }
    replace_emails(conn, write, is_new).await?;
    Ok(row
        .deleted_at
        .is_none()
        .then(|| change(row, ChangeOp::Upsert, now))
        .flatten())
}

/// Marks a user as deleted, known or not. The first deletion is the one that counts.
pub(super) async fn delete(
    conn: &mut Conn,
    deletion: &UserDeletion,
    policy: &Policy,
    now: DateTime<Utc>,
) -> QueryResult<Option<Change>> {
    let tombstone = NewUser {
        deleted_at: Some(Time(deletion.deleted_at)),
        last_login_at: sessions::latest_sign_in(conn, &deletion.clerk_user_id).await?,
        mirrored_at: Time(now),
        ..NewUser::unknown(&deletion.clerk_user_id, policy, deletion.deleted_at)
    };
    // No profile has told these two, so an earlier deletion is the best that is known of them.
    let is_later = dsl::precedence
        .eq(Precedence::NOTHING_KNOWN.to_bytes())
        .and(dsl::created_at.gt(excluded(dsl::created_at)));
    let row: Option<UserRow> = diesel::insert_into(users::table)
        .values(tombstone)
        .on_conflict(dsl::clerk_user_id)
        .do_update()
        .set((
            dsl::created_at
                .eq(case_when(is_later.clone(), excluded(dsl::created_at))
                    .otherwise(dsl::created_at)),
            dsl::updated_at
                .eq(case_when(is_later, excluded(dsl::updated_at)).otherwise(dsl::updated_at)),
            dsl::deleted_at.eq(excluded(dsl::deleted_at)),
            dsl::mirrored_at.eq(excluded(dsl::mirrored_at)),
        ))
        .filter(
            dsl::deleted_at
                .is_null()
                .or(dsl::deleted_at.gt(excluded(dsl::deleted_at))),
        )
        .returning(UserRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.and_then(|row| change(row, ChangeOp::Delete, now)))
}

/// Makes a row for a user known from a token alone; `None` when there is a row already.
pub(super) async fn insert_thin(
    conn: &mut Conn,
    user: &ThinUser,
    policy: &Policy,
) -> QueryResult<Option<Change>> {
    let ThinUser {
        clerk_user_id,
        email,
        first_name,
        last_name,
        image_url,
        seen_at,
    } = user;
    let full_name = [first_name, last_name]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    let row: Option<UserRow> = diesel::insert_into(users::table)
        .values(NewUser {
            email: email.as_deref(),
            first_name: first_name.as_deref(),
            last_name: last_name.as_deref(),
            full_name: (!full_name.is_empty()).then_some(full_name),
            image_url: image_url.as_deref(),
            last_login_at: sessions::latest_sign_in(conn, clerk_user_id).await?,
            ..NewUser::unknown(clerk_user_id, policy, *seen_at)
        })
        .on_conflict(dsl::clerk_user_id)
        .do_nothing()
        .returning(UserRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.and_then(|row| change(row, ChangeOp::Upsert, *seen_at)))
}

/// Moves the latest sign-in forward, never backward.
pub(super) async fn raise_last_login(
    conn: &mut Conn,
    clerk_user_id: &str,
    signed_in_at: Option<Time>,
) -> QueryResult<()> {
    let Some(at) = signed_in_at else {
        return Ok(());
    };
    let user = users::table.filter(dsl::clerk_user_id.eq(clerk_user_id));
    diesel::update(user.filter(dsl::last_login_at.is_null().or(dsl::last_login_at.lt(at))))
        .set(dsl::last_login_at.eq(at))
        .execute(conn)
        .await?;
    Ok(())
}

async fn replace_emails(conn: &mut Conn, write: &UserWrite, is_new: bool) -> QueryResult<()> {
    let clerk_user_id = write.profile.clerk_user_id.as_str();
    if !is_new {
        diesel::delete(user_emails::table.filter(user_emails::clerk_user_id.eq(clerk_user_id)))
            .execute(conn)
            .await?;
    }
    for (position, email) in (0_i32..).zip(&write.profile.emails) {
        diesel::insert_into(user_emails::table)
            .values((
                user_emails::clerk_user_id.eq(clerk_user_id),
                user_emails::position.eq(position),
                user_emails::clerk_email_address_id
                    .eq(email.clerk_email_address_id.as_ref().map(ClerkId::as_str)),
                user_emails::email_address.eq(&email.email_address),
                user_emails::verified.eq(email.verified),
                user_emails::is_primary.eq(email.primary),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The feed's row. A row that cannot be shown is none: it was written from a valid id a moment ago.
fn change(row: UserRow, op: ChangeOp, at: DateTime<Utc>) -> Option<Change> {
    let user = User::try_from(row).ok()?;
    let data = serde_json::to_value(&user).ok()?;
    Some(Change {
        kind: ObjectKind::User,
        clerk_id: user.clerk_user_id.into_string(),
        op,
        at,
        data,
    })
}
