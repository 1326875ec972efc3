//! Who works with what is owned: a caller whom a guard has let in, and the scope in which the store serves him.

use axum::extract::FromRequestParts;
use chrono::Utc;
use domain::workspace::Scope;
use http::request::Parts;

use super::claims;
use crate::access::{Access, Asks};
use crate::app::App;
use crate::current_user::CurrentUser;
use crate::guards::{Must, Rule};
use crate::problem::Problem;
use crate::request_id::RequestId;

/// A caller with his scope. `G` says what is asked of him: [`CurrentUser`], or a guard.
#[derive(Debug)]
pub(crate) struct Acting<G> {
    /// The caller.
    pub(crate) caller: CurrentUser,
    /// What the store may show him and change for him.
    pub(crate) scope: Scope,
    guard: std::marker::PhantomData<fn() -> G>,
}

/// Whatever lets callers in.
pub(crate) trait LetsIn: FromRequestParts<App, Rejection = Problem> + Asks {
    /// Whom it has let in.
    fn caller(self) -> CurrentUser;
}

impl LetsIn for CurrentUser {
    fn caller(self) -> CurrentUser {
        self
    }
}

impl<R: Rule> LetsIn for Must<R> {
    fn caller(self) -> CurrentUser {
        self.caller
    }
}

impl<G: LetsIn> FromRequestParts<App> for Acting<G> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = G::from_request_parts(parts, app).await?.caller();
        let Ok(request_id) = RequestId::from_request_parts(parts, app).await;
        let scope = Scope {
            user_id: caller.user.id,
            organization_id: caller.proof.organization().map(|active| active.id.clone()),
            is_admin: caller.entitlements.role == *app.policy.current().admin_role(),
            claims: claims::of(&caller),
            by: caller.attribution(Some(&request_id), None, Utc::now()),
        };
        Ok(Self {
            caller,
            scope,
            guard: std::marker::PhantomData,
        })
    }
}

impl<G: LetsIn> Asks for Acting<G> {
    fn access() -> Access {
        G::access()
    }
}
