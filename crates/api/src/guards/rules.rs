//! The rules, one type for each kind. A name is given by a type of its own, as the guides show:
//! `struct Paid; impl Name for Paid { const NAME: &'static str = "paid"; }`, then `Must<HasTier<Paid>>`.

use std::marker::PhantomData;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Denial, Factor, StepUp, VerifiedFactors, require_permission, require_step_up};

use super::Rule;
use crate::app::App;
use crate::current_user::CurrentUser;

/// The name of a tier, a permission or a feature.
pub trait Name: Send + Sync + 'static {
    /// As the policy, or Clerk, has it.
    const NAME: &'static str;
}

/// Roles of which one is needed.
pub trait Roles: Send + Sync + 'static {
    /// As the policy has them.
    const NAMES: &'static [&'static str];
}

/// How recently which factors must have been verified.
pub trait StepUpRule: Send + Sync + 'static {
    /// Which.
    const FACTOR: Factor;
    /// Less than so many minutes ago.
    const MINUTES: u32;
}

/// The admins' role, whatever the policy calls it.
#[derive(Debug)]
pub struct IsAdmin;

/// A validated invite.
#[derive(Debug)]
pub struct HasInvite;

/// One of several roles, or the admins'.
#[derive(Debug)]
pub struct AnyRole<R>(PhantomData<fn() -> R>);

/// One role, or the admins'.
#[derive(Debug)]
pub struct HasRole<N>(PhantomData<fn() -> N>);

/// This tier or a better one. Admins need it like anybody else.
#[derive(Debug)]
pub struct HasTier<N>(PhantomData<fn() -> N>);

/// This permission in the active organization: `org:<feature>:<permission>`. Admins need it like anybody else.
#[derive(Debug)]
pub struct HasPermission<N>(PhantomData<fn() -> N>);

/// A feature that is on for the caller's role in his tier.
#[derive(Debug)]
pub struct HasFeature<N>(PhantomData<fn() -> N>);

/// A feature that is on for the caller's role in his tier, if the policy has such a feature; anybody where it has none.
#[derive(Debug)]
pub struct GatedBy<N>(PhantomData<fn() -> N>);

/// A recent verification of the factors.
#[derive(Debug)]
pub struct SteppedUp<S>(PhantomData<fn() -> S>);

impl Rule for IsAdmin {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        let policy = app.policy.current();
        let admin = policy.admin_role().as_str();
        policy.require_role(&caller.entitlements, &[admin])
    }

    fn name() -> String {
        "admin".to_owned()
    }
}

impl Rule for HasInvite {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        let (has, user) = (&caller.entitlements, &caller.user);
        let is_enforced = app.settings.invites.is_enforced;
        app.policy
            .current()
            .require_invite(has, user.invite_validated_at, is_enforced)
    }

    fn name() -> String {
        "invite".to_owned()
    }
}

impl<R: Roles> Rule for AnyRole<R> {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        app.policy
            .current()
            .require_role(&caller.entitlements, R::NAMES)
    }

    fn name() -> String {
        format!("role:{}", R::NAMES.join("|"))
    }
}

impl<N: Name> Rule for HasRole<N> {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        app.policy
            .current()
            .require_role(&caller.entitlements, &[N::NAME])
    }

    fn name() -> String {
        format!("role:{}", N::NAME)
    }
}

impl<N: Name> Rule for HasTier<N> {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        app.policy
            .current()
            .require_tier(&caller.entitlements, N::NAME)
    }

    fn name() -> String {
        format!("tier:{}", N::NAME)
    }
}

impl<N: Name> Rule for HasPermission<N> {
    fn check(_: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        let organization = caller.proof.organization();
        let held = organization.map_or(&[][..], |organization| &organization.permissions);
        require_permission(held, N::NAME)
    }

    fn name() -> String {
        format!("permission:{}", N::NAME)
    }
}

impl<N: Name> Rule for HasFeature<N> {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        app.policy
            .current()
            .require_feature(&caller.entitlements, N::NAME)
    }

    fn name() -> String {
        format!("feature:{}", N::NAME)
    }
}

impl<N: Name> Rule for GatedBy<N> {
    fn check(app: &App, caller: &CurrentUser, _: DateTime<Utc>) -> Result<(), Denial> {
        match app
            .policy
            .current()
            .require_feature(&caller.entitlements, N::NAME)
        {
            Err(Denial::Undefined { .. }) => Ok(()),
            judged => judged,
        }
    }

    fn name() -> String {
        format!("gate:{}", N::NAME)
    }
}

impl<S: StepUpRule> Rule for SteppedUp<S> {
    fn check(_: &App, caller: &CurrentUser, now: DateTime<Utc>) -> Result<(), Denial> {
        let wanted = StepUp {
            factor: S::FACTOR,
            within: TimeDelta::minutes(i64::from(S::MINUTES)),
        };
        require_step_up(factors(caller), wanted, now)
    }

    fn name() -> String {
        let factor = match S::FACTOR {
            Factor::First => "first",
            Factor::Second => "second",
            Factor::Both => "both",
        };
        format!("step-up:{factor}:{}m", S::MINUTES)
    }
}

fn factors(caller: &CurrentUser) -> Option<VerifiedFactors> {
    let claims = caller.proof.claims()?;
    let ages = claims.factor_ages?;
    Some(VerifiedFactors {
        first_minutes: ages.first,
        second_minutes: ages.second,
        issued_at: claims.issued_at,
    })
}
