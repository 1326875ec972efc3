//! The caller: an extractor that is the authentication, so that a handler cannot forget it.

use std::sync::Arc;

use auth::legacy::LegacyClaims;
use auth::{ActiveOrganization, CredentialKind, SessionClaims, TokenError};
use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use domain::workspace::PortfolioSummary;
use domain::{Barred, Caller, ClerkId, Entitlements, MonthUsage, Precedence, ThinUser, User};
use http::header::ORIGIN;
use http::request::Parts;
use serde_json::Value;

use crate::app::App;
use crate::counts::Way;
use crate::legacy_bridge::LegacyBridge;
use crate::peer::PeerAddress;
use crate::problem::{Kind, Problem};
use crate::request_id::RequestId;

/// A user who has proven who he is, is active, and whose session is not over.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    /// The local row.
    pub user: Arc<User>,
    /// Role, tier and limits in force.
    pub entitlements: Entitlements,
    /// What he had used of metered features when his row was read; `None` where nobody has looked.
    pub usage: Option<Arc<MonthUsage>>,
    /// How many portfolios he has, and which is his oldest.
    pub portfolios: PortfolioSummary,
    /// How he has proven it.
    pub proof: Proof,
}

/// How a caller has proven who he is.
#[derive(Debug, Clone)]
pub enum Proof {
    /// By a session token.
    Session {
        /// What the token says.
        claims: Arc<SessionClaims>,
        /// Whether it came by header or cookie.
        credential: CredentialKind,
    },
    /// By a ticket that this session was given. It opens streams only.
    Ticket {
        /// The session.
        session_id: ClerkId,
        /// When it was given.
        issued_at: DateTime<Utc>,
    },
    /// By a token of the login that Clerk replaced. There is no session.
    Legacy {
        /// The user's id in that login: his `external_id` at Clerk.
        subject: String,
        /// When the token was issued, where it says so.
        issued_at: Option<DateTime<Utc>>,
        /// When the token counts no more.
        ends_at: DateTime<Utc>,
    },
}

impl Proof {
    /// Clerk's id of the session, where there is one.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        match self {
            Self::Session { claims, .. } => Some(&claims.session_id),
            Self::Ticket { session_id, .. } => Some(session_id.as_str()),
            Self::Legacy { .. } => None,
        }
    }

    /// When it was issued. Where proofs are revoked by age, one that does not say has to count as the oldest.
    #[must_use]
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Session { claims, .. } => claims.issued_at,
            Self::Ticket { issued_at, .. } => Some(*issued_at),
            Self::Legacy { issued_at, .. } => *issued_at,
        }
    }

    /// What the session token says, where there is one.
    #[must_use]
    pub fn claims(&self) -> Option<&SessionClaims> {
        match self {
            Self::Session { claims, .. } => Some(claims),
            Self::Ticket { .. } | Self::Legacy { .. } => None,
        }
    }

    /// The organization that is active in the session, as the token says.
    #[must_use]
    pub fn organization(&self) -> Option<&ActiveOrganization> {
        self.claims()?.organization.as_ref()
    }
}

impl FromRequestParts<App> for CurrentUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        // Left by a guard of the same route. Nothing from outside can put a value of this type there.
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        Self::proven(parts, app, Sites::Listed).await
    }
}

/// Which sites may have started a request that changes something and is proven by a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sites {
    /// Those of `CLERK_AUTHORIZED_PARTIES`.
    Listed,
    /// Any: it changes nothing, whatever its method.
    Any,
}

/// A caller of a route that changes nothing by any method: forward auth, which is asked with the client's own. Whether a
/// browser was tricked into the request is for whoever serves it to judge; so is how many requests he may send, as a page may
/// have many parts, and a proxy takes 429 for a failure of ours.
#[derive(Debug)]
pub(crate) struct AnyMethod(pub(crate) CurrentUser);

impl FromRequestParts<App> for AnyMethod {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let proven = CurrentUser::proven(parts, app, Sites::Any).await;
        proven.map(Self).map_err(Problem::uncounted)
    }
}

