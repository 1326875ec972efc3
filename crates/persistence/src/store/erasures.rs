//! Requests to forget a person: held back, called off, done.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable,
    Selectable, SelectableHelper,
};
use domain::{
    Attribution, AuditAction, AuditRecord, AuditSubject, ClerkId, Erasure, ErasureOutcome,
    Erasures, Policy, StoreError, User, UserKey,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::local::{self, LocalColumns};
use super::mentions::Mentions;
use super::run::RunQueryDsl;
use super::{Conn, Store, admins, audit, export, forgetting, limited, store_error};
use crate::column::{Id, Time};
use crate::schema::erasures::{self, dsl};

#[derive(Queryable, Selectable)]
#[diesel(table_name = erasures)]
struct ErasureRow {
    id: Id,
    user_id: Id,
    clerk_user_id: String,
    requested_by: String,
    requested_at: Time,
    due_at: Time,
    cancelled_at: Option<Time>,
    executed_at: Option<Time>,
}

fn erasure(row: ErasureRow) -> QueryResult<Erasure> {
    let ErasureRow {
        id,
        user_id,
        clerk_user_id,
        requested_by,
        requested_at,
        due_at,
        cancelled_at,
        executed_at,
    } = row;
    let clerk_user_id = ClerkId::parse(clerk_user_id).map_err(|error| {
        local::unreadable(StoreError::Unreadable(format!(
            "erasures.clerk_user_id: {error}"
        )))
    })?;
    Ok(Erasure {
        id: id.0,
        user_id: user_id.0,
        clerk_user_id,
        requested_by,
        requested_at: requested_at.0,
        due_at: due_at.0,
        cancelled_at: cancelled_at.map(|at| at.0),
        executed_at: executed_at.map(|at| at.0),
    })
}

#[async_trait]
impl Erasures for Store {
    async fn request(
        &self,
        user: &UserKey,
        due_at: DateTime<Utc>,
        by: Attribution,
        admins: &[ClerkId],
    ) -> Result<ErasureOutcome, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let (by, policy) = (&by, &self.policy.current());
            let outcome: QueryResult<ErasureOutcome> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                match local::find(conn, user).await? {
                    Some(user) => request(conn, user, due_at, by, admins, policy).await,
                    None => Ok(ErasureOutcome::Unknown),
                }
            });
            lease.settle(outcome).map_err(store_error)
        });
        self.observed.told_after(Box::pin(call)).await
    }

    async fn cancel(&self, user: &UserKey, by: Attribution) -> Result<ErasureOutcome, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let by = &by;
            let outcome: QueryResult<ErasureOutcome> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                cancel(conn, user, by).await
            });
            lease.settle(outcome).map_err(store_error)
        });
        self.observed.told_after(call).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        after: Option<Erasure>,
        limit: u32,
    ) -> Result<Vec<Erasure>, StoreError> {
        limited(async {
            let mut open = erasures::table
                .filter(dsl::cancelled_at.is_null())
                .filter(dsl::executed_at.is_null())
                .filter(dsl::due_at.le(Time(now)))
                .into_boxed();
            if let Some(Erasure { id, due_at, .. }) = after {
                let same_time = dsl::due_at.eq(Time(due_at)).and(dsl::id.gt(Id(id)));
                open = open.filter(dsl::due_at.gt(Time(due_at)).or(same_time));
            }
            let mut lease = self.reader().await?;
            let rows: QueryResult<Vec<ErasureRow>> = open
                .order((dsl::due_at, dsl::id))
                .limit(i64::from(limit))
                .select(ErasureRow::as_select())
                .load(lease.conn())
                .await;
            let rows = rows.and_then(|rows| rows.into_iter().map(erasure).collect());
            lease.settle(rows).map_err(store_error)
        })
        .await
    }

    async fn execute(&self, user: &UserKey, by: Attribution) -> Result<ErasureOutcome, StoreError> {
        let Some((person, open)) = self.with_request(user).await? else {
            return Ok(ErasureOutcome::Unknown);
        };
        if open.executed_at.is_some() {
            return Ok(ErasureOutcome::Already(open));
        }
        if open.cancelled_at.is_some() {
            return Ok(ErasureOutcome::Unknown);
        }
        if let Some(closed) = self.begin(&open, &person).await? {
            return Ok(closed);
        }
        // The row goes last: what it says is what the others are found by.
        let mentions = self.mentions_of(&person).await?;
        self.forget_deliveries(&mentions).await?;
        self.forget_objects(&mentions).await?;
        let walked = (self.forget_changes(&mentions).await?, &mentions);
        let call = limited(async {
            let mut lease = self.writer().await?;
            let (open, person, by) = (&open, &person, &by);
            let outcome: QueryResult<ErasureOutcome> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                finish(conn, open, person, walked, by).await
            });
            lease.settle(outcome).map_err(store_error)
        });
        self.observed.told_after(call).await
    }

    async fn export(&self, user: &UserKey, by: Attribution) -> Result<Option<Value>, StoreError> {
        let Some(person) = self.person(user).await? else {
            return Ok(None);
        };
        let held = export::of(self, &person, by.at).await?;
        limited(async {
            let mut lease = self.writer().await?;
            let record = record(AuditAction::Exported, &person.clerk_user_id, None);
            let written = audit::write(lease.conn(), record, &by).await;
            lease.settle(written).map_err(store_error)
        })
        .await?;
        Ok(Some(held))
    }

    async fn latest(&self, user_id: Uuid) -> Result<Option<Erasure>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let latest = latest(lease.conn(), user_id).await;
            lease.settle(latest).map_err(store_error)
        })
        .await
    }
}

