//! Decisions of the team about users: each is a row, its change in the feed and a line in the audit log, or nothing.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use domain::{
    Actor, Administration, Attribution, AuditAction, AuditRecord, AuditSubject, ClerkId, Decided,
    Delivery, Policy, PreferencesOutcome, Receipt, Role, Session, StoreError, Tier, User, UserKey,
    UserWrite, Write, merge_patch, patched_preferences,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::guarded::Context;
use super::local::{self, LocalColumns};
use super::standing::{self, Standing};
use super::{
    Conn, Store, admins, audit, erasures, limited, notices, resync, session_ends, store_error,
};
use crate::column::{Json, Time};

/// What is decided.
enum Decision {
    Role {
        role: Option<Role>,
        written_back: bool,
    },
    Tier(Option<Tier>),
    Deactivate,
    Reactivate,
    RevokeTokens,
}

#[async_trait]
impl Administration for Store {
    async fn set_role(
        &self,
        user: &UserKey,
        role: Option<Role>,
        written_back: bool,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<Decided, StoreError> {
        let decision = Decision::Role { role, written_back };
        self.decide(user, decision, by, admins).await
    }

    async fn set_tier(
        &self,
        user: &UserKey,
        tier: Option<Tier>,
        by: Attribution,
    ) -> Result<Decided, StoreError> {
        self.decide(user, Decision::Tier(tier), by, &[]).await
    }

    async fn deactivate(
        &self,
        user: &UserKey,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<Decided, StoreError> {
        self.decide(user, Decision::Deactivate, by, admins).await
    }

    async fn reactivate(&self, user: &UserKey, by: Attribution) -> Result<Decided, StoreError> {
        self.decide(user, Decision::Reactivate, by, &[]).await
    }

    async fn revoke_tokens(&self, user: &UserKey, by: Attribution) -> Result<Decided, StoreError> {
        self.decide(user, Decision::RevokeTokens, by, &[]).await
    }

    async fn revoke_session(
        &self,
        clerk_session_id: &ClerkId,
        of_user: Option<ClerkId>,
        by: Attribution,
    ) -> Result<Option<Session>, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let (of_user, by, policy) = (of_user.as_ref(), &by, &self.policy.current());
            let session: QueryResult<Option<Session>> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                session_ends::end_one(conn, clerk_session_id, of_user, by, policy).await
            });
            lease.settle(session).map_err(store_error)
        });
        self.observed.told_after(call).await
    }

    async fn patch_preferences(
        &self,
        user: &UserKey,
        patch: &Value,
        by: Attribution,
    ) -> Result<PreferencesOutcome, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let by = &by;
            let outcome: QueryResult<PreferencesOutcome> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                patch_preferences(conn, user, patch, by).await
            });
            lease.settle(outcome).map_err(store_error)
        });
        self.observed.told_after(call).await
    }

    async fn resync(
        &self,
        told: UserWrite,
        seen: Option<i64>,
        read_at: DateTime<Utc>,
        by: Attribution,
    ) -> Result<Decided, StoreError> {
        let call = Box::pin(limited(async {
            let mut lease = self.writer().await?;
            let policy = self.policy.current();
            let context = Context {
                policy: &policy,
                now: read_at,
                again: true,
            };
            let (told, context, by) = (&Write::User(Box::new(told)), &context, &by);
            let decided: QueryResult<Decided> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                resync::resync(conn, told, seen, context, by).await
            });
            lease.settle(decided).map_err(store_error)
        }));
        self.observed.told_after(call).await
    }

    async fn replay(
        &self,
        line: Uuid,
        delivery: Delivery,
        by: Attribution,
    ) -> Result<Receipt, StoreError> {
        self.replay_line(line, &delivery, by.at, Some(&by)).await
    }
}

impl Store {
    async fn decide(
        &self,
        key: &UserKey,
        decision: Decision,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<Decided, StoreError> {
        let call = Box::pin(limited(async {
            let mut lease = self.writer().await?;
            let (decision, by, policy) = (&decision, &by, &self.policy.current());
            let decided: QueryResult<Decided> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                let Some(user) = local::find(conn, key).await? else {
                    return Ok(Decided::Unknown);
                };
                if user.deleted_at.is_some() {
                    return Ok(Decided::Deleted);
                }
                decide(conn, user, decision, by, admins, policy).await
            });
            lease.settle(decided).map_err(store_error)
        }));
        self.observed.told_after(call).await
    }
}

async fn decide(
    conn: &mut Conn,
    user: User,
    decision: &Decision,
    by: &Attribution,
    configured: &[ClerkId],
    policy: &Policy,
) -> QueryResult<Decided> {
    if matches!(decision, Decision::Reactivate)
        && let Some(open) = erasures::latest(conn, user.id).await?
        && open.cancelled_at.is_none()
        && open.executed_at.is_none()
    {
        return Ok(Decided::Erasing(Box::new(open)));
    }
    let Some((action, columns)) = columns(conn, &user, decision, by, policy).await? else {
        return Ok(Decided::Unchanged(Box::new(user)));
    };
    let stays_admin = match decision {
        Decision::Role { .. } => {
            configured.contains(&user.clerk_user_id)
                || columns.role.as_deref() == Some(policy.admin_role().as_str())
        }
        Decision::Deactivate => false,
        Decision::Tier(_) | Decision::Reactivate | Decision::RevokeTokens => true,
    };
    if !stays_admin && admins::is_last(conn, &user, configured, policy).await? {
        return Ok(Decided::LastAdmin);
    }
    let written = local::write(conn, user.id, columns, by.at).await?;
    if matches!(decision, Decision::RevokeTokens) {
        session_ends::end_all(conn, &user.clerk_user_id, by.at).await?;
    }
    let record = AuditRecord {
        action,
        subject: Some(AuditSubject::user(&user.clerk_user_id)),
        before: shown(&user, decision),
        after: shown(&written, decision),
    };
    audit::write(conn, record, by).await?;
    Ok(Decided::Changed {
        before: Box::new(user),
        user: Box::new(written),
    })
}

