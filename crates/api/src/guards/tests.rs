//! Each guard on a route of its own, as callers meet it.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use domain::{Factor, Policy, User};
use serde_json::{Value, json};

use super::*;
use crate::test_app::{self, Answer, People, token, user};

const POLICY: &str = r#"
[roles]
names = ["member", "manager", "admin"]
default = "member"
admin = "admin"
[[tiers]]
name = "free"
max_portfolios = 1
[[tiers]]
name = "plus"
max_portfolios = 2
features = ["reports"]
[[tiers]]
name = "business"
max_portfolios = 3
"#;

macro_rules! names {
    ($($name:ident $text:literal)*) => {
        $(struct $name;
        impl Name for $name {
            const NAME: &'static str = $text;
        })*
    };
}

names! {
    Manager "manager"
    Plus "plus"
    Reports "reports"
    ReadInvoices "org:invoices:read"
    Missing "nowhere"
}

struct Staff;

impl Roles for Staff {
    const NAMES: &'static [&'static str] = &["manager", "admin"];
}

struct JustNow;

impl StepUpRule for JustNow {
    const FACTOR: Factor = Factor::Second;
    const MINUTES: u32 = 10;
}

struct Lately;

impl StepUpRule for Lately {
    const FACTOR: Factor = Factor::First;
    const MINUTES: u32 = 60;
}

/// A route that lets in whom the guards let in, and says who that is.
macro_rules! guarded {
    ($($guard:ty),+) => {
        get(async |$(_: $guard,)+ caller: CurrentUser| caller.user.clerk_user_id.to_string())
    };
}

fn routes() -> Router<App> {
    Router::new()
        .route("/invited", guarded!(Invited))
        .route("/admin", guarded!(Admin))
        .route("/role", guarded!(Must<HasRole<Manager>>))
        .route("/any-role", guarded!(Must<AnyRole<Staff>>))
        .route("/tier", guarded!(Must<HasTier<Plus>>))
        .route("/permission", guarded!(Must<HasPermission<ReadInvoices>>))
        .route("/feature", guarded!(Must<HasFeature<Reports>>))
        .route("/step-up", guarded!(Must<SteppedUp<JustNow>>))
        .route("/two", guarded!(Invited, Must<HasTier<Plus>>))
        .route(
            "/three",
            guarded!(Must<HasTier<Plus>>, Must<SteppedUp<Lately>>, Admin),
        )
        .route("/no-such-role", guarded!(Must<HasRole<Missing>>))
        .route("/no-such-tier", guarded!(Must<HasTier<Missing>>))
        .route("/no-such-feature", guarded!(Must<HasFeature<Missing>>))
}

const INVITE: (u16, &str) = (403, "invite_required");
const ROLE: (u16, &str) = (403, "role_required");
const TIER: (u16, &str) = (403, "tier_required");
const PERMISSION: (u16, &str) = (403, "permission_required");
const FEATURE: (u16, &str) = (403, "feature_required");
const STEP_UP: (u16, &str) = (403, "reverification_required");
const NOBODY: (u16, &str) = (403, "requirement_invalid");

const ROUTES: [&str; 13] = [
    "/invited",
    "/admin",
    "/role",
    "/any-role",
    "/tier",
    "/permission",
    "/feature",
    "/step-up",
    "/two",
    "/three",
    "/no-such-role",
    "/no-such-tier",
    "/no-such-feature",
];

fn invited(mut user: User) -> User {
    user.invite_validated_at = Some(Utc::now());
    user
}

fn people() -> Arc<People> {
    let mut closed = invited(user("closed", "admin", "business"));
    closed.is_active = false;
    closed.deactivated_at = Some(Utc::now());
    People::of([
        user("plain", "member", "free"),
        invited(user("guest", "member", "plus")),
        user("boss", "admin", "free"),
        invited(user("head", "manager", "business")),
        closed,
    ])
}

/// An organization in which the caller may read invoices, and what he did a minute ago.
fn proven() -> Value {
    json!({
        "fea": "o:invoices", "fva": [1, 1],
        "o": {"id": "org_1", "slg": "acme", "rol": "member", "per": "read", "fpm": "1"},
    })
}

async fn ask(app: &App, path: &str, token: Option<&str>) -> Answer {
    test_app::get(app, routes(), path, token).await
}

/// What a caller is told at each route; a pass is told by his own id.
async fn told(app: &App, name: &str, claims: &Value) -> Vec<(&'static str, (u16, String))> {
    let token = token(name, claims);
    let mut told = Vec::new();
    for path in ROUTES {
        let answer = ask(app, path, Some(&token)).await;
        if answer.status == 200 {
            assert_eq!(answer.text, format!("user_{name}"), "{path}");
        }
        let (status, code) = answer.problem();
        told.push((path, (status, code.to_owned())));
    }
    told
}

/// A route, and the status and code by which it refuses.
type Refusal = (&'static str, (u16, &'static str));

fn refusals(refused: &[Refusal]) -> Vec<(&'static str, (u16, String))> {
    let expected = ROUTES.map(|path| {
        let refusal = refused.iter().find(|(refused, _)| *refused == path);
        let (status, code) = refusal.map_or((200, ""), |(_, refusal)| *refusal);
        (path, (status, code.to_owned()))
    });
    expected.into()
}

