//! Guarded writes of users.

use std::collections::HashMap;

use diesel::dsl::case_when;
use diesel::upsert::excluded;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, IntoSql, OptionalExtension, QueryResult,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::{Change, ChangeOp, ClerkId, Deletion, ObjectKind, Policy, ThinUser, UserWrite};

use super::guarded::{Context, delete_guarded, in_parts};
use super::user_rows::{NewUser, UserRow, change};
use super::{Conn, sessions, tiers};
use crate::column::{Id, Time};
use crate::schema::user_emails;
use crate::schema::users::{self, dsl};

/// Writes the profiles that are newer than their rows; answers the changes that others see.
///
/// A deleted user takes the profile too, so that the row is the same whichever came first; but he stays deleted, and
/// nobody is told.
pub(super) async fn upsert(
    conn: &mut Conn,
    writes: &[&UserWrite],
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let ids: Vec<&str> = writes
        .iter()
        .map(|write| write.profile.clerk_user_id.as_str())
        .collect();
    let paid = tiers::of_users(conn, ids, context).await?;
    let rows: Vec<NewUser<'_>> = writes
        .iter()
        .map(|write| {
            let paid = paid.get(write.profile.clerk_user_id.as_str());
            NewUser::told(write, context.policy, context.now).paying(paid)
        })
        .collect();
    let proposed: HashMap<String, Id> = rows
        .iter()
        .map(|row| (row.clerk_user_id.to_owned(), row.id))
        .collect();
    let mut written = Vec::with_capacity(rows.len());
    for rows in in_parts(rows) {
        written.extend(upsert_rows(conn, rows, context.again).await?);
    }
    // Whose row was written, and whether it is new.
    let fresh: HashMap<String, bool> = written
        .iter()
        .map(|row| {
            (
                row.clerk_user_id.clone(),
                proposed.get(&row.clerk_user_id) == Some(&row.id),
            )
        })
        .collect();
    catch_up_with_sign_ins(conn, writes, &mut written, &fresh).await?;
    replace_emails(conn, writes, &fresh).await?;
    let visible = written.into_iter().filter(|row| row.deleted_at.is_none());
    Ok(visible
        .filter_map(|row| change(row, ChangeOp::Upsert, context.now))
        .collect())
}

/// Sessions may have been told of before their user; and a fact that came too late for the profile may still tell of a
/// later sign-in.
async fn catch_up_with_sign_ins(
    conn: &mut Conn,
    writes: &[&UserWrite],
    written: &mut [UserRow],
    fresh: &HashMap<String, bool>,
) -> QueryResult<()> {
    let new: Vec<&str> = fresh
        .iter()
        .filter(|(_, is_new)| **is_new)
        .map(|(id, _)| id.as_str())
        .collect();
    let mut sign_ins = sessions::latest_sign_ins(conn, new).await?;
    for row in written {
        let latest = sign_ins.get(&row.clerk_user_id).copied();
        if latest > row.last_login_at {
            row.last_login_at = latest;
        } else {
            sign_ins.remove(&row.clerk_user_id);
        }
    }
    for write in writes {
        let id = write.profile.clerk_user_id.as_str();
        if let Some(at) = write.profile.last_sign_in_at
            && !fresh.contains_key(id)
        {
            sign_ins.insert(id.to_owned(), Time(at));
        }
    }
    raise_last_logins(conn, &sign_ins).await
}

async fn upsert_rows(
    conn: &mut Conn,
    rows: Vec<NewUser<'_>>,
    again: bool,
) -> QueryResult<Vec<UserRow>> {
    use diesel::query_dsl::methods::FilterDsl as _;
    let is_later = || {
        dsl::last_login_at
            .is_null()
            .or(dsl::last_login_at.lt(excluded(dsl::last_login_at)))
    };
    let is_same = || dsl::precedence.eq(excluded(dsl::precedence));
    let written = insert_returning!(conn, rows, UserRow, values => diesel::insert_into(users::table)
        .values(values)
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
            dsl::tier_until.eq(excluded(dsl::tier_until)),
            dsl::public_metadata.eq(excluded(dsl::public_metadata)),
            dsl::banned.eq(excluded(dsl::banned)),
            dsl::locked.eq(excluded(dsl::locked)),
            dsl::created_at.eq(excluded(dsl::created_at)),
            dsl::updated_at.eq(excluded(dsl::updated_at)),
            dsl::last_login_at.eq(case_when(is_later(), excluded(dsl::last_login_at)).otherwise(dsl::last_login_at)),
            dsl::version.eq(excluded(dsl::version)),
            dsl::precedence.eq(excluded(dsl::precedence)),
            dsl::mirrored_at.eq(excluded(dsl::mirrored_at)),
        ))
        .filter(
            dsl::precedence
                .lt(excluded(dsl::precedence))
                .or(is_same().and(again.into_sql::<diesel::sql_types::Bool>())),
        )
        .returning(UserRow::as_returning()));
    Ok(written)
}