/// What a decision writes; `None` when the row says so already.
async fn columns(
    conn: &mut Conn,
    user: &User,
    decision: &Decision,
    by: &Attribution,
    policy: &Policy,
) -> QueryResult<Option<(AuditAction, LocalColumns)>> {
    let nothing = LocalColumns::default;
    let id = user.clerk_user_id.as_str();
    let metadata = standing::metadata_of(user);
    let context = Context {
        policy,
        now: by.at,
        again: false,
    };
    Ok(match decision {
        Decision::Role { role, .. } if *role == user.role_override => None,
        Decision::Role { role, written_back } => {
            // Our own word does not outlive the decision that it came from.
            let own = user
                .role_override
                .as_ref()
                .filter(|_| *written_back && role.is_none());
            let own = own.and_then(|former| policy.role_out_of(&metadata, former));
            let told = own.map(|patch| without(&metadata, &patch));
            let metadata = told.as_ref().unwrap_or(&metadata);
            let standing = Standing::of(conn, &[id], &context).await?;
            let name = role.as_ref().map(Role::as_str);
            let decided = standing.role_with(name, id, metadata, &context);
            notices::tell(conn, id, decided.notices.clone(), by.at).await?;
            let columns = LocalColumns {
                role_override: Some(name.map(str::to_owned)),
                public_metadata: told.clone().map(|told| Json(Value::Object(told))),
                ..LocalColumns::decided(Some(decided), None)
            };
            let action = match role {
                Some(_) => AuditAction::RoleSet,
                None => AuditAction::RoleCleared,
            };
            Some((action, columns))
        }
        Decision::Tier(tier) if *tier == user.tier_override => None,
        Decision::Tier(tier) => {
            let standing = Standing::of(conn, &[id], &context).await?;
            let name = tier.as_ref().map(Tier::as_str);
            let decided = standing.tier_with(name, id, &metadata, &context);
            notices::tell(conn, id, decided.notices.clone(), by.at).await?;
            let columns = LocalColumns {
                tier_override: Some(name.map(str::to_owned)),
                ..LocalColumns::decided(None, Some(decided))
            };
            let action = match tier {
                Some(_) => AuditAction::TierSet,
                None => AuditAction::TierCleared,
            };
            Some((action, columns))
        }
        Decision::Deactivate => user.deactivated_at.is_none().then(|| {
            let columns = LocalColumns {
                deactivated_at: Some(Some(Time(by.at))),
                ..nothing()
            };
            (AuditAction::Deactivated, columns)
        }),
        Decision::Reactivate => user.deactivated_at.is_some().then(|| {
            let columns = LocalColumns {
                deactivated_at: Some(None),
                ..nothing()
            };
            (AuditAction::Reactivated, columns)
        }),
        Decision::RevokeTokens => {
            let after = user.tokens_valid_after.max(Some(by.at));
            let columns = LocalColumns {
                tokens_valid_after: Some(after.map(Time)),
                ..nothing()
            };
            Some((AuditAction::TokensRevoked, columns))
        }
    })
}

/// The metadata after a merge patch that takes something out of it.
fn without(metadata: &Map<String, Value>, patch: &Value) -> Map<String, Value> {
    let mut left = Value::Object(metadata.clone());
    merge_patch(&mut left, patch);
    match left {
        Value::Object(left) => left,
        _ => Map::new(),
    }
}

/// What the audit log shows of a row, before and after.
fn shown(user: &User, decision: &Decision) -> Option<Value> {
    match decision {
        Decision::Role { .. } => Some(json!({
            "role": user.role, "override": user.role_override, "source": user.role_source,
        })),
        Decision::Tier(_) => Some(json!({
            "tier": user.tier, "override": user.tier_override, "source": user.tier_source,
        })),
        Decision::Deactivate | Decision::Reactivate => {
            Some(json!({ "deactivated_at": user.deactivated_at }))
        }
        Decision::RevokeTokens => Some(json!({ "tokens_valid_after": user.tokens_valid_after })),
    }
}

async fn patch_preferences(
    conn: &mut Conn,
    key: &UserKey,
    patch: &Value,
    by: &Attribution,
) -> QueryResult<PreferencesOutcome> {
    let user = local::find(conn, key).await?;
    let Some(user) = user.filter(|user| user.deleted_at.is_none()) else {
        return Ok(PreferencesOutcome::Unknown);
    };
    let patched = match patched_preferences(&user.preferences, patch) {
        Ok(patched) => patched,
        Err(refusal) => return Ok(PreferencesOutcome::Refused(refusal)),
    };
    if patched == user.preferences {
        return Ok(PreferencesOutcome::Written(Box::new(user)));
    }
    let columns = LocalColumns {
        preferences: Some(Json(patched)),
        ..LocalColumns::default()
    };
    let written = local::write(conn, user.id, columns, by.at).await?;
    let is_own = by.impersonator.is_none() && by.actor == Actor::User(user.clerk_user_id.clone());
    if !is_own {
        let record = AuditRecord {
            action: AuditAction::PreferencesChanged,
            subject: Some(AuditSubject::user(&user.clerk_user_id)),
            before: None,
            after: None,
        };
        audit::write(conn, record, by).await?;
    }
    Ok(PreferencesOutcome::Written(Box::new(written)))
}
