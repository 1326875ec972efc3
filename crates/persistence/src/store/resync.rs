//! One user, made so as Clerk has him, because somebody asked for it.

use diesel::QueryResult;
use domain::{
    Attribution, AuditAction, AuditRecord, AuditSubject, Decided, Listing, UserKey, Write,
};
use serde_json::json;

use super::guarded::Context;
use super::{Conn, apply, audit, local, mirror};

/// Writes what Clerk said when the row was at the version `seen`. Where it still is, Clerk's word counts whatever the row
/// knows, as with a sweep's correction; what was told since counts where it is newer. The caller holds the write lock.
pub(super) async fn resync(
    conn: &mut Conn,
    told: &Write,
    seen: Option<i64>,
    context: &Context<'_>,
    by: &Attribution,
) -> QueryResult<Decided> {
    let id = told.key().1;
    let key = UserKey::from(id);
    let before = local::find(conn, &key).await?;
    if before
        .as_ref()
        .is_some_and(|user| user.deleted_at.is_some())
    {
        return Ok(Decided::Deleted);
    }
    if before.is_some() && before.as_ref().map(|user| user.version) == seen {
        mirror::forget_place(conn, Listing::Users, id).await?;
    }
    apply::write_all(conn, &[std::slice::from_ref(told)], context).await?;
    let Some(user) = local::find(conn, &key).await? else {
        return Ok(Decided::Unknown);
    };
    let record = AuditRecord {
        action: AuditAction::Resynced,
        subject: Some(AuditSubject::user(id)),
        before: None,
        after: Some(json!({ "changed": before.as_ref() != Some(&user) })),
    };
    audit::write(conn, record, by).await?;
    Ok(match before {
        Some(before) if before == user => Decided::Unchanged(Box::new(user)),
        before => Decided::Changed {
            before: Box::new(before.unwrap_or_else(|| user.clone())),
            user: Box::new(user),
        },
    })
}