/// Marks users as deleted, known or not.
pub(super) async fn delete(
    conn: &mut Conn,
    deletions: &[&Deletion],
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let of_users: Vec<&Deletion> = deletions
        .iter()
        .copied()
        .filter(|deletion| deletion.kind == ObjectKind::User)
        .collect();
    let ids: Vec<&str> = of_users
        .iter()
        .map(|deletion| deletion.clerk_id.as_str())
        .collect();
    let sign_ins = sessions::latest_sign_ins(conn, ids).await?;
    let tombstones: Vec<NewUser<'_>> = of_users
        .iter()
        .map(|deletion| {
            let latest = sign_ins.get(deletion.clerk_id.as_str()).copied();
            NewUser::tombstone(deletion, context.policy, context.now).signed_in(latest)
        })
        .collect();
    let mut changes = Vec::with_capacity(tombstones.len());
    for rows in in_parts(tombstones) {
        let written = delete_guarded!(conn, users by [clerk_user_id], rows, [created_at, updated_at], UserRow);
        changes.extend(
            written
                .into_iter()
                .filter_map(|row| change(row, ChangeOp::Delete, context.now)),
        );
    }
    Ok(changes)
}

/// Makes a row for a user known from a token alone; `None` when there is a row already.
pub(super) async fn insert_thin(
    conn: &mut Conn,
    user: &ThinUser,
    policy: &Policy,
) -> QueryResult<Option<Change>> {
    let id = user.clerk_user_id.as_str();
    let context = Context {
        policy,
        now: user.seen_at,
        again: false,
    };
    let paid = tiers::of_users(conn, vec![id], &context).await?;
    let last_login_at = sessions::latest_sign_ins(conn, vec![id]).await?.remove(id);
    let row: Option<UserRow> = diesel::insert_into(users::table)
        .values(
            NewUser::thin(user, policy)
                .paying(paid.get(id))
                .signed_in(last_login_at),
        )
        .on_conflict(dsl::clerk_user_id)
        .do_nothing()
        .returning(UserRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.and_then(|row| change(row, ChangeOp::Upsert, user.seen_at)))
}

/// Moves the latest sign-ins of users forward, never backward.
pub(super) async fn raise_last_logins(
    conn: &mut Conn,
    sign_ins: &HashMap<String, Time>,
) -> QueryResult<()> {
    use diesel::QueryDsl as _;
    for (clerk_user_id, at) in sign_ins {
        let user = users::table.filter(dsl::clerk_user_id.eq(clerk_user_id));
        diesel::update(user.filter(dsl::last_login_at.is_null().or(dsl::last_login_at.lt(*at))))
            .set(dsl::last_login_at.eq(*at))
            .execute(conn)
            .await?;
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = user_emails, treat_none_as_default_value = false)]
struct NewEmail<'a> {
    clerk_user_id: &'a str,
    position: i32,
    clerk_email_address_id: Option<&'a str>,
    email_address: &'a str,
    verified: bool,
    is_primary: bool,
}

/// Puts the addresses of the users that were written in the place of the old ones; new users have none.
async fn replace_emails(
    conn: &mut Conn,
    writes: &[&UserWrite],
    written: &HashMap<String, bool>,
) -> QueryResult<()> {
    use diesel::QueryDsl as _;
    let old: Vec<&str> = written
        .iter()
        .filter(|(_, is_new)| !**is_new)
        .map(|(id, _)| id.as_str())
        .collect();
    if !old.is_empty() {
        diesel::delete(user_emails::table.filter(user_emails::clerk_user_id.eq_any(old)))
            .execute(conn)
            .await?;
    }
    let written = writes
        .iter()
        .filter(|write| written.contains_key(write.profile.clerk_user_id.as_str()));
    let emails: Vec<NewEmail<'_>> = written.flat_map(|write| NewEmail::of(write)).collect();
    for emails in in_parts(emails) {
        insert!(conn, emails, values => diesel::insert_into(user_emails::table).values(values));
    }
    Ok(())
}

impl<'a> NewEmail<'a> {
    fn of(write: &'a UserWrite) -> Vec<Self> {
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
}
