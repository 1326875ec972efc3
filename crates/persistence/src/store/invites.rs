//! Invites: made, taken back, redeemed.

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
};
use domain::{
    Attribution, AuditAction, AuditRecord, AuditSubject, Invite, InviteAttempt, InviteCode,
    InviteCreation, InviteDigest, InviteOutcome, InviteRules, Invites, List, NewInvite, PageQuery,
    Paged, StoreError, User,
};
use serde_json::json;
use uuid::Uuid;

use super::invite_attempts::Counted;
use super::local::{self, LocalColumns};
use super::run::RunQueryDsl;
use super::storable::storable_option;
use super::user_rows::UserRow;
use super::{Conn, Store, audit, limited, store_error};
use crate::column::{Id, Time};
use crate::schema::invites::{self, dsl};
use crate::schema::{invite_redemptions as redemptions, users};

#[derive(Queryable, Selectable)]
#[diesel(table_name = invites)]
struct InviteRow {
    id: Id,
    max_uses: Option<i64>,
    uses: i64,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
    note: Option<String>,
    created_by: String,
    created_at: Time,
}

impl From<InviteRow> for Invite {
    fn from(row: InviteRow) -> Self {
        let InviteRow {
            id,
            max_uses,
            uses,
            expires_at,
            revoked_at,
            note,
            created_by,
            created_at,
        } = row;
        // Constraints keep both counts from being negative.
        Self {
            id: id.0,
            max_uses: max_uses.map(|uses| u64::try_from(uses).unwrap_or(0)),
            uses: u64::try_from(uses).unwrap_or(0),
            expires_at: expires_at.map(|at| at.0),
            revoked_at: revoked_at.map(|at| at.0),
            note,
            created_by,
            created_at: created_at.0,
        }
    }
}

#[async_trait]
impl Invites for Store {
    async fn create(
        &self,
        invite: NewInvite,
        by: Attribution,
    ) -> Result<InviteCreation, StoreError> {
        let code = match &invite.code {
            Some(code) => code.clone(),
            None => made_code()?,
        };
        limited(async {
            let mut lease = self.writer().await?;
            let (invite, digest, by) = (&invite, code.digest(), &by);
            let row: QueryResult<Option<InviteRow>> = write_tx!(lease.conn(), async |conn| {
                insert(conn, invite, &digest, by).await
            });
            let row = lease.settle(row).map_err(store_error)?;
            Ok(match row {
                Some(row) => InviteCreation::Created {
                    invite: row.into(),
                    code: code.clone(),
                },
                None => InviteCreation::CodeTaken,
            })
        })
        .await
    }

    async fn list(&self, page: PageQuery<Uuid>) -> Result<Paged<Invite>, StoreError> {
        limited(async {
            let mut query = invites::table.into_boxed();
            if let Some(after) = page.after {
                query = query.filter(dsl::id.lt(Id(after)));
            }
            let mut lease = self.reader().await?;
            let rows: QueryResult<Vec<InviteRow>> = query
                .order(dsl::id.desc())
                .limit(i64::from(page.limit) + 1)
                .select(InviteRow::as_select())
                .load(lease.conn())
                .await;
            let rows = lease.settle(rows).map_err(store_error)?;
            let rows = rows.into_iter().map(Invite::from).collect();
            Ok(Paged::cut(
                List::Invites,
                rows,
                page.limit,
                |row: &Invite| row.id,
            ))
        })
        .await
    }

    async fn revoke(&self, id: Uuid, by: Attribution) -> Result<Option<Invite>, StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let by = &by;
            let row: QueryResult<Option<InviteRow>> =
                write_tx!(lease.conn(), async |conn| { revoke(conn, id, by).await });
            Ok(lease.settle(row).map_err(store_error)?.map(Invite::from))
        })
        .await
    }

    async fn redeem(
        &self,
        attempt: InviteAttempt,
        rules: InviteRules,
    ) -> Result<InviteOutcome, StoreError> {
        let (attempt, rules) = (&attempt, &rules);
        // Whoever guesses on is told so without keeping writers waiting.
        let settled = limited(async {
            let mut lease = self.reader().await?;
            let settled = settled_already(lease.conn(), attempt, rules).await;
            lease.settle(settled).map_err(store_error)
        });
        if let Some(outcome) = settled.await? {
            return Ok(outcome);
        }
        let call = limited(async {
            let mut lease = self.writer().await?;
            let outcome: QueryResult<InviteOutcome> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                // Parallel tries have waited here for one another, and are judged again.
                match settled_already(conn, attempt, rules).await? {
                    Some(outcome) => Ok(outcome),
                    None => redeem(conn, attempt, rules).await,
                }
            });
            lease.settle(outcome).map_err(store_error)
        });
        self.observed.told_after(call).await
    }
}

fn made_code() -> Result<InviteCode, StoreError> {
    let mut entropy = [0; InviteCode::ENTROPY];
    getrandom::fill(&mut entropy).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(InviteCode::from_entropy(entropy))
}