#[tokio::test]
async fn each_guard_refuses_whom_it_should() {
    let app = test_app::app(&people(), Policy::parse(POLICY).unwrap(), |_| {});
    let missing = [
        ("/no-such-role", NOBODY),
        ("/no-such-tier", NOBODY),
        ("/no-such-feature", NOBODY),
    ];
    let cases: [(&str, Value, &[Refusal]); 6] = [
        (
            "plain",
            json!({}),
            &[
                ("/invited", INVITE),
                ("/admin", ROLE),
                ("/role", ROLE),
                ("/any-role", ROLE),
                ("/tier", TIER),
                ("/permission", PERMISSION),
                ("/feature", FEATURE),
                ("/step-up", STEP_UP),
                ("/two", INVITE),
                ("/three", TIER),
            ],
        ),
        // Each of two has to hold; the first that does not is told.
        (
            "guest",
            json!({"fva": [1, -1]}),
            &[
                ("/admin", ROLE),
                ("/role", ROLE),
                ("/any-role", ROLE),
                ("/permission", PERMISSION),
                ("/step-up", STEP_UP),
                ("/three", ROLE),
            ],
        ),
        // Being admin is a role and an invite; it is no tier, no permission and no second factor.
        (
            "boss",
            json!({"fva": [1, 10]}),
            &[
                ("/tier", TIER),
                ("/permission", PERMISSION),
                ("/feature", FEATURE),
                ("/step-up", STEP_UP),
                ("/two", TIER),
                ("/three", TIER),
            ],
        ),
        (
            "boss",
            proven(),
            &[
                ("/tier", TIER),
                ("/feature", FEATURE),
                ("/two", TIER),
                ("/three", TIER),
            ],
        ),
        ("head", proven(), &[("/admin", ROLE), ("/three", ROLE)]),
        // Another organization's permissions, and a first factor long ago.
        (
            "head",
            json!({"fea": "o:teams", "fva": [61, 1], "o": {"id": "org_2", "rol": "admin", "per": "read", "fpm": "1"}}),
            &[
                ("/admin", ROLE),
                ("/permission", PERMISSION),
                ("/three", STEP_UP),
            ],
        ),
    ];
    for (name, claims, refused) in cases {
        let expected = refusals(&[refused, &missing].concat());
        assert_eq!(
            told(&app, name, &claims).await,
            expected,
            "{name}: {claims}"
        );
    }
}

#[tokio::test]
async fn whoever_is_nobody_is_told_so_before_any_rule() {
    let app = test_app::app(&people(), Policy::parse(POLICY).unwrap(), |_| {});
    let closed = token("closed", &proven());
    let mut forged = token("head", &proven());
    let last = forged.pop().unwrap();
    forged.push_str(if last == 'A' { "QA" } else { "AA" });
    for path in ROUTES {
        let nobody = ask(&app, path, None).await;
        assert_eq!(nobody.problem(), (401, "token_missing"), "{path}");
        let answer = ask(&app, path, Some(&closed)).await;
        assert_eq!(answer.problem(), (403, "user_inactive"), "{path}");
        let answer = ask(&app, path, Some(&forged)).await;
        assert_eq!(answer.status, 401, "{path}");
    }
}

#[tokio::test]
async fn an_open_gate_lets_everybody_in() {
    let app = test_app::app(&people(), Policy::parse(POLICY).unwrap(), |parts| {
        parts.settings.invites.is_enforced = false;
    });
    let token = token("plain", &json!({}));
    assert_eq!(ask(&app, "/invited", Some(&token)).await.status, 200);
    let answer = ask(&app, "/two", Some(&token)).await;
    assert_eq!(answer.problem(), TIER);
}

#[tokio::test]
async fn a_step_up_is_asked_for_in_clerks_words() {
    let app = test_app::app(&people(), Policy::parse(POLICY).unwrap(), |_| {});
    let token = token("head", &json!({"fva": [0, 11]}));
    let answer = ask(&app, "/step-up", Some(&token)).await;
    assert_eq!(answer.problem(), STEP_UP);
    assert_eq!(
        answer.body["clerk_error"],
        json!({
            "type": "forbidden",
            "reason": "reverification-error",
            "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
        })
    );
    let answer = ask(&app, "/admin", Some(&token)).await;
    assert_eq!(answer.body.get("clerk_error"), None);
}

#[tokio::test]
async fn a_caller_is_verified_and_looked_up_once_whatever_guards_there_are() {
    let people = people();
    let app = test_app::app(&people, Policy::parse(POLICY).unwrap(), |_| {});
    for (path, status) in [("/two", 200), ("/three", 403), ("/role", 200)] {
        let token = token("head", &json!({"fva": [1, 1], "jti": path}));
        let before = app.authenticator.verifier().verdict_counts();
        assert_eq!(ask(&app, path, Some(&token)).await.status, status);
        assert_eq!(people.looks(), 1, "{path}");
        let after = app.authenticator.verifier().verdict_counts();
        assert_eq!(
            (after.hits - before.hits, after.misses - before.misses),
            (0, 1),
            "{path}"
        );
    }
}
