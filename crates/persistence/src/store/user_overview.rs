//! One user with all that belongs to him.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryResult,
    SelectableHelper,
};
use domain::{
    AuditFilter, MemberOf, Membership, ObjectKind, Organization, Session, UserKey, UserOverview,
};

use super::local::{self, unreadable};
use super::memberships::MembershipRow;
use super::organizations::OrganizationRow;
use super::run::RunQueryDsl;
use super::sessions::SessionRow;
use super::{Conn, audit, erasures, rows, usage};
use crate::schema::{organization_memberships as memberships, organizations, sessions};

/// `None` when there is no such user.
pub(super) async fn of(
    conn: &mut Conn,
    key: &UserKey,
    now: DateTime<Utc>,
) -> QueryResult<Option<UserOverview>> {
    let Some(user) = local::find(conn, key).await? else {
        return Ok(None);
    };
    let id = user.clerk_user_id.as_str();
    let emails = rows::emails_of(conn, id).await?;
    let sessions = sessions_of(conn, id, i64::from(UserOverview::MOST)).await?;
    let organizations = places_of(conn, id).await?;
    let usage = usage::of_user(conn, user.id, now).await?;
    let about = AuditFilter {
        subject_kind: Some(ObjectKind::User.as_str().to_owned()),
        subject_id: Some(id.to_owned()),
        ..AuditFilter::default()
    };
    let history = audit::lines(conn, &about, None, UserOverview::MOST).await?;
    let erasure = erasures::latest(conn, user.id).await?;
    Ok(Some(UserOverview {
        user,
        emails,
        sessions,
        organizations,
        usage,
        history,
        erasure,
    }))
}

/// The newest first.
pub(super) async fn sessions_of(
    conn: &mut Conn,
    clerk_user_id: &str,
    limit: i64,
) -> QueryResult<Vec<Session>> {
    let rows: Vec<SessionRow> = sessions::table
        .filter(sessions::clerk_user_id.eq(clerk_user_id))
        .order((
            sessions::created_at.desc(),
            sessions::clerk_session_id.desc(),
        ))
        .limit(limit)
        .select(SessionRow::as_select())
        .load(conn)
        .await?;
    let sessions = rows.into_iter().map(Session::try_from);
    sessions.collect::<Result<_, _>>().map_err(unreadable)
}

/// The places that count.
pub(super) async fn places_of(conn: &mut Conn, clerk_user_id: &str) -> QueryResult<Vec<MemberOf>> {
    let rows: Vec<(MembershipRow, Option<OrganizationRow>)> = memberships::table
        .left_join(
            organizations::table.on(organizations::clerk_organization_id
                .nullable()
                .eq(memberships::clerk_organization_id)),
        )
        .filter(memberships::clerk_user_id.eq(clerk_user_id))
        .filter(memberships::deleted_at.is_null())
        .filter(organizations::deleted_at.nullable().is_null())
        .order(memberships::clerk_membership_id)
        .select((
            MembershipRow::as_select(),
            Option::<OrganizationRow>::as_select(),
        ))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(membership, organization)| {
            Ok(MemberOf {
                membership: Membership::try_from(membership).map_err(unreadable)?,
                organization: organization
                    .map(Organization::try_from)
                    .transpose()
                    .map_err(unreadable)?,
            })
        })
        .collect()
}
