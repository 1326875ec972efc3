//! Forward auth: a proxy asks here whether a request may pass, and who sends it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use crate::app::App;
use crate::current_user::{AnyMethod, CurrentUser};
use crate::identity_headers::Identity;
use crate::problem::{Kind, Problem, ProblemBody};
use crate::requirement::{invalid, parse_all};

/// Requirements as a header, written like the query: for proxies that cannot choose the query. Nobody gains by sending
/// it: what it adds has to hold too.
const REQUIRE: &str = "x-auth-require";

/// Whether the request that a proxy holds may pass, and who sends it.
///
/// The proxy sends the client's `Authorization` and `Cookie` headers here. 200 has no body and carries `X-User-Id` (ours),
/// `X-Clerk-User-Id`, `X-User-Email` (verified addresses only), `X-User-Role`, `X-User-Tier`, `X-Session-Id`, `X-Org-Id`
/// (Clerk's), `X-Org-Slug`, `X-Org-Role` and `X-Actor-Id` (impersonation): always all of them, empty where there is
/// nothing to say, so that a proxy which copies them overwrites what the client sent. Values are visible ASCII; anything
/// else, and `%`, `,`, `;`, `"`, `\`, is percent-encoded as UTF-8. Identity headers that come in are never read.
///
/// Requirements stand in the query, or written alike in the header `X-Auth-Require`; each of both has to hold. One that
/// is empty, unknown or misspelt denies. Any method is answered alike, as some proxies send the client's. Whether a
/// browser was tricked into the request (CSRF) is for whoever serves it to judge: this answers who, not why.
///
/// A proxy that appends the client's path (Envoy) asks `/auth/verify/` with that path behind it: the query is the
/// client's then and is not read.
#[utoipa::path(
    get, path = "/auth/verify", tag = "auth", security(("session" = [])),
    params(
        ("role" = Option<Vec<String>>, Query, description = "This role; admins have every one", example = json!(["growth"])),
        ("permission" = Option<Vec<String>>, Query, description = "This permission in the active organization", example = json!(["org:invoices:read"])),
        ("tier" = Option<Vec<String>>, Query, description = "This tier or a better one", example = json!(["paid"])),
        ("X-Auth-Require" = Option<String>, Header, description = "More requirements, written like the query", example = "role=growth&tier=paid"),
    ),
    responses(
        (status = 200, description = "It may pass", headers(
            ("X-User-Id" = String, description = "Ours"),
            ("X-Clerk-User-Id" = String, description = "Clerk's, `user_…`"),
            ("X-User-Email" = String, description = "The primary address, if it is verified"),
            ("X-User-Role" = String, description = "The role in force"),
            ("X-User-Tier" = String, description = "The tier in force"),
            ("X-Session-Id" = String, description = "Clerk's, `sess_…`"),
            ("X-Org-Id" = String, description = "The active organization, Clerk's `org_…`"),
            ("X-Org-Slug" = String, description = "Its slug"),
            ("X-Org-Role" = String, description = "The caller's role in it, `org:…`"),
            ("X-Actor-Id" = String, description = "Who acts in the user's name"),
        )),
        (status = 401, description = "No valid session: the code says why", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:token_expired", "title": "Expired session token", "status": 401, "code": "token_expired", "detail": "the token has expired", "instance": "0197"})),
        (status = 403, description = "`role_required`, `permission_required`, `tier_required`, `requirement_invalid`, `user_inactive`", body = ProblemBody, content_type = "application/problem+json",
            example = json!({"type": "urn:clerk-sync:problem:role_required", "title": "Role required", "status": 403, "code": "role_required", "detail": "this needs growth", "instance": "0197"})),
        (status = 503, description = "`keys_unavailable`, `store_unavailable`, `request_timeout`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn verify(
    caller: Result<AnyMethod, Problem>,
    State(app): State<App>,
    headers: HeaderMap,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let caller = known(caller)?;
    let Query(pairs) = query.map_err(|_| invalid("the query cannot be read"))?;
    require(&app, &caller, &pairs)?;
    answer(&app, &caller, &headers)
}

/// The same for a proxy that appends the client's path: the path and the query are the client's, and not read.
pub(crate) async fn verify_appended(
    caller: Result<AnyMethod, Problem>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = known(caller)?;
    answer(&app, &caller, &headers)
}

/// Proxies know 401 and 403: anything else they take for a fault.
fn known(caller: Result<AnyMethod, Problem>) -> Result<CurrentUser, Problem> {
    caller
        .map(|AnyMethod(caller)| caller)
        .map_err(|problem| match problem.kind() {
            Kind::UserNotFound => Problem::of(Kind::UserUnknown),
            _ => problem,
        })
}

fn require(app: &App, caller: &CurrentUser, pairs: &[(String, String)]) -> Result<(), Problem> {
    let organization = caller.proof.organization();
    let permissions = organization.map_or(&[][..], |organization| &organization.permissions);
    for requirement in parse_all(&app.policy.current(), pairs)? {
        requirement.check(&app.policy.current(), &caller.entitlements, permissions)?;
    }
    Ok(())
}

fn answer(app: &App, caller: &CurrentUser, headers: &HeaderMap) -> Result<Response, Problem> {
    for value in headers.get_all(REQUIRE) {
        let pairs = value
            .to_str()
            .ok()
            .filter(|text| !text.trim().is_empty())
            .and_then(|text| {
                let uri = format!("/?{}", text.trim()).parse().ok()?;
                Query::<Vec<(String, String)>>::try_from_uri(&uri).ok()
            });
        let Some(Query(pairs)) = pairs else {
            return Err(invalid("the header X-Auth-Require cannot be read"));
        };
        require(app, caller, &pairs)?;
    }
    let mut response = StatusCode::OK.into_response();
    let claims = caller.proof.claims();
    let identity = Identity {
        user: &caller.user,
        entitlements: &caller.entitlements,
        session_id: caller.proof.session_id(),
        organization: caller.proof.organization(),
        actor: claims.and_then(|claims| claims.actor.as_ref()),
    };
    identity.write(response.headers_mut());
    Ok(response)
}
