//! The rows of sessions: two guarded facts, how it began and where it stands.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, IntoSql, OptionalExtension, QueryDsl, QueryResult,
    Queryable, Selectable, SelectableHelper,
};
use domain::{
    ChangeOp, ClerkId, ObjectKind, Precedence, Session, SessionStatus, SessionWrite, StoreError,
};

use super::changes::{About, News};
use super::guarded::{Context, on_conflict, upsert_guarded};
use super::run::RunQueryDsl;
use super::{Conn, Link, user_writes};
use crate::column::{Json, Time};
use crate::schema::sessions::{self, dsl};

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct SessionRow {
    pub(super) clerk_session_id: String,
    clerk_user_id: Option<String>,
    clerk_client_id: Option<String>,
    status: String,
    end_reason: Option<String>,
    ended_at: Option<Time>,
    last_active_organization_id: Option<String>,
    client_ip: Option<String>,
    user_agent: Option<String>,
    signed_in_at: Option<Time>,
    last_active_at: Option<Time>,
    expire_at: Option<Time>,
    abandon_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    version: i64,
}

super::insertion::insertable! {
    struct NewSession<'a> for sessions {
        clerk_session_id: &'a str,
        clerk_user_id: Option<&'a str>,
        clerk_client_id: Option<&'a str>,
        status: &'a str,
        end_reason: Option<&'a str>,
        ended_at: Option<Time>,
        last_active_organization_id: Option<&'a str>,
        actor: Option<Json>,
        last_active_at: Option<Time>,
        expire_at: Option<Time>,
        abandon_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
        version: i64,
        precedence: Vec<u8>,
        sign_in_precedence: Vec<u8>,
        mirrored_at: Time,
    }
}

impl<'a> NewSession<'a> {
    fn told(write: &'a SessionWrite, now: DateTime<Utc>) -> Self {
        let end = write.status.is_terminal().then_some(write.status.as_str());
        Self {
            clerk_session_id: write.clerk_session_id.as_str(),
            clerk_user_id: write.clerk_user_id.as_ref().map(ClerkId::as_str),
            clerk_client_id: write.clerk_client_id.as_deref(),
            status: write.status.as_str(),
            end_reason: end,
            ended_at: end.map(|_| Time(write.updated_at)),
            last_active_organization_id: write.last_active_organization_id.as_deref(),
            actor: write.actor.clone().map(Json),
            last_active_at: write.last_active_at.map(Time),
            expire_at: write.expire_at.map(Time),
            abandon_at: write.abandon_at.map(Time),
            created_at: Time(write.created_at),
            updated_at: Time(write.updated_at),
            version: write.precedence.version_millis(),
            precedence: write.precedence.to_bytes(),
            sign_in_precedence: Precedence::NOTHING_KNOWN.to_bytes(),
            mirrored_at: Time(now),
        }
    }
}

/// Writes what is newer; answers the changes that others see.
pub(super) async fn upsert(
    conn: &mut Conn,
    writes: &[&SessionWrite],
    context: &Context<'_>,
) -> QueryResult<Vec<News>> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<NewSession<'_>> = writes
        .iter()
        .map(|write| NewSession::told(write, context.now))
        .collect();
    let mut changed: HashMap<String, SessionRow> = HashMap::with_capacity(rows.len());
    let written = write_states(conn, rows, context).await?;
    changed.extend(
        written
            .into_iter()
            .map(|row| (row.clerk_session_id.clone(), row)),
    );
    for write in writes {
        if !changed.contains_key(write.clerk_session_id.as_str())
            && let Some(row) = write_user(conn, write, context.now).await?
        {
            changed.insert(row.clerk_session_id.clone(), row);
        }
        // Whatever was written last shows all.
        if let Some(row) = write_sign_in(conn, write, context.again).await? {
            changed.insert(row.clerk_session_id.clone(), row);
        }
    }
    let mut latest: HashMap<String, Time> = HashMap::new();
    for row in changed.values() {
        if let (Some(user), Some(at)) = (&row.clerk_user_id, row.signed_in_at) {
            latest
                .entry(user.clone())
                .and_modify(|known| *known = (*known).max(at))
                .or_insert(at);
        }
    }
    user_writes::raise_last_logins(conn, &latest).await?;
    Ok(changed
        .into_values()
        .filter_map(|row| change(row, context.now))
        .collect())
}

