//! What background work needs: leases, checkpoints, pruning, lapsed tiers.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{ClerkId, Housekeeping, Outcome, Precedence, StoreError};

use super::guarded::Context;
use super::run::RunQueryDsl;
use super::{Store, changes, consequences, invite_attempts, limited, store_error, usage};
use crate::column::{Id, Time};
use crate::schema::{checkpoints, leases, users, webhook_deliveries as ledger};

/// Nobody asks for a lease that lasts so much longer than another's of the same job. A holder whose clock was that far ahead
/// may have died since, or been put right; were he still there and still ahead, the two would take turns.
const WRONG_CLOCK: TimeDelta = TimeDelta::hours(1);

#[async_trait]
impl Housekeeping for Store {
    async fn lease(
        &self,
        job: &str,
        holder: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        use diesel::query_dsl::methods::FilterDsl as _;
        use diesel::upsert::excluded;
        limited(async {
            let mut lease = self.writer().await?;
            let taken: QueryResult<usize> = diesel::insert_into(leases::table)
                .values((
                    leases::job.eq(job),
                    leases::holder.eq(holder),
                    leases::until.eq(Time(until)),
                ))
                .on_conflict(leases::job)
                .do_update()
                .set((
                    leases::holder.eq(excluded(leases::holder)),
                    leases::until.eq(excluded(leases::until)),
                ))
                .filter(
                    leases::holder
                        .eq(excluded(leases::holder))
                        .or(leases::until.le(Time(now)))
                        .or(leases::until.gt(Time(until + WRONG_CLOCK))),
                )
                .execute(lease.conn())
                .await;
            Ok(lease.settle(taken).map_err(store_error)? == 1)
        })
        .await
    }

    async fn checkpoint(&self, name: &str) -> Result<Option<String>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let word = checkpoints::table
                .find(name)
                .select(checkpoints::word)
                .first(lease.conn())
                .await
                .optional();
            lease.settle(word).map_err(store_error)
        })
        .await
    }

    async fn keep_checkpoint(&self, name: &str, word: Option<String>) -> Result<(), StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let kept: QueryResult<usize> = match word {
                Some(word) => {
                    diesel::insert_into(checkpoints::table)
                        .values((checkpoints::name.eq(name), checkpoints::word.eq(&word)))
                        .on_conflict(checkpoints::name)
                        .do_update()
                        .set(checkpoints::word.eq(&word))
                        .execute(lease.conn())
                        .await
                }
                None => {
                    diesel::delete(checkpoints::table.find(name))
                        .execute(lease.conn())
                        .await
                }
            };
            lease.settle(kept).map(drop).map_err(store_error)
        })
        .await
    }

    async fn prune_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let old: QueryResult<Vec<Id>> = ledger::table
                .filter(ledger::received_at.lt(Time(before)))
                .filter(ledger::outcome.ne(Outcome::Quarantined.as_str()))
                .order(ledger::received_at)
                .limit(i64::from(limit))
                .select(ledger::id)
                .load(lease.conn())
                .await;
            let gone = match old {
                Ok(old) => {
                    diesel::delete(ledger::table.filter(ledger::id.eq_any(old)))
                        .execute(lease.conn())
                        .await
                }
                Err(error) => Err(error),
            };
            let gone = lease.settle(gone).map_err(store_error)?;
            Ok(u64::try_from(gone).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn prune_leftovers(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let gone: QueryResult<u64> = write_tx!(lease.conn(), async |conn| {
                let tries = invite_attempts::prune(conn, now, limit).await?;
                let held = usage::prune(conn, now, limit).await?;
                Ok(tries.max(held))
            });
            lease.settle(gone).map_err(store_error)
        })
        .await
    }

    async fn settle_tiers(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let policy = self.policy.current();
            let context = Context {
                policy: &policy,
                now,
                again: false,
            };
            let context = &context;
            let looked_at: QueryResult<u64> = write_tx!(lease.conn(), async |conn| {
                super::super::lock_writes(conn).await?;
                let (count, seen) = consequences::settle_lapsed(conn, limit, context).await?;
                changes::append(conn, seen).await?;
                Ok(count)
            });
            lease.settle(looked_at).map_err(store_error)
        });
        self.observed.told_after(call).await
    }

    async fn thin_users(
        &self,
        after: Option<ClerkId>,
        limit: u32,
    ) -> Result<Vec<ClerkId>, StoreError> {
        limited(async {
            let after = after.as_ref().map_or("", ClerkId::as_str);
            let mut lease = self.reader().await?;
            let ids: QueryResult<Vec<String>> = users::table
                .filter(users::clerk_user_id.gt(after))
                .filter(users::precedence.eq(Precedence::NOTHING_KNOWN.to_bytes()))
                .filter(users::deleted_at.is_null())
                .order(users::clerk_user_id)
                .limit(i64::from(limit))
                .select(users::clerk_user_id)
                .load(lease.conn())
                .await;
            let ids = lease.settle(ids).map_err(store_error)?;
            ids.into_iter()
                .map(|id| {
                    ClerkId::parse(id).map_err(|error| StoreError::Unreadable(error.to_string()))
                })
                .collect()
        })
        .await
    }
}
