//! What a route asks of its caller besides being somebody: extractors, each a caller with one rule that holds for him.
//!
//! A handler names them in its signature and cannot run without them. Several may stand there, and all have to hold; the
//! token is verified once. The rules themselves are `domain`'s ([`domain::Denial`]).

mod rules;

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use domain::Denial;
use http::request::Parts;

use crate::access::{Access, Asks};
use crate::app::App;
use crate::current_user::CurrentUser;
use crate::problem::Problem;

pub use rules::{
    AnyRole, GatedBy, HasFeature, HasInvite, HasPermission, HasRole, HasTier, IsAdmin, Name, Roles,
    StepUpRule, SteppedUp,
};

/// A rule that callers keep or not.
pub trait Rule: Send + Sync + 'static {
    /// Whether it holds for the caller at `now`.
    ///
    /// # Errors
    /// Why it does not.
    fn check(app: &App, caller: &CurrentUser, now: DateTime<Utc>) -> Result<(), Denial>;

    /// What the API's description says of it: `admin`, `tier:paid`.
    fn name() -> String;
}

/// A caller for whom a rule holds.
#[derive(Debug)]
pub struct Must<R> {
    /// The caller.
    pub caller: CurrentUser,
    rule: PhantomData<fn() -> R>,
}

/// A caller whose invite is validated, or an admin, or anybody while the gate is open.
pub type Invited = Must<HasInvite>;
/// An admin.
pub type Admin = Must<IsAdmin>;

impl<R: Rule> FromRequestParts<App> for Must<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = CurrentUser::from_request_parts(parts, app).await?;
        let held = R::check(app, &caller, Utc::now());
        if let Err(denial) = held {
            tracing::info!(target: "security", user = %caller.user.id, reason = %denial, "denied");
            return Err(denial.into());
        }
        // Another guard of the same route need not verify him again.
        parts.extensions.insert(caller.clone());
        Ok(Self {
            caller,
            rule: PhantomData,
        })
    }
}

impl<R: Rule> Asks for Must<R> {
    fn access() -> Access {
        Access::user().and(Access::of(R::name()))
    }
}

#[cfg(test)]
mod tests;
