//! Metered features: a counter for each user, feature and month, and what is held of it.
//!
//! The counter's row is locked before its reservations are touched, always, so that nobody waits in a circle. The limit
//! is judged by the statement that counts. What is used for good goes into the change feed, so the writers' lock is taken
//! before that row's; what is only held does not.

use std::future::Future;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::result::Error;
use diesel::upsert::excluded;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{
    ChangeKind, ChangeOp, FeatureUsage, Month, ReserveOutcome, SpendOutcome, StoreError,
    UsageMeter, UsageRequest,
};
use serde_json::json;
use uuid::Uuid;

use super::changes::{About, News};
use super::run::RunQueryDsl;
use super::{Conn, Store, changes, limited, store_error};
use crate::column::{Id, Time};
use crate::schema::usage::{self, dsl};
use crate::schema::{usage_reservations as reservations, users};

/// How a request counts.
#[derive(Clone, Copy)]
enum Count {
    Used,
    Reserved(Uuid, DateTime<Utc>),
}

#[async_trait]
impl UsageMeter for Store {
    async fn spend(&self, request: UsageRequest) -> Result<SpendOutcome, StoreError> {
        Ok(match self.take(&request, Count::Used).await? {
            (true, usage) => SpendOutcome::Spent(usage),
            (false, usage) => SpendOutcome::LimitReached(usage),
        })
    }

    async fn reserve(
        &self,
        request: UsageRequest,
        expires_at: DateTime<Utc>,
    ) -> Result<ReserveOutcome, StoreError> {
        let reservation = Uuid::now_v7();
        let count = Count::Reserved(reservation, expires_at);
        Ok(match self.take(&request, count).await? {
            (true, usage) => ReserveOutcome::Reserved { reservation, usage },
            (false, usage) => ReserveOutcome::LimitReached(usage),
        })
    }

    async fn commit(&self, reservation: Uuid) -> Result<bool, StoreError> {
        self.settle(reservation, true).await
    }

    async fn refund(&self, reservation: Uuid) -> Result<bool, StoreError> {
        self.settle(reservation, false).await
    }

    async fn usage(
        &self,
        user_id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<FeatureUsage>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let usage = of_user(lease.conn(), user_id, now).await;
            lease.settle(usage).map_err(store_error)
        })
        .await
    }
}

impl Store {
    /// Counts if the limit allows it; answers whether, and the count afterwards.
    async fn take(
        &self,
        request: &UsageRequest,
        count: Count,
    ) -> Result<(bool, FeatureUsage), StoreError> {
        let is_told = matches!(count, Count::Used);
        let call = limited(async {
            let mut lease = self.writer().await?;
            let taken: QueryResult<(bool, FeatureUsage)> = write_tx!(lease.conn(), async |conn| {
                if is_told {
                    super::super::lock_writes(conn).await?;
                }
                let (is_taken, usage) = take(conn, request, count).await?;
                if is_told && is_taken {
                    tell(conn, request.user_id, &usage, request.at).await?;
                }
                Ok((is_taken, usage))
            });
            lease.settle(taken).map_err(store_error)
        });
        self.told_if(is_told, call).await
    }

    async fn settle(&self, reservation: Uuid, is_used: bool) -> Result<bool, StoreError> {
        let call = limited(async {
            let mut lease = self.writer().await?;
            let settled: QueryResult<bool> = write_tx!(lease.conn(), async |conn| {
                if is_used {
                    super::super::lock_writes(conn).await?;
                }
                let Some((user_id, usage)) = settle(conn, reservation, is_used).await? else {
                    return Ok(false);
                };
                if is_used {
                    tell(conn, user_id, &usage, Utc::now()).await?;
                }
                Ok(true)
            });
            lease.settle(settled).map_err(store_error)
        });
        self.told_if(is_used, call).await
    }

    /// Makes a call, and has the observer know of it if it adds to the feed.
    pub(super) async fn told_if<T>(
        &self,
        is_told: bool,
        call: impl Future<Output = T> + Send,
    ) -> T {
        if is_told {
            self.observed.told_after(call).await
        } else {
            call.await
        }
    }
}

