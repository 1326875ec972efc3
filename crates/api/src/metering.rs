//! Metered features: what a request uses of one is held before the work, counted when the work is done, and free again
//! when it is not.
//!
//! A handler names [`Metered`] in its signature, takes the [`Reservation`] out of it and commits it in the end. Whatever
//! else becomes of the reservation gives back what it holds: a refusal by a later part of the signature, an error, a
//! panic, a client that goes away. In an answer that streams it is the stream that has to own it.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use domain::{Denial, FeatureUsage, ReserveOutcome, StoreError, UsageMeter, UsageRequest};
use http::request::Parts;
use tokio::runtime::Handle;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::access::{Access, Asks};
use crate::app::App;
use crate::current_user::CurrentUser;
use crate::problem::{Kind, Problem};

/// The metered feature that has a place of its own in the interface.
pub(crate) const AI_MESSAGES: &str = "ai_messages";

/// How often the end of a reservation is told to a store that is away, and how long to wait in between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// What a request uses.
pub trait Use: Send + Sync + 'static {
    /// The metered feature, as the policy names it.
    const FEATURE: &'static str;
    /// How much of it.
    const AMOUNT: NonZeroU32 = NonZeroU32::MIN;
    /// How long the work may take: longer, and it is not counted. A crash holds what it held until then.
    const HELD_FOR: Duration = Duration::from_secs(10 * 60);
}

/// A caller for whom something is held. After guards in a signature, so that whom they refuse costs the store nothing.
#[derive(Debug)]
pub struct Metered<U> {
    /// The caller.
    pub caller: CurrentUser,
    /// What is held for him.
    pub reservation: Reservation,
    of: PhantomData<fn() -> U>,
}

impl<U: Use> FromRequestParts<App> for Metered<U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = CurrentUser::from_request_parts(parts, app).await?;
        let held = Reservation::of(app, &caller, U::FEATURE, U::AMOUNT, U::HELD_FOR).await?;
        Ok(Self {
            caller,
            reservation: held,
            of: PhantomData,
        })
    }
}

impl<U: Use> Asks for Metered<U> {
    fn access() -> Access {
        Access::user()
    }
}

/// Something of a metered feature that is held for work under way, and given back when this is dropped.
#[must_use = "what is dropped is given back"]
pub struct Reservation {
    meter: Arc<dyn UsageMeter>,
    /// Taken out when it is settled.
    id: Option<Uuid>,
    usage: FeatureUsage,
    limit: u64,
}

impl Reservation {
    /// Holds an amount for a caller, for handlers that know only later how much they need. The limit is that of the tier
    /// in force.
    ///
    /// # Errors
    /// 429 `ai_message_limit_reached`, or `usage_limit_reached` for other features, with the time at which counting
    /// begins anew; 403 `requirement_invalid` when the policy does not meter the feature; what the store says.
    pub async fn of(
        app: &App,
        caller: &CurrentUser,
        feature: &str,
        amount: NonZeroU32,
        held_for: Duration,
    ) -> Result<Self, Problem> {
        let limit = caller.entitlements.limits.per_month(feature);
        let limit = limit.ok_or_else(|| Denial::Undefined {
            kind: "metered feature",
            name: feature.to_owned(),
        })?;
        let (at, limit) = (Utc::now(), u64::from(limit));
        let request = UsageRequest {
            user_id: caller.user.id,
            feature: feature.to_owned(),
            amount,
            limit,
            at,
        };
        let meter = Arc::clone(&app.usage);
        // By itself: if nobody waits for it any more, it is dropped where it ends, and so given back.
        let holding = reserve(meter, request, at + held_for).in_current_span();
        match tokio::spawn(holding).await.map_err(|_| broken())?? {
            Ok(held) => Ok(held),
            Err(usage) => Err(limit_reached(&usage, limit, amount)),
        }
    }

    /// The count with what is held.
    #[must_use]
    pub fn usage(&self) -> &FeatureUsage {
        &self.usage
    }

    /// What is left of the limit beside what is held.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.usage.remaining(self.limit)
    }

    /// The work is done, and counts. Once begun this goes on, also when nobody waits for it any more.
    ///
    /// # Errors
    /// When the store cannot be told; what is held is then free when its time is over.
    pub async fn commit(mut self) -> Result<(), Problem> {
        let Some(id) = self.id.take() else {
            return Ok(());
        };
        let meter = Arc::clone(&self.meter);
        let settling = async move {
            if !tried(|| meter.commit(id)).await? {
                tracing::warn!("what was held had expired before its work was done");
            }
            Ok(())
        };
        let settled = tokio::spawn(settling.in_current_span()).await;
        settled
            .map_err(|_| broken())?
            .map_err(|error: StoreError| error.into())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // Without a runtime the process ends, and what is held expires.
        let (Some(id), Ok(runtime)) = (self.id.take(), Handle::try_current()) else {
            return;
        };
        let meter = Arc::clone(&self.meter);
        let settling = async move {
            if let Err(error) = tried(|| meter.refund(id)).await {
                tracing::warn!(%error, "what was held is free only when its time is over");
            }
        };
        runtime.spawn(settling.in_current_span());
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation")
            .field("usage", &self.usage)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What is held, or the count that leaves no room.
async fn reserve(
    meter: Arc<dyn UsageMeter>,
    request: UsageRequest,
    expires_at: DateTime<Utc>,
) -> Result<Result<Reservation, FeatureUsage>, StoreError> {
    let limit = request.limit;
    Ok(match meter.reserve(request, expires_at).await? {
        ReserveOutcome::Reserved { reservation, usage } => Ok(Reservation {
            meter,
            id: Some(reservation),
            usage,
            limit,
        }),
        ReserveOutcome::LimitReached(usage) => Err(usage),
    })
}

/// Tells the store, again if it is away.
async fn tried<F>(tell: impl Fn() -> F) -> Result<bool, StoreError>
where
    F: Future<Output = Result<bool, StoreError>>,
{
    for _ in 1..TRIES {
        match tell().await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
            told => return told,
        }
    }
    tell().await
}

/// The refusal of what would be more than a limit allows.
pub(crate) fn limit_reached(usage: &FeatureUsage, limit: u64, amount: NonZeroU32) -> Problem {
    let FeatureUsage {
        feature,
        month,
        used,
        reserved,
    } = usage;
    let kind = if feature == AI_MESSAGES {
        Kind::AiMessageLimitReached
    } else {
        Kind::UsageLimitReached
    };
    let taken = used.saturating_add(*reserved);
    let detail = format!(
        "{taken} of {limit} `{feature}` are used or held in {month}, and this asks for {amount}"
    );
    Problem::with_detail(kind, detail)
        .about_feature(feature)
        .until(month.resets_at())
}

/// A task of ours was lost: it panicked, or the process ends.
fn broken() -> Problem {
    tracing::error!("the task of a reservation was lost");
    Problem::of(Kind::Internal)
}

#[cfg(test)]
mod tests;