impl Store {
    /// From here on nothing that is told of the person is kept, so that the walks that follow miss nothing. Answers what
    /// has become of a request that is open no more.
    async fn begin(
        &self,
        open: &Erasure,
        person: &User,
    ) -> Result<Option<ErasureOutcome>, StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let closed: QueryResult<Option<ErasureOutcome>> =
                write_tx!(lease.conn(), async |conn| {
                    super::super::lock_writes(conn).await?;
                    let latest = latest(conn, person.id).await?;
                    let is_open = latest.as_ref().is_some_and(|latest| {
                        latest.id == open.id
                            && latest.cancelled_at.is_none()
                            && latest.executed_at.is_none()
                    });
                    if !is_open {
                        return Ok(Some(settled(latest)));
                    }
                    forgetting::close_rows(conn, person).await?;
                    Ok(None)
                });
            lease.settle(closed).map_err(store_error)
        })
        .await
    }

    async fn person(&self, key: &UserKey) -> Result<Option<User>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let user = local::find(lease.conn(), key).await;
            lease.settle(user).map_err(store_error)
        })
        .await
    }

    async fn with_request(&self, key: &UserKey) -> Result<Option<(User, Erasure)>, StoreError> {
        let Some(person) = self.person(key).await? else {
            return Ok(None);
        };
        let latest = Erasures::latest(self, person.id).await?;
        Ok(latest.map(|erasure| (person, erasure)))
    }

    pub(super) async fn mentions_of(&self, person: &User) -> Result<Mentions, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let mentions = Mentions::of(lease.conn(), person).await;
            lease.settle(mentions).map_err(store_error)
        })
        .await
    }
}

