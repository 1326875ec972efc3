//! Who administers.

use axum::extract::FromRequestParts;
use chrono::Utc;
use domain::Attribution;
use http::request::Parts;

use crate::access::{Access, Asks};
use crate::app::App;
use crate::counts::Way;
use crate::guards::Admin;
use crate::problem::Problem;
use crate::request_id::RequestId;

/// An admin, who can be named for what he does.
pub(crate) struct AdminCaller {
    admin: Admin,
    request_id: RequestId,
}

impl AdminCaller {
    /// Who does something now, with his own words.
    pub(super) fn signs(&self, reason: Option<String>) -> Attribution {
        let caller = &self.admin.caller;
        caller.attribution(Some(&self.request_id), reason, Utc::now())
    }
}

impl FromRequestParts<App> for AdminCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let admin = Admin::from_request_parts(parts, app).await?;
        let Ok(request_id) = RequestId::from_request_parts(parts, app).await;
        Ok(Self { admin, request_id })
    }
}

impl Asks for AdminCaller {
    fn access() -> Access {
        Admin::access()
    }
}

/// Somebody who may look at users and organizations.
pub(crate) enum Reader {
    /// A machine caller.
    Machine,
    /// An admin.
    Admin,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.service_tokens.is_called_by(parts) {
            app.proofs.accepted(Way::Service);
            return Ok(Self::Machine);
        }
        Admin::from_request_parts(parts, app).await?;
        Ok(Self::Admin)
    }
}

impl Asks for Reader {
    fn access() -> Access {
        Admin::access().or(Access::of("service"))
    }
}