/// Adds what is used now to the feed. The caller holds the write lock.
async fn tell(
    conn: &mut Conn,
    user_id: Uuid,
    usage: &FeatureUsage,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let clerk_user_id: Option<String> = users::table
        .find(Id(user_id))
        .select(users::clerk_user_id)
        .first(conn)
        .await
        .optional()?;
    // Nobody remembers whom there is not.
    let Some(clerk_id) = clerk_user_id else {
        return Ok(());
    };
    let data = json!({
        "clerk_user_id": clerk_id, "user_id": user_id, "feature": usage.feature,
        "month": usage.month, "used": usage.used,
    });
    let about = About {
        kind: ChangeKind::Usage,
        clerk_id: &clerk_id,
        clerk_user_id: Some(&clerk_id),
    };
    let change = News::of(about, ChangeOp::Upsert, at, &data)?;
    changes::append(conn, vec![change]).await.map(drop)
}

async fn take(
    conn: &mut Conn,
    request: &UsageRequest,
    count: Count,
) -> QueryResult<(bool, FeatureUsage)> {
    let mut counted = count_up(conn, request, count).await?;
    // What has expired is in the way only now.
    if counted.is_none() && give_back_expired(conn, request).await? {
        counted = count_up(conn, request, count).await?;
    }
    let is_taken = counted.is_some();
    if let (true, Count::Reserved(id, expires_at)) = (is_taken, count) {
        diesel::insert_into(reservations::table)
            .values((
                reservations::id.eq(Id(id)),
                reservations::user_id.eq(Id(request.user_id)),
                reservations::feature.eq(&request.feature),
                reservations::month.eq(Month::of(request.at).to_string()),
                reservations::amount.eq(i64::from(request.amount.get())),
                reservations::expires_at.eq(Time(expires_at)),
            ))
            .execute(conn)
            .await?;
    }
    let (used, reserved) = match counted {
        Some(counts) => counts,
        None => counts(conn, request).await?,
    };
    let usage = FeatureUsage {
        used: unsigned(used),
        reserved: unsigned(reserved),
        ..FeatureUsage::none(request.feature.clone(), Month::of(request.at))
    };
    Ok((is_taken, usage))
}

/// The one statement that both judges and counts: `None` when the limit does not allow it.
async fn count_up(
    conn: &mut Conn,
    request: &UsageRequest,
    count: Count,
) -> QueryResult<Option<(i64, i64)>> {
    use diesel::query_dsl::methods::FilterDsl as _;
    let amount = i64::from(request.amount.get());
    // A limit beyond the counter's own range is none.
    let limit = i64::try_from(request.limit).unwrap_or(i64::MAX);
    let Some(room) = limit.checked_sub(amount).filter(|room| *room >= 0) else {
        return Ok(None);
    };
    let (used, reserved) = match count {
        Count::Used => (amount, 0),
        Count::Reserved(..) => (0, amount),
    };
    diesel::insert_into(usage::table)
        .values((
            dsl::user_id.eq(Id(request.user_id)),
            dsl::feature.eq(&request.feature),
            dsl::month.eq(Month::of(request.at).to_string()),
            dsl::used.eq(used),
            dsl::reserved.eq(reserved),
        ))
        .on_conflict((dsl::user_id, dsl::month, dsl::feature))
        .do_update()
        .set((
            dsl::used.eq(dsl::used + excluded(dsl::used)),
            dsl::reserved.eq(dsl::reserved + excluded(dsl::reserved)),
        ))
        .filter((dsl::used + dsl::reserved).le(room))
        .returning((dsl::used, dsl::reserved))
        .get_result(conn)
        .await
        .optional()
}

/// Frees what was held for too long. The counter's row is locked: the statement before has judged it.
async fn give_back_expired(conn: &mut Conn, request: &UsageRequest) -> QueryResult<bool> {
    let month = Month::of(request.at).to_string();
    let expired: Vec<i64> = diesel::delete(
        reservations::table
            .filter(reservations::user_id.eq(Id(request.user_id)))
            .filter(reservations::month.eq(&month))
            .filter(reservations::feature.eq(&request.feature))
            .filter(reservations::expires_at.le(Time(request.at))),
    )
    .returning(reservations::amount)
    .load(conn)
    .await?;
    if expired.is_empty() {
        return Ok(false);
    }
    let counter = usage::table.find((Id(request.user_id), month, &request.feature));
    diesel::update(counter)
        .set(dsl::reserved.eq(dsl::reserved - expired.iter().sum::<i64>()))
        .execute(conn)
        .await?;
    Ok(true)
}

