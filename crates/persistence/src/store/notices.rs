//! Facts that could not be understood go into the audit log, once for as long as they stay the same.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{
    Actor, Attribution, AuditAction, AuditRecord, AuditSubject, ClerkId, Notice, RoleDecision,
    TierDecision,
};
use serde_json::{Value, json};

use super::run::RunQueryDsl;
use super::{Conn, audit};
use crate::column::Json;
use crate::schema::audit_log;

/// What two decisions about one user did not understand.
pub(super) fn of(role: Option<&RoleDecision>, tier: Option<&TierDecision>) -> Vec<Notice> {
    let of_role = role.map(|decided| decided.notices.as_slice());
    let of_tier = tier.map(|decided| decided.notices.as_slice());
    let all = [of_role, of_tier].into_iter().flatten().flatten();
    all.cloned().collect()
}

/// Adds a line, unless the latest about this user says the same. An event repeats whatever was wrong before it.
pub(super) async fn tell(
    conn: &mut Conn,
    clerk_user_id: &str,
    notices: Vec<Notice>,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    if notices.is_empty() {
        return Ok(());
    }
    // It comes from a row or a fact, and is one.
    let Ok(id) = ClerkId::parse(clerk_user_id) else {
        return Ok(());
    };
    let told = json!({ "notices": notices });
    if latest(conn, clerk_user_id).await? == Some(told.clone()) {
        return Ok(());
    }
    let record = AuditRecord {
        action: AuditAction::FactRefused,
        subject: Some(AuditSubject::user(&id)),
        before: None,
        after: Some(told),
    };
    let by = Attribution {
        actor: Actor::Clerk,
        ..Attribution::system(at)
    };
    audit::write(conn, record, &by).await
}

async fn latest(conn: &mut Conn, clerk_user_id: &str) -> QueryResult<Option<Value>> {
    let latest: Option<Option<Json>> = audit_log::table
        .filter(audit_log::subject_id.eq(clerk_user_id))
        .filter(audit_log::action.eq(AuditAction::FactRefused.as_str()))
        .order(audit_log::id.desc())
        .select(audit_log::after)
        .first(conn)
        .await
        .optional()?;
    Ok(latest.flatten().map(|after| after.0))
}