/// Browsers attach cookies to requests that other sites start, but say on whose behalf. What changes nothing may come
/// from anywhere; the answer to it is not for the other site to read.
fn is_own_request(app: &App, parts: &Parts) -> bool {
    if parts.method.is_safe() {
        return true;
    }
    let mut origins = parts.headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => {
            let mut own = app.settings.origins.iter();
            own.any(|own| own.as_bytes() == origin.as_bytes())
        }
        _ => false,
    }
}

impl CurrentUser {
    async fn proven(parts: &Parts, app: &App, sites: Sites) -> Result<Self, Problem> {
        let mut way = Way::Session;
        let proven = Self::proven_by(&mut way, parts, app, sites).await;
        app.proofs.note(way, proven)
    }

    async fn proven_by(
        way: &mut Way,
        parts: &Parts,
        app: &App,
        sites: Sites,
    ) -> Result<Self, Problem> {
        let now = Utc::now();
        let address = || PeerAddress::in_parts(parts, app).0;
        let refused = |error: &TokenError| {
            app.security_log
                .request_refused(error.code(), error, address());
        };
        let credential = app
            .authenticator
            .find(&parts.headers)
            .inspect_err(refused)?;
        if let Some(bridge) = &app.legacy
            && let Some(claims) = bridge.claims(credential, &parts.extensions, now)
        {
            *way = Way::Legacy;
            let admitted = Box::pin(Self::by_legacy_token(app, bridge, claims, sites, now)).await;
            if let Err(problem) = &admitted
                && problem.is_a_strangers()
            {
                let code = problem.kind().code();
                app.security_log
                    .request_refused(code, &"of the previous login", address());
            }
            let verdict = admitted.as_ref().map(|_| ()).map_err(Problem::kind);
            bridge.count(verdict, now);
            return admitted;
        }
        let session = app
            .authenticator
            .authenticate_credential(credential, now)
            .await
            .inspect_err(refused)?;
        if sites == Sites::Listed {
            app.rate_limits.user(&session.claims.user_id)?;
        }
        if session.credential == CredentialKind::Cookie
            && sites == Sites::Listed
            && !is_own_request(app, parts)
        {
            let code = Kind::OriginNotAllowed.code();
            app.security_log
                .request_refused(code, &"another site's request by cookie", address());
            return Err(Problem::with_detail(
                Kind::OriginNotAllowed,
                "a request that changes something by cookie has to come from an origin in CLERK_AUTHORIZED_PARTIES",
            ));
        }
        let caller = local(app, &session.claims, now).await?;
        let proof = Proof::Session {
            claims: session.claims,
            credential: session.credential,
        };
        let admitted = Self::admit(app, caller, proof, now)?;
        if let Proof::Session { claims, .. } = &admitted.proof
            && claims.impersonator().is_some()
        {
            let request = parts.extensions.get::<RequestId>();
            let by = || admitted.attribution(request, None, now);
            app.security_log.impersonated(&claims.session_id, by);
        }
        Ok(admitted)
    }

    /// Whoever has proven himself before, as he is now.
    pub(crate) async fn again(
        app: &App,
        user_id: &str,
        proof: &Proof,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let caller = match (proof, &app.legacy) {
            (Proof::Legacy { subject, .. }, Some(bridge)) => Some(bridge.caller(subject).await?),
            _ => {
                let session_id = proof.session_id().unwrap_or_default();
                app.users.caller(user_id, session_id).await?
            }
        };
        let caller = caller.filter(|caller| caller.user.clerk_user_id.as_str() == user_id);
        let caller = caller.ok_or_else(|| Problem::of(Kind::UserUnknown))?;
        Self::admit(app, caller, proof.clone(), now)
    }