async fn write_states(
    conn: &mut Conn,
    rows: Vec<NewSession<'_>>,
    context: &Context<'_>,
) -> QueryResult<Vec<SessionRow>> {
    Ok(upsert_guarded!(
        conn, sessions by [clerk_session_id], rows, context,
        [
            clerk_client_id, status, end_reason, ended_at, last_active_organization_id, actor, last_active_at,
            expire_at, abandon_at, created_at, updated_at,
        ] and ["clerk_user_id = coalesce(excluded.clerk_user_id, sessions.clerk_user_id)"],
        SessionRow
    ))
}

/// A session's user never changes, and not every event names him: so he is taken from whichever does, even where it is
/// stale otherwise.
async fn write_user(
    conn: &mut Conn,
    write: &SessionWrite,
    now: DateTime<Utc>,
) -> QueryResult<Option<SessionRow>> {
    let Some(clerk_user_id) = &write.clerk_user_id else {
        return Ok(None);
    };
    let session = sessions::table.filter(dsl::clerk_session_id.eq(write.clerk_session_id.as_str()));
    diesel::update(session.filter(dsl::clerk_user_id.is_null()))
        .set((
            dsl::clerk_user_id.eq(clerk_user_id.as_str()),
            dsl::mirrored_at.eq(Time(now)),
        ))
        .returning(SessionRow::as_returning())
        .get_result(conn)
        .await
        .optional()
}

/// `session.created` alone tells who signed in from where; it may come after the event that ended the session, and
/// counts all the same.
async fn write_sign_in(
    conn: &mut Conn,
    write: &SessionWrite,
    again: bool,
) -> QueryResult<Option<SessionRow>> {
    let Some(sign_in) = &write.sign_in else {
        return Ok(None);
    };
    let place = write.precedence.to_bytes();
    let session = sessions::table.filter(dsl::clerk_session_id.eq(write.clerk_session_id.as_str()));
    let is_same = dsl::sign_in_precedence
        .eq(place.clone())
        .and(again.into_sql::<diesel::sql_types::Bool>());
    diesel::update(session.filter(dsl::sign_in_precedence.lt(place.clone()).or(is_same)))
        .set((
            dsl::signed_in_at.eq(Time(sign_in.signed_in_at)),
            dsl::client_ip.eq(&sign_in.client_ip),
            dsl::user_agent.eq(&sign_in.user_agent),
            dsl::sign_in_precedence.eq(place),
        ))
        .returning(SessionRow::as_returning())
        .get_result(conn)
        .await
        .optional()
}

/// The latest sign-in of each user among the sessions told of so far.
pub(super) async fn latest_sign_ins(
    mut link: Link<'_>,
    users: &[&str],
) -> QueryResult<HashMap<String, Time>> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let latest: Vec<(Option<String>, Option<Time>)> = sessions::table
        .filter(dsl::clerk_user_id.eq_any(users))
        .group_by(dsl::clerk_user_id)
        .select((dsl::clerk_user_id, max(dsl::signed_in_at)))
        .load(&mut link)
        .await?;
    Ok(latest
        .into_iter()
        .filter_map(|(user, at)| Some((user?, at?)))
        .collect())
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let SessionRow {
            clerk_session_id,
            clerk_user_id,
            clerk_client_id,
            status,
            end_reason,
            ended_at,
            last_active_organization_id,
            client_ip,
            user_agent,
            signed_in_at,
            last_active_at,
            expire_at,
            abandon_at,
            created_at,
            updated_at,
            version,
        } = row;
        let clerk_session_id = ClerkId::parse(clerk_session_id).map_err(|error| {
            StoreError::Unreadable(format!("sessions.clerk_session_id: {error}"))
        })?;
        Ok(Self {
            clerk_session_id,
            clerk_user_id: clerk_user_id.and_then(|id| ClerkId::parse(id).ok()),
            clerk_client_id,
            status: SessionStatus::parse(&status),
            end_reason,
            ended_at: ended_at.map(|at| at.0),
            last_active_organization_id,
            client_ip,
            user_agent,
            signed_in_at: signed_in_at.map(|at| at.0),
            last_active_at: last_active_at.map(|at| at.0),
            expire_at: expire_at.map(|at| at.0),
            abandon_at: abandon_at.map(|at| at.0),
            created_at: created_at.0,
            updated_at: updated_at.0,
            version,
        })
    }
}

/// The feed's row; see [`super::user_rows::change`].
pub(super) fn change(row: SessionRow, at: DateTime<Utc>) -> Option<News> {
    let session = Session::try_from(row).ok()?;
    let about = About {
        kind: ObjectKind::Session.into(),
        clerk_id: session.clerk_session_id.as_str(),
        clerk_user_id: session.clerk_user_id.as_ref().map(ClerkId::as_str),
    };
    News::of(about, ChangeOp::Upsert, at, &session).ok()
}