/// Gives back what was held of past months and has expired, at most `limit`; answers how many. A month's own requests do
/// that for the month while it lasts.
pub(super) async fn prune(conn: &mut Conn, now: DateTime<Utc>, limit: u32) -> QueryResult<u64> {
    let month = Month::of(now).to_string();
    let old: Vec<Id> = reservations::table
        .filter(reservations::month.lt(&month))
        .filter(reservations::expires_at.le(Time(now)))
        .order(reservations::id)
        .limit(i64::from(limit))
        .select(reservations::id)
        .load(conn)
        .await?;
    let mut gone = 0;
    for id in old {
        gone += u64::from(settle(conn, id.0, false).await?.is_some());
    }
    Ok(gone)
}

async fn counts(conn: &mut Conn, request: &UsageRequest) -> QueryResult<(i64, i64)> {
    let month = Month::of(request.at).to_string();
    let counts = usage::table
        .find((Id(request.user_id), month, &request.feature))
        .select((dsl::used, dsl::reserved))
        .first(conn)
        .await
        .optional()?;
    Ok(counts.unwrap_or((0, 0)))
}

/// Whose it was and the count afterwards; `None` when nothing is held any more.
async fn settle(
    conn: &mut Conn,
    reservation: Uuid,
    is_used: bool,
) -> QueryResult<Option<(Uuid, FeatureUsage)>> {
    let held: Option<(Id, String, String)> = reservations::table
        .find(Id(reservation))
        .select((
            reservations::user_id,
            reservations::month,
            reservations::feature,
        ))
        .first(conn)
        .await
        .optional()?;
    let Some((user_id, month, feature)) = held else {
        return Ok(None);
    };
    let counter = || usage::table.find((user_id, &month, &feature));
    // Locks the row; whoever settles the same reservation at once waits here, and then finds it gone.
    diesel::update(counter())
        .set(dsl::reserved.eq(dsl::reserved))
        .execute(conn)
        .await?;
    let amount: Option<i64> = diesel::delete(reservations::table.find(Id(reservation)))
        .returning(reservations::amount)
        .get_result(conn)
        .await
        .optional()?;
    let Some(amount) = amount else {
        return Ok(None);
    };
    let used = if is_used { amount } else { 0 };
    let (used, reserved): (i64, i64) = diesel::update(counter())
        .set((
            dsl::used.eq(dsl::used + used),
            dsl::reserved.eq(dsl::reserved - amount),
        ))
        .returning((dsl::used, dsl::reserved))
        .get_result(conn)
        .await?;
    let unreadable = || Error::DeserializationError(format!("usage.month: {month}").into());
    let usage = FeatureUsage {
        month: Month::parse(&month).ok_or_else(unreadable)?,
        used: unsigned(used),
        reserved: unsigned(reserved),
        feature,
    };
    Ok(Some((user_id.0, usage)))
}

/// What a user has used in the month of `now`, without what was held for too long.
pub(super) async fn of_user(
    conn: &mut Conn,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<FeatureUsage>> {
    let month = Month::of(now);
    let counters: Vec<(String, i64, i64)> = usage::table
        .filter(dsl::user_id.eq(Id(user_id)))
        .filter(dsl::month.eq(month.to_string()))
        .order(dsl::feature)
        .select((dsl::feature, dsl::used, dsl::reserved))
        .load(conn)
        .await?;
    let expired: Vec<(String, i64)> = if counters.iter().any(|(_, _, reserved)| *reserved > 0) {
        reservations::table
            .filter(reservations::user_id.eq(Id(user_id)))
            .filter(reservations::month.eq(month.to_string()))
            .filter(reservations::expires_at.le(Time(now)))
            .select((reservations::feature, reservations::amount))
            .load(conn)
            .await?
    } else {
        Vec::new()
    };
    let free = |feature: &str| -> i64 {
        let of_it = expired.iter().filter(|(of, _)| of == feature);
        of_it.map(|(_, amount)| amount).sum()
    };
    Ok(counters
        .into_iter()
        .map(|(feature, used, reserved)| FeatureUsage {
            used: unsigned(used),
            reserved: unsigned(reserved - free(&feature)),
            feature,
            month,
        })
        .collect())
}

/// The columns never hold less than nothing: a constraint says so.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