/// The latest request about a user.
pub(super) async fn latest(conn: &mut Conn, user_id: Uuid) -> QueryResult<Option<Erasure>> {
    let row: Option<ErasureRow> = erasures::table
        .filter(dsl::user_id.eq(Id(user_id)))
        .order(dsl::id.desc())
        .select(ErasureRow::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(erasure).transpose()
}

async fn request(
    conn: &mut Conn,
    user: User,
    due_at: DateTime<Utc>,
    by: &Attribution,
    configured: &[ClerkId],
    policy: &Policy,
) -> QueryResult<ErasureOutcome> {
    if let Some(latest) = latest(conn, user.id).await?
        && latest.cancelled_at.is_none()
    {
        return Ok(ErasureOutcome::Already(latest));
    }
    if admins::is_last(conn, &user, configured, policy).await? {
        return Ok(ErasureOutcome::LastAdmin);
    }
    let row: ErasureRow = diesel::insert_into(erasures::table)
        .values((
            dsl::id.eq(Id(Uuid::now_v7())),
            dsl::user_id.eq(Id(user.id)),
            dsl::clerk_user_id.eq(user.clerk_user_id.as_str()),
            dsl::requested_by.eq(by.actor.as_str()),
            dsl::requested_at.eq(Time(by.at)),
            dsl::due_at.eq(Time(due_at)),
        ))
        .returning(ErasureRow::as_returning())
        .get_result(conn)
        .await?;
    if user.deactivated_at.is_none() {
        let columns = LocalColumns {
            deactivated_at: Some(Some(Time(by.at))),
            ..LocalColumns::default()
        };
        local::write(conn, user.id, columns, by.at).await?;
    }
    let after = Some(json!({ "due_at": due_at }));
    let record = record(AuditAction::ErasureRequested, &user.clerk_user_id, after);
    audit::write(conn, record, by).await?;
    Ok(ErasureOutcome::Done(erasure(row)?))
}

async fn cancel(conn: &mut Conn, key: &UserKey, by: &Attribution) -> QueryResult<ErasureOutcome> {
    let Some(user) = local::find(conn, key).await? else {
        return Ok(ErasureOutcome::Unknown);
    };
    let open = erasures::table
        .filter(dsl::user_id.eq(Id(user.id)))
        .filter(dsl::cancelled_at.is_null())
        .filter(dsl::executed_at.is_null());
    let row: Option<ErasureRow> = diesel::update(open)
        .set(dsl::cancelled_at.eq(Time(by.at)))
        .returning(ErasureRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    let Some(row) = row else {
        return Ok(settled(latest(conn, user.id).await?));
    };
    forgetting::reopen_row(conn, user.id).await?;
    let record = record(AuditAction::ErasureCancelled, &user.clerk_user_id, None);
    audit::write(conn, record, by).await?;
    Ok(ErasureOutcome::Done(erasure(row)?))
}

/// What there is to say of a request that is open no more: that it was done, if it was.
fn settled(latest: Option<Erasure>) -> ErasureOutcome {
    let done = latest.filter(|latest| latest.executed_at.is_some());
    done.map_or(ErasureOutcome::Unknown, ErasureOutcome::Already)
}

/// The last step: what the feed has told since it was walked, the rows of the person himself, and that it was done.
async fn finish(
    conn: &mut Conn,
    open: &Erasure,
    person: &User,
    (cursor, mentions): (i64, &Mentions),
    by: &Attribution,
) -> QueryResult<ErasureOutcome> {
    let still_open = erasures::table
        .find(Id(open.id))
        .filter(dsl::cancelled_at.is_null())
        .filter(dsl::executed_at.is_null());
    let row: Option<ErasureRow> = diesel::update(still_open)
        .set(dsl::executed_at.eq(Time(by.at)))
        .returning(ErasureRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    let Some(row) = row else {
        // Called off, or done by another replica, while we read.
        return Ok(settled(latest(conn, person.id).await?));
    };
    forgetting::empty_changes_after(conn, cursor, mentions).await?;
    forgetting::empty_rows(conn, person, by.at).await?;
    let record = record(AuditAction::Erased, &person.clerk_user_id, None);
    audit::write(conn, record, by).await?;
    Ok(ErasureOutcome::Done(erasure(row)?))
}

fn record(action: AuditAction, person: &ClerkId, after: Option<Value>) -> AuditRecord {
    AuditRecord {
        action,
        subject: Some(AuditSubject::user(person)),
        before: None,
        after,
    }
}
