//! Guarded writes of users.

use std::collections::{HashMap, HashSet};

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryResult};
use domain::{ChangeOp, Deletion, Notice, ObjectKind, Policy, ThinUser, UserWrite};
use serde_json::Map;

use super::about_users::AboutUsers;
use super::changes::News;
use super::forgotten::ABOVE_ALL;
use super::guarded::{Context, delete_guarded, on_conflict, upsert_guarded};
use super::insertion::{self, insert_returning};
use super::run::RunQueryDsl;
use super::standing::Standing;
use super::user_rows::{NewUser, UserRow, change};
use super::{Conn, Link, addresses, notices, relink, sessions};
use crate::column::Time;
use crate::schema::users::{self, dsl};

/// Writes the profiles that are newer than their rows; answers the changes that others see.
///
/// A deleted user takes the profile too, so that the row is the same whichever came first; but he stays deleted, and
/// nobody is told. Sessions may have been told of before their user: their sign-ins count.
pub(super) async fn upsert(
    conn: &mut Conn,
    writes: &[&UserWrite],
    about: &AboutUsers,
    context: &Context<'_>,
) -> QueryResult<Vec<News>> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    relink::relink(conn, writes, context).await?;
    let mut noticed: HashMap<&str, Vec<Notice>> = HashMap::new();
    let mut rows: Vec<NewUser<'_>> = Vec::with_capacity(writes.len());
    for write in writes {
        let id = write.profile.clerk_user_id.as_str();
        let metadata = &write.profile.public_metadata;
        let role = about.standing.role(id, metadata, context);
        let tier = about.standing.tier(id, metadata, context);
        let told = write.profile.last_sign_in_at.map(Time);
        rows.push(
            NewUser::told(write, context.policy, context.now)
                .entitled(&role, &tier)
                .signed_in(told.max(about.sign_ins.get(id).copied())),
        );
        let notices = notices::of(Some(&role), Some(&tier));
        if !notices.is_empty() {
            noticed.insert(id, notices);
        }
    }
    let rows = upsert_rows(conn, rows, context).await?;
    let written: HashSet<&str> = rows.iter().map(|row| row.clerk_user_id.as_str()).collect();
    let (written, stale): (Vec<&UserWrite>, Vec<&UserWrite>) = writes
        .iter()
        .partition(|write| written.contains(write.profile.clerk_user_id.as_str()));
    addresses::replace(conn, written.into_iter(), &about.addresses).await?;
    catch_up_with_sign_ins(conn, &stale).await?;
    for row in &rows {
        if let Some(notices) = noticed.remove(row.clerk_user_id.as_str()) {
            notices::tell(conn, &row.clerk_user_id, notices, context.now).await?;
        }
    }
    let visible = rows.into_iter().filter(|row| row.deleted_at.is_none());
    Ok(visible
        .filter_map(|row| change(row, ChangeOp::Upsert, context.now))
        .collect())
}

/// A fact that came too late for the profile may still tell of a later sign-in.
async fn catch_up_with_sign_ins(conn: &mut Conn, stale: &[&UserWrite]) -> QueryResult<()> {
    let sign_ins = stale
        .iter()
        .filter_map(|write| {
            let at = write.profile.last_sign_in_at?;
            Some((write.profile.clerk_user_id.to_string(), Time(at)))
        })
        .collect();
    raise_last_logins(conn, &sign_ins).await
}

/// Hands the columns that a profile brings up to date to a macro, and what happens to others, in SQL.
macro_rules! with_profile_columns {
    ($then:ident) => {
        $then! {
            [
                external_id, username, email, email_verified, first_name, last_name, full_name, image_url,
                public_metadata, banned, locked, created_at, updated_at,
            ] and [
                // What an admin has set goes before whatever the facts give, and why is his word.
                "role = coalesce(users.role_override, excluded.role)",
                "role_source = case when users.role_override is null then excluded.role_source else 'override' end",
                "tier = coalesce(users.tier_override, excluded.tier)",
                "tier_source = case when users.tier_override is null then excluded.tier_source else 'override' end",
                "tier_until = case when users.tier_override is null then excluded.tier_until end",
                "last_login_at = case when users.last_login_at is null or users.last_login_at < excluded.last_login_at \
                 then excluded.last_login_at else users.last_login_at end",
            ]
        }
    };
}