/// `None` when another invite has the code.
async fn insert(
    conn: &mut Conn,
    invite: &NewInvite,
    digest: &InviteDigest,
    by: &Attribution,
) -> QueryResult<Option<InviteRow>> {
    let row: Option<InviteRow> = diesel::insert_into(invites::table)
        .values((
            dsl::id.eq(Id(Uuid::now_v7())),
            dsl::code_digest.eq(digest.as_bytes()),
            dsl::max_uses.eq(invite.max_uses.map(i64::from)),
            dsl::uses.eq(0),
            dsl::expires_at.eq(invite.expires_at.map(Time)),
            dsl::note.eq(storable_option(invite.note.as_deref())),
            dsl::created_by.eq(by.actor.as_str()),
            dsl::created_at.eq(Time(by.at)),
        ))
        .on_conflict(dsl::code_digest)
        .do_nothing()
        .returning(InviteRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    if let Some(row) = &row {
        let after = json!({"max_uses": invite.max_uses, "expires_at": invite.expires_at});
        let record = AuditRecord {
            action: AuditAction::InviteCreated,
            subject: Some(AuditSubject::invite(row.id.0)),
            before: None,
            after: Some(after),
        };
        audit::write(conn, record, by).await?;
    }
    Ok(row)
}

async fn revoke(conn: &mut Conn, id: Uuid, by: &Attribution) -> QueryResult<Option<InviteRow>> {
    let live = invites::table
        .find(Id(id))
        .filter(dsl::revoked_at.is_null());
    let revoked = diesel::update(live)
        .set(dsl::revoked_at.eq(Time(by.at)))
        .execute(conn)
        .await?;
    if revoked > 0 {
        let record = AuditRecord {
            action: AuditAction::InviteRevoked,
            subject: Some(AuditSubject::invite(id)),
            before: None,
            after: None,
        };
        audit::write(conn, record, by).await?;
    }
    invites::table
        .find(Id(id))
        .select(InviteRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// What can be said without looking at the code.
async fn settled_already(
    conn: &mut Conn,
    attempt: &InviteAttempt,
    rules: &InviteRules,
) -> QueryResult<Option<InviteOutcome>> {
    let row: Option<UserRow> = users::table
        .find(Id(attempt.user_id))
        .select(UserRow::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row.filter(|row| row.deleted_at.is_none()) else {
        return Ok(Some(InviteOutcome::UserUnknown));
    };
    let user = local::user(row)?;
    if user.invite_validated_at.is_some() {
        return Ok(Some(InviteOutcome::Validated {
            user: Box::new(user),
            is_first: false,
        }));
    }
    let until = Counted::of(attempt, rules).exhausted_until(conn).await?;
    Ok(until.map(|retry_at| InviteOutcome::Limited { retry_at }))
}

/// Counts the try, and then compares. The caller holds the write lock.
async fn redeem(
    conn: &mut Conn,
    attempt: &InviteAttempt,
    rules: &InviteRules,
) -> QueryResult<InviteOutcome> {
    let counted = Counted::of(attempt, rules);
    let this_try = counted.count(conn).await?;
    let Some(invite_id) = matching(conn, attempt, rules).await? else {
        let is_alarming = counted.is_alarming(conn, &this_try).await?;
        if is_alarming {
            let record = AuditRecord {
                action: AuditAction::InviteGuessing,
                subject: None,
                before: None,
                after: None,
            };
            audit::write(conn, record, &attempt.by).await?;
        }
        return Ok(InviteOutcome::Refused { is_alarming });
    };
    this_try.give_back(conn).await?;
    let user = let_in(conn, attempt, invite_id).await?;
    Ok(InviteOutcome::Validated {
        user: Box::new(user),
        is_first: true,
    })
}

/// What lets the user in: an invite, of which a use is then taken, or (`Some(None)`) the configuration's code.
async fn matching(
    conn: &mut Conn,
    attempt: &InviteAttempt,
    rules: &InviteRules,
) -> QueryResult<Option<Option<Uuid>>> {
    let Some(digest) = attempt.digest else {
        return Ok(None);
    };
    if rules.shared.is_some_and(|shared| shared == digest) {
        return Ok(Some(None));
    }
    let now = Time(attempt.by.at);
    let usable = dsl::revoked_at
        .is_null()
        .and(
            dsl::max_uses
                .is_null()
                .or(dsl::max_uses.gt(dsl::uses.nullable())),
        )
        .and(dsl::expires_at.is_null().or(dsl::expires_at.gt(now)));
    let found: Option<Id> = diesel::update(
        invites::table
            .filter(dsl::code_digest.eq(digest.as_bytes()))
            .filter(usable),
    )
    .set(dsl::uses.eq(dsl::uses + 1))
    .returning(dsl::id)
    .get_result(conn)
    .await
    .optional()?;
    Ok(found.map(|id| Some(id.0)))
}

async fn let_in(
    conn: &mut Conn,
    attempt: &InviteAttempt,
    invite_id: Option<Uuid>,
) -> QueryResult<User> {
    let by = &attempt.by;
    diesel::insert_into(redemptions::table)
        .values((
            redemptions::user_id.eq(Id(attempt.user_id)),
            redemptions::invite_id.eq(invite_id.map(Id)),
            redemptions::redeemed_at.eq(Time(by.at)),
        ))
        .on_conflict(redemptions::user_id)
        .do_nothing()
        .execute(conn)
        .await?;
    let columns = LocalColumns {
        invite_validated_at: Some(Some(Time(by.at))),
        ..LocalColumns::default()
    };
    let user = local::write(conn, attempt.user_id, columns, by.at).await?;
    let record = AuditRecord {
        action: AuditAction::InviteRedeemed,
        subject: Some(AuditSubject::user(&user.clerk_user_id)),
        before: None,
        after: Some(json!({ "invite": invite_id })),
    };
    audit::write(conn, record, by).await?;
    Ok(user)
}
