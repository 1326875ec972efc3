//! People who come back under a new Clerk id: see `docs/decisions/0063-relinking.md`.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{
    Attribution, AuditAction, AuditRecord, AuditSubject, ClerkId, Deletion, ObjectKind, Precedence,
    UserWrite,
};
use serde_json::json;
use uuid::Uuid;

use super::guarded::Context;
use super::run::RunQueryDsl;
use super::user_rows::NewUser;
use super::{Conn, audit, insertion};
use crate::column::{Id, Time};
use crate::schema::erasures;
use crate::schema::users::{self, dsl};

/// A deleted user's row that another may take over.
struct Former {
    id: Id,
    clerk_user_id: String,
    deleted_at: Time,
}

/// Gives users whom nothing had told of yet the rows of those who they were. The caller holds the write lock, and writes
/// the profiles next.
pub(super) async fn relink(
    conn: &mut Conn,
    writes: &[&UserWrite],
    context: &Context<'_>,
) -> QueryResult<()> {
    if !context.policy.relinks_verified() {
        return Ok(());
    }
    for write in writes {
        let id = &write.profile.clerk_user_id;
        let email = write.profile.primary_email();
        let Some(email) = email.filter(|email| email.verified) else {
            continue;
        };
        let Some(thin) = newcomer(conn, id).await? else {
            continue;
        };
        if let Some(former) = former(conn, &email.email_address).await? {
            take_over(conn, &former, thin, id, context).await?;
        }
    }
    Ok(())
}

/// `None` when Clerk has told of the user before; else the row that a token made, if one did.
async fn newcomer(conn: &mut Conn, id: &ClerkId) -> QueryResult<Option<Option<Id>>> {
    let row: Option<(Id, i64, Option<Time>)> = users::table
        .filter(dsl::clerk_user_id.eq(id.as_str()))
        .select((dsl::id, dsl::version, dsl::deleted_at))
        .first(conn)
        .await
        .optional()?;
    Ok(match row {
        None => Some(None),
        Some((row, version, None)) if version == Precedence::NOTHING_KNOWN.version_millis() => {
            Some(Some(row))
        }
        Some(_) => None,
    })
}

/// The one deleted user who had proved that the address was his, unless he is to be forgotten.
async fn former(conn: &mut Conn, email: &str) -> QueryResult<Option<Former>> {
    let rows: Vec<(Id, String, Option<Time>)> = users::table
        .filter(dsl::email.eq(email))
        .filter(dsl::email_verified.eq(true))
        .filter(dsl::deleted_at.is_not_null())
        .select((dsl::id, dsl::clerk_user_id, dsl::deleted_at))
        .limit(2)
        .load(conn)
        .await?;
    let [(id, clerk_user_id, Some(deleted_at))] = &rows[..] else {
        return Ok(None);
    };
    let to_be_forgotten: i64 = erasures::table
        .filter(erasures::user_id.eq(id))
        .filter(erasures::cancelled_at.is_null())
        .count()
        .get_result(conn)
        .await?;
    Ok((to_be_forgotten == 0).then(|| Former {
        id: *id,
        clerk_user_id: clerk_user_id.clone(),
        deleted_at: *deleted_at,
    }))
}

/// The former row becomes the newcomer's, and knows nothing until his profile is written; the thin row, or a new one,
/// stands for the former Clerk id.
async fn take_over(
    conn: &mut Conn,
    former: &Former,
    thin: Option<Id>,
    newcomer: &ClerkId,
    context: &Context<'_>,
) -> QueryResult<()> {
    let Ok(former_id) = ClerkId::parse(&former.clerk_user_id) else {
        return Ok(());
    };
    if let Some(thin) = thin {
        // No two rows have one id at any time.
        let nobody = format!("relinked_{}", Uuid::now_v7().simple());
        rename(conn, thin, &nobody).await?;
    }
    diesel::update(users::table.find(former.id))
        .set((
            dsl::clerk_user_id.eq(newcomer.as_str()),
            dsl::precedence.eq(Precedence::NOTHING_KNOWN.to_bytes()),
            dsl::version.eq(Precedence::NOTHING_KNOWN.version_millis()),
            dsl::deleted_at.eq(None::<Time>),
        ))
        .execute(conn)
        .await?;
    match thin {
        Some(thin) => {
            diesel::update(users::table.find(thin))
                .set((
                    dsl::clerk_user_id.eq(&former.clerk_user_id),
                    dsl::deleted_at.eq(former.deleted_at),
                    dsl::mirrored_at.eq(Time(context.now)),
                ))
                .execute(conn)
                .await?;
        }
        None => {
            let deletion = Deletion {
                kind: ObjectKind::User,
                clerk_id: former_id,
                deleted_at: former.deleted_at.0,
            };
            let row = NewUser::tombstone(&deletion, context.policy, context.now);
            insertion::insert(conn, vec![row]).await?;
        }
    }
    let record = AuditRecord {
        action: AuditAction::Relinked,
        subject: Some(AuditSubject::user(newcomer)),
        before: Some(json!({ "clerk_user_id": former.clerk_user_id })),
        after: Some(json!({ "clerk_user_id": newcomer })),
    };
    audit::write(conn, record, &Attribution::system(context.now)).await
}

async fn rename(conn: &mut Conn, row: Id, clerk_user_id: &str) -> QueryResult<()> {
    diesel::update(users::table.find(row))
        .set(dsl::clerk_user_id.eq(clerk_user_id))
        .execute(conn)
        .await
        .map(drop)
}