async fn upsert_rows(
    conn: &mut Conn,
    rows: Vec<NewUser<'_>>,
    context: &Context<'_>,
) -> QueryResult<Vec<UserRow>> {
    macro_rules! upsert {
        ([$($column:ident),+ $(,)?] and [$($also:literal),+ $(,)?]) => {
            upsert_guarded!(
                conn, users by [clerk_user_id], rows, context, [$($column),+] and [$($also),+], UserRow
            )
        };
    }
    Ok(with_profile_columns!(upsert))
}

/// Writes profiles of which it is known that each is newer than its row. Should one not be, nothing of the transaction
/// stays: no row is without a version.
pub(super) async fn put(link: Link<'_>, rows: Vec<NewUser<'_>>) -> QueryResult<()> {
    macro_rules! newer {
        ([$($column:ident),+ $(,)?] and [$($also:literal),+ $(,)?]) => {
            concat!(
                on_conflict!(users by [clerk_user_id] do [$($column,)+ precedence, mirrored_at]),
                $(", ", $also,)+
                ", version = case when users.precedence < excluded.precedence then excluded.version end",
            )
        };
    }
    insertion::write(link, rows, with_profile_columns!(newer)).await
}

/// Marks users as deleted, known or not.
pub(super) async fn delete(
    conn: &mut Conn,
    deletions: &[&Deletion],
    about: &AboutUsers,
    context: &Context<'_>,
) -> QueryResult<Vec<News>> {
    let tombstones: Vec<NewUser<'_>> = deletions
        .iter()
        .filter(|deletion| deletion.kind == ObjectKind::User)
        .map(|deletion| {
            let latest = about.sign_ins.get(deletion.clerk_id.as_str()).copied();
            NewUser::tombstone(deletion, context.policy, context.now).signed_in(latest)
        })
        .collect();
    if tombstones.is_empty() {
        return Ok(Vec::new());
    }
    let written = delete_guarded!(conn, users by [clerk_user_id], tombstones, [created_at, updated_at], UserRow);
    Ok(written
        .into_iter()
        .filter_map(|row| change(row, ChangeOp::Delete, context.now))
        .collect())
}

/// Makes a row for a user known from a token alone; `None` when there is a row already.
pub(super) async fn insert_thin(
    conn: &mut Conn,
    user: &ThinUser,
    policy: &Policy,
) -> QueryResult<Option<News>> {
    let id = user.clerk_user_id.as_str();
    let context = Context {
        policy,
        now: user.seen_at,
        again: false,
    };
    let standing = Standing::of(conn, &[id], &context).await?;
    let nothing = Map::new();
    let role = standing.role(id, &nothing, &context);
    let tier = standing.tier(id, &nothing, &context);
    let last_login_at = sessions::latest_sign_ins(conn, &[id]).await?.remove(id);
    let row = NewUser::thin(user, policy)
        .entitled(&role, &tier)
        .signed_in(last_login_at);
    let written = insert_returning!(
        conn,
        vec![row],
        " on conflict (clerk_user_id) do nothing",
        UserRow
    );
    let row = written.into_iter().next();
    Ok(row.and_then(|row| change(row, ChangeOp::Upsert, user.seen_at)))
}

/// Moves the latest sign-ins of users forward, never backward. Where a person is forgotten, nobody asks when he was here.
pub(super) async fn raise_last_logins(
    conn: &mut Conn,
    sign_ins: &HashMap<String, Time>,
) -> QueryResult<()> {
    use diesel::QueryDsl as _;
    for (clerk_user_id, at) in sign_ins {
        let user = users::table
            .filter(dsl::clerk_user_id.eq(clerk_user_id))
            .filter(dsl::precedence.ne(ABOVE_ALL.to_vec()));
        diesel::update(user.filter(dsl::last_login_at.is_null().or(dsl::last_login_at.lt(*at))))
            .set(dsl::last_login_at.eq(*at))
            .execute(conn)
            .await?;
    }
    Ok(())
}