    async fn by_legacy_token(
        app: &App,
        bridge: &LegacyBridge,
        claims: Result<LegacyClaims, Problem>,
        sites: Sites,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let claims = claims?;
        if sites == Sites::Listed {
            app.rate_limits.user(&claims.subject)?;
        }
        let caller = bridge.caller(&claims.subject).await?;
        let proof = Proof::Legacy {
            subject: claims.subject,
            issued_at: claims.issued_at,
            ends_at: claims.expires_at.min(bridge.sunset()),
        };
        Self::admit(app, caller, proof, now)
    }

    /// Lets a caller in who is [`admitted`](Caller::admitted): the one place where that is asked, whatever the proof.
    pub(crate) fn admit(
        app: &App,
        caller: Caller,
        proof: Proof,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        caller
            .admitted(proof.issued_at())
            .map_err(|barred| match barred {
                Barred::UserDeleted => TokenError::UserDeleted.into(),
                Barred::SessionOver => TokenError::SessionRevoked.into(),
                Barred::UserInactive => Problem::of(Kind::UserInactive),
            })?;
        let Caller {
            user,
            usage,
            portfolios,
            session_status: _,
        } = caller;
        let entitlements = app.policy.current().entitlements(&user, now);
        Ok(Self {
            user,
            entitlements,
            usage,
            portfolios,
            proof,
        })
    }
}

/// The caller's row, made now if this is the user's first request and no webhook has come yet.
async fn local(app: &App, claims: &SessionClaims, now: DateTime<Utc>) -> Result<Caller, Problem> {
    match app
        .users
        .caller(&claims.user_id, &claims.session_id)
        .await?
    {
        Some(caller) => Ok(caller),
        // In a box of its own, so that whoever is known does not pay for its size.
        None => Box::pin(newcomer(app, claims, now)).await,
    }
}

async fn newcomer(
    app: &App,
    claims: &SessionClaims,
    now: DateTime<Utc>,
) -> Result<Caller, Problem> {
    let (user_id, session_id) = (&claims.user_id, &claims.session_id);
    let clerk_user_id = id(user_id)?;
    id(session_id)?;
    if !app.settings.jit_provisioning {
        return Err(Problem::with_detail(
            Kind::UserNotFound,
            "no webhook has told of this user yet",
        ));
    }
    let user = app
        .users
        .provision(thin(clerk_user_id.clone(), claims, now))
        .await?;
    // The session may have been told of before its user.
    let known = app.users.caller(user_id, session_id).await?;
    let caller = known.unwrap_or_else(|| Caller {
        user: Arc::new(user),
        session_status: None,
        usage: None,
        portfolios: PortfolioSummary::default(),
    });
    let is_thin = caller.user.version == Precedence::NOTHING_KNOWN.version_millis();
    if is_thin && caller.user.deleted_at.is_none() {
        app.enrichment.wanted(&clerk_user_id);
    }
    Ok(caller)
}

fn id(text: &str) -> Result<ClerkId, Problem> {
    ClerkId::parse(text)
        .map_err(|error| Problem::with_detail(Kind::ClaimsInvalid, error.to_string()))
}

/// What the token says of the user besides his id: custom claims under the names that Clerk's and OpenID Connect's
/// claims use. It is replaced by whatever Clerk says later.
fn thin(clerk_user_id: ClerkId, claims: &SessionClaims, now: DateTime<Utc>) -> ThinUser {
    let custom = claims.custom.to_map();
    let text = |names: &[&str], limit: usize| {
        names
            .iter()
            .filter_map(|name| custom.get(*name).and_then(Value::as_str))
            .find(|text| {
                !text.is_empty() && text.len() <= limit && !text.chars().any(char::is_control)
            })
            .map(str::to_owned)
    };
    ThinUser {
        clerk_user_id,
        email: text(&["email", "email_address", "primary_email_address"], 320)
            .filter(|email| email.contains('@')),
        first_name: text(&["first_name", "given_name"], 255),
        last_name: text(&["last_name", "family_name"], 255),
        image_url: text(&["image_url", "picture"], 2048),
        seen_at: now,
    }
}
