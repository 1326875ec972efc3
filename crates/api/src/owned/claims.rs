//! The verified claims, as policies of the team's own read them in PostgreSQL: `request.jwt.claims`.
//!
//! Both ways in which Clerk writes the active organization are there (`o` of version 2, `org_id` of version 1), whichever
//! the token has, so that a policy need not know the token's version.

use auth::SessionClaims;
use serde_json::{Map, Value, json};

use crate::current_user::CurrentUser;

/// The claims of a caller; of one without a session token, who he is and nothing else.
pub(super) fn of(caller: &CurrentUser) -> Value {
    let claims = match caller.proof.claims() {
        Some(claims) => of_session(claims),
        None => Map::new(),
    };
    let mut claims = claims;
    claims.insert("sub".to_owned(), json!(caller.user.clerk_user_id.as_str()));
    Value::Object(claims)
}

fn of_session(claims: &SessionClaims) -> Map<String, Value> {
    let SessionClaims {
        user_id: _,
        session_id,
        issued_at,
        expires_at,
        not_before,
        authorized_party,
        status: _,
        organization,
        version,
        factor_ages,
        plan: _,
        features: _,
        actor,
        custom,
    } = claims;
    // The team's own first: none of them may stand for one of Clerk's.
    let mut all = custom.to_map();
    let mut put = |name: &str, value: Value| {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.to_owned(), value);
        }
    };
    put("sid", json!(session_id));
    put("exp", json!(expires_at.timestamp()));
    put("iat", json!(issued_at.map(|at| at.timestamp())));
    put("nbf", json!(not_before.map(|at| at.timestamp())));
    put("azp", json!(authorized_party));
    put("v", json!(version));
    let ages =
        factor_ages.map(|ages| [ages.first, ages.second].map(|age| age.map_or(-1, i64::from)));
    put("fva", json!(ages));
    let actor = actor.as_ref().map(|actor| json!({"sub": actor.subject}));
    put("act", json!(actor));
    let organization = organization.as_ref();
    let bare = |role: &str| role.strip_prefix("org:").unwrap_or(role).to_owned();
    put(
        "o",
        json!(organization.map(|active| json!({
            "id": active.id, "slg": active.slug, "rol": active.role.as_deref().map(bare),
        }))),
    );
    put("org_id", json!(organization.map(|active| &active.id)));
    put(
        "org_slug",
        json!(organization.and_then(|active| active.slug.as_ref())),
    );
    put(
        "org_role",
        json!(organization.and_then(|active| active.role.as_ref())),
    );
    let permissions = organization.map(|active| &*active.permissions);
    put("org_permissions", json!(permissions));
    all
}
