//! Sessions that are ended here, whatever Clerk knows of it yet.
//!
//! The end is a final fact like the one that Clerk tells: whichever of the two is later stands, and nothing opens the
//! session again.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    SelectableHelper,
};
use domain::{
    Attribution, AuditAction, AuditRecord, AuditSubject, ClerkId, Policy, Precedence, Session,
    SessionStatus, SessionWrite, Step,
};

use super::guarded::Context;
use super::run::RunQueryDsl;
use super::sessions::{self, SessionRow};
use super::{Conn, audit, changes, local};
use crate::column::Time;
use crate::schema::sessions::{self as table, dsl};

/// Sessions in one statement: SQLite takes so many parameters and no more.
const PART: usize = 1000;

const TERMINAL: [SessionStatus; 6] = [
    SessionStatus::Ended,
    SessionStatus::Removed,
    SessionStatus::Revoked,
    SessionStatus::Expired,
    SessionStatus::Abandoned,
    SessionStatus::Replaced,
];

fn place(at: DateTime<Utc>) -> Precedence {
    Precedence::new(Some(at), Some(at), at, Step::Changed, [0; 8]).into_final()
}

/// Ends every open session of a user.
pub(super) async fn end_all(
    conn: &mut Conn,
    clerk_user_id: &ClerkId,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let open: Vec<String> = table::table
        .filter(dsl::clerk_user_id.eq(clerk_user_id.as_str()))
        .filter(dsl::expire_at.is_null().or(dsl::expire_at.gt(Time(at))))
        .filter(dsl::status.ne_all(TERMINAL.each_ref().map(SessionStatus::as_str)))
        .select(dsl::clerk_session_id)
        .load(conn)
        .await?;
    for part in open.chunks(PART) {
        end(conn, part, at).await?;
    }
    Ok(())
}

async fn end(conn: &mut Conn, ids: &[String], at: DateTime<Utc>) -> QueryResult<()> {
    let place = place(at);
    let named = table::table.filter(dsl::clerk_session_id.eq_any(ids));
    let ended: Vec<SessionRow> = diesel::update(named.filter(dsl::precedence.lt(place.to_bytes())))
        .set((
            dsl::status.eq(SessionStatus::Revoked.as_str()),
            dsl::end_reason.eq(SessionStatus::Revoked.as_str()),
            dsl::ended_at.eq(Time(at)),
            dsl::updated_at.eq(Time(at)),
            dsl::version.eq(place.version_millis()),
            dsl::precedence.eq(place.to_bytes()),
            dsl::mirrored_at.eq(Time(at)),
        ))
        .returning(SessionRow::as_returning())
        .load(conn)
        .await?;
    let seen = ended
        .into_iter()
        .filter_map(|row| sessions::change(row, at))
        .collect();
    changes::append(conn, seen).await.map(drop)
}

/// Ends one session; `None` when it is another user's.
pub(super) async fn end_one(
    conn: &mut Conn,
    id: &ClerkId,
    of_user: Option<&ClerkId>,
    by: &Attribution,
    policy: &Policy,
) -> QueryResult<Option<Session>> {
    let known = find(conn, id).await?;
    let owner = known
        .as_ref()
        .and_then(|known| known.clerk_user_id.as_ref());
    if of_user.is_some() && owner.is_some() && owner != of_user {
        return Ok(None);
    }
    if let Some(known) = known.as_ref().filter(|known| known.status.is_terminal()) {
        return Ok(Some(known.clone()));
    }
    if known.is_some() {
        end(conn, &[id.to_string()], by.at).await?;
    } else {
        let context = Context {
            policy,
            now: by.at,
            again: false,
        };
        let write = unknown(id, of_user, by.at);
        let seen = sessions::upsert(conn, &[&write], &context).await?;
        changes::append(conn, seen).await?;
    }
    let record = AuditRecord {
        action: AuditAction::SessionRevoked,
        subject: Some(AuditSubject::session(id)),
        before: None,
        after: None,
    };
    audit::write(conn, record, by).await?;
    find(conn, id).await
}

async fn find(conn: &mut Conn, id: &ClerkId) -> QueryResult<Option<Session>> {
    let row: Option<SessionRow> = table::table
        .find(id.as_str())
        .select(SessionRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(|row| Session::try_from(row).map_err(local::unreadable))
        .transpose()
}

/// Nothing has told of it yet, but its tokens are about.
fn unknown(id: &ClerkId, of_user: Option<&ClerkId>, at: DateTime<Utc>) -> SessionWrite {
    SessionWrite {
        clerk_session_id: id.clone(),
        clerk_user_id: of_user.cloned(),
        clerk_client_id: None,
        status: SessionStatus::Revoked,
        last_active_organization_id: None,
        actor: None,
        last_active_at: None,
        expire_at: None,
        abandon_at: None,
        created_at: at,
        updated_at: at,
        sign_in: None,
        precedence: place(at),
    }
}
