//! Machine callers, and who may read the change feed.

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::counts::Way;
use crate::current_user::CurrentUser;
use crate::problem::{Kind, Problem};
use crate::streams::{StreamCaller, Tenure};

/// The tokens of machine callers, kept as digests: of one length, so that comparing them tells nothing.
pub struct ServiceTokens(Vec<(String, [u8; 32])>);

impl ServiceTokens {
    /// Takes a name and a token for each caller.
    #[must_use]
    pub fn new(tokens: Vec<(String, SecretString)>) -> Self {
        Self(
            tokens
                .into_iter()
                .map(|(name, token)| (name, digest(token.expose_secret())))
                .collect(),
        )
    }

    /// Whether a machine caller sends this request.
    pub(crate) fn is_called_by(&self, parts: &Parts) -> bool {
        match bearer(parts).and_then(|token| self.owner(token)) {
            Some(name) => {
                tracing::debug!(service = name, "a machine caller");
                true
            }
            None => false,
        }
    }

    /// Whose token it is. Every one is compared to the end.
    fn owner(&self, token: &str) -> Option<&str> {
        let digest = digest(token);
        let mut found = None;
        for (name, known) in &self.0 {
            let difference = known
                .iter()
                .zip(digest)
                .fold(0_u8, |all, (a, b)| all | (a ^ b));
            if difference == 0 {
                found = Some(name.as_str());
            }
        }
        found
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Somebody who may follow every change.
#[derive(Debug)]
pub(crate) enum FeedReader {
    /// A machine caller.
    Service,
    /// An admin, by header, cookie or ticket.
    Admin(Box<CurrentUser>),
}

impl FeedReader {
    /// What ends a stream of his: the future is ready once he may listen no more, or the service stops.
    pub(crate) async fn tenure(
        self,
        app: &App,
    ) -> Result<impl Future<Output = ()> + Send + use<>, Problem> {
        let tenure = match self {
            Self::Service => None,
            Self::Admin(caller) => Some(Tenure::begin(app, *caller, admins_only).await?.0),
        };
        let stop = app.stop.clone();
        Ok(async move {
            match tenure {
                Some(tenure) => drop(tenure.over().await),
                None => stop.cancelled().await,
            }
        })
    }
}

fn admins_only(app: &App, caller: &CurrentUser) -> Result<(), Problem> {
    if app.policy.current().is_admin(&caller.entitlements.role) {
        Ok(())
    } else {
        Err(Problem::with_detail(
            Kind::RoleRequired,
            "this is for admins and for machine callers",
        ))
    }
}

impl FromRequestParts<App> for FeedReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if app.service_tokens.is_called_by(parts) {
            app.proofs.accepted(Way::Service);
            return Ok(Self::Service);
        }
        let StreamCaller(caller) = StreamCaller::from_request_parts(parts, app).await?;
        admins_only(app, &caller)?;
        Ok(Self::Admin(Box::new(caller)))
    }
}

/// The one Bearer token of the request; several headers are left to the verifier to refuse.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value = values
        .next()
        .filter(|_| values.next().is_none())?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
