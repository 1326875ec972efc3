//! The rows of sessions: two guarded facts, how it began and where it stands.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use domain::{Change, ChangeOp, ClerkId, ObjectKind, Precedence, Session, SessionStatus, SessionWrite};

use super::guarded::{Context, ROWS, upsert_guarded};
use super::{Conn, user_writes};
use crate::column::{Json, Time};
use crate::schema::sessions::{self, dsl};

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    clerk_session_id: String,
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

#[derive(Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
struct NewSession<'a> {
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
) -> QueryResult<Vec<Change>> {
    let mut changed: HashMap<String, SessionRow> = HashMap::with_capacity(writes.len());
    for writes in writes.chunks(ROWS) {
        let rows: Vec<NewSession<'_>> = writes.iter().map(|write| NewSession::told(write, context.now)).collect();
        let stands = upsert_guarded!(
            conn, sessions by dsl::clerk_session_id, rows, context,
            [
                clerk_user_id, clerk_client_id, status, end_reason, ended_at, last_active_organization_id, actor,
                last_active_at, expire_at, abandon_at, created_at, updated_at,
            ],
            SessionRow
        )?;
        let began = write_sign_ins(conn, writes).await?;
        // Whatever was written last shows both.
        changed.extend(stands.into_iter().chain(began).map(|row| (row.clerk_session_id.clone(), row)));
    }
    Ok(changed.into_values().filter_map(|row| change(row, context.now)).collect())
}

/// `session.created` alone tells who signed in from where; it may come after the event that ended the session, and
/// counts all the same.
async fn write_sign_ins(conn: &mut Conn, writes: &[&SessionWrite]) -> QueryResult<Vec<SessionRow>> {
    let mut began = Vec::new();
    let mut latest: HashMap<String, Time> = HashMap::new();
    for write in writes {
        let Some(sign_in) = &write.sign_in else { continue };
        let place = write.precedence.to_bytes();
        let session = sessions::table.filter(dsl::clerk_session_id.eq(write.clerk_session_id.as_str()));
        let row: Option<SessionRow> = diesel::update(session.filter(dsl::sign_in_precedence.lt(place.clone())))
            .set((
                dsl::signed_in_at.eq(Time(sign_in.signed_in_at)),
                dsl::client_ip.eq(&sign_in.client_ip),
                dsl::user_agent.eq(&sign_in.user_agent),
                dsl::sign_in_precedence.eq(place),
            ))
            .returning(SessionRow::as_returning())
            .get_result(conn)
            .await
            .optional()?;
        began.extend(row);
        if let Some(user) = &write.clerk_user_id {
            let at = Time(sign_in.signed_in_at);
            latest.entry(user.to_string()).and_modify(|known| *known = (*known).max(at)).or_insert(at);
        }
    }
    user_writes::raise_last_logins(conn, &latest).await?;
    Ok(began)
}

/// The latest sign-in of each user among the sessions told of so far.
pub(super) async fn latest_sign_ins(conn: &mut Conn, users: Vec<&str>) -> QueryResult<HashMap<String, Time>> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let latest: Vec<(Option<String>, Option<Time>)> = sessions::table
        .filter(dsl::clerk_user_id.eq_any(users))
        .group_by(dsl::clerk_user_id)
        .select((dsl::clerk_user_id, max(dsl::signed_in_at)))
        .load(conn)
        .await?;
    Ok(latest.into_iter().filter_map(|(user, at)| Some((user?, at?))).collect())
}

fn change(row: SessionRow, at: DateTime<Utc>) -> Option<Change> {
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
    let session = Session {
        clerk_session_id: ClerkId::parse(clerk_session_id).ok()?,
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
    };
    let data = serde_json::to_value(&session).ok()?;
    Some(Change {
        kind: ObjectKind::Session,
        clerk_id: session.clerk_session_id.into_string(),
        op: ChangeOp::Upsert,
        at,
        data,
    })
}
