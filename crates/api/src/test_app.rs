//! For tests: an application whose people are in memory and whose tokens are signed here, and requests to it. Ports that
//! a test does not bring panic when they are asked.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use auth::{AuthConfig, Authenticator, AzpPolicy};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use domain::workspace::{ImportLimits, PortfolioSummary};
use domain::{
    Caller, ClerkId, InviteRules, MockAdministration, MockAuditLog, MockCacheHealth, MockChanges,
    MockDeliveries, MockEnrichment, MockErasures, MockFeedPulse, MockFeedTail, MockInvites,
    MockMirror, MockOverview, MockPositionReader, MockStoreHealth, MockStreamTickets,
    MockSweepRequests, MockUsageMeter, MockWriteBacks, Policies, Policy, Role, StoreError,
    ThinUser, Tier, User, UserStore, Workspace,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;
use webhooks::{Receiver, ReceiverConfig};

use crate::app::{ApiSettings, App, Parts};
use crate::cors::CorsOrigins;
use crate::counts::Traffic;
use crate::invite_gate::InviteGate;
use crate::leaving::Leaving;
use crate::outer::Around;
use crate::rate_limits::RateLimitSettings;
use crate::service_caller::ServiceTokens;
use crate::sync_status::SyncStatus;

const ISSUER: &str = "https://clerk.example.com";

/// Made once a process, since making it is slow.
static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

/// Who is known, and how often somebody looked.
#[derive(Default)]
pub(crate) struct People {
    known: Vec<User>,
    looks: AtomicUsize,
}

impl People {
    /// Known by these rows.
    pub(crate) fn of(known: impl IntoIterator<Item = User>) -> Arc<Self> {
        Arc::new(Self {
            known: known.into_iter().collect(),
            looks: AtomicUsize::new(0),
        })
    }

    /// How often one was looked for since the last time that this was asked.
    pub(crate) fn looks(&self) -> usize {
        self.looks.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl UserStore for People {
    async fn caller(&self, clerk_user_id: &str, _: &str) -> Result<Option<Caller>, StoreError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let mut known = self.known.iter();
        let user = known.find(|user| user.clerk_user_id.as_str() == clerk_user_id);
        Ok(user.map(|user| Caller {
            user: Arc::new(user.clone()),
            session_status: None,
            usage: None,
            portfolios: PortfolioSummary::default(),
        }))
    }

    async fn provision(&self, _: ThinUser) -> Result<User, StoreError> {
        panic!("nobody is new")
    }
}

/// An active user with this role and tier, as the store has them.
pub(crate) fn user(name: &str, role: &str, tier: &str) -> User {
    let now = Utc::now();
    User {
        id: Uuid::now_v7(),
        clerk_user_id: ClerkId::parse(format!("user_{name}")).unwrap(),
        external_id: None,
        username: None,
        email: None,
        email_verified: false,
        first_name: None,
        last_name: None,
        full_name: None,
        image_url: None,
        role: Role::from_store(role.to_owned()),
        role_override: None,
        role_source: None,
        tier: Tier::from_store(tier.to_owned()),
        tier_override: None,
        tier_source: None,
        tier_until: None,
        public_metadata: json!({}),
        preferences: json!({}),
        banned: false,
        locked: false,
        invite_validated_at: None,
        deactivated_at: None,
        tokens_valid_after: None,
        is_active: true,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        deleted_at: None,
        version: 1,
    }
}

/// A token of this user's, good for a minute, with claims besides the usual ones.
pub(crate) fn token(name: &str, own: &Value) -> String {
    let now = Utc::now().timestamp();
    let mut claims = json!({
        "iss": ISSUER, "sub": format!("user_{name}"), "sid": format!("sess_{name}"), "iat": now, "nbf": now,
        "exp": now + 60, "sts": "active", "v": 2,
    });
    for (name, value) in own.as_object().unwrap() {
        claims[name.as_str()] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "ins_test"});
    let signed = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; KEY.public_modulus_len()];
    let (padding, random) = (&RSA_PKCS1_SHA256, SystemRandom::new());
    KEY.sign(padding, &random, signed.as_bytes(), &mut signature)
        .unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn authenticator() -> Authenticator {
    let der: PublicKeyX509Der<'_> = KEY.public_key().as_der().unwrap();
    let config = AuthConfig {
        jwt_key: Some(STANDARD.encode(der.as_ref())),
        azp_policy: AzpPolicy::Off,
        ..AuthConfig::new(ISSUER)
    };
    Authenticator::new(&config).unwrap()
}

/// An application with these people, and what else the test brings.
pub(crate) fn app(people: &Arc<People>, policy: Policy, bring: impl FnOnce(&mut Parts)) -> App {
    let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
    let receiver = ReceiverConfig {
        secrets: vec![secret.into()],
        instance_id: None,
    };
    let mut parts = Parts {
        mirror: Arc::new(MockMirror::new()),
        users: people.clone(),
        enrichment: Arc::new(MockEnrichment::new()),
        directory_health: None,
        directory: None,
        write_backs: Arc::new(MockWriteBacks::new()),
        changes: Arc::new(MockChanges::new()),
        feed_tail: Arc::new(MockFeedTail::new()),
        feed_pulse: Arc::new(MockFeedPulse::new()),
        cache_health: Arc::new(MockCacheHealth::new()),
        tickets: Arc::new(MockStreamTickets::new()),
        invites: Arc::new(MockInvites::new()),
        usage: Arc::new(MockUsageMeter::new()),
        audit: Arc::new(MockAuditLog::new()),
        administration: Arc::new(MockAdministration::new()),
        erasures: Arc::new(MockErasures::new()),
        overview: Arc::new(MockOverview::new()),
        workspace: Workspace::mocked(),
        position_reader: Arc::new(MockPositionReader::new()),
        assistant: None,
        deliveries: Arc::new(MockDeliveries::new()),
        store_health: Arc::new(MockStoreHealth::new()),
        receiver: Receiver::new(receiver).unwrap(),
        authenticator: Arc::new(authenticator()),
        legacy: None,
        service_tokens: ServiceTokens::new(Vec::new()),
        policy: Arc::new(Policies::new(policy)),
        sync_status: Arc::new(SyncStatus::new(Utc::now())),
        sweeps: Arc::new(MockSweepRequests::new()),
        settings: ApiSettings {
            jit_provisioning: false,
            webhook_body_limit: 1024,
            import_body_limit: 1024,
            import: ImportLimits {
                max_rows: NonZeroUsize::MIN,
                max_problems: NonZeroUsize::MIN,
            },
            request_timeout: Duration::from_secs(60),
            clerk_configured: false,
            invites: InviteGate {
                is_enforced: true,
                rules: InviteRules {
                    shared: None,
                    attempts_per_user: 10,
                    attempts_per_address: 100,
                },
            },
            role_write_back: false,
            erasure_hold_days: 30,
            rate_limits: RateLimitSettings::default(),
            max_requests: 1_000,
            trusted_proxies: Vec::new(),
            cors_origins: CorsOrigins::new(&[]),
            origins: Vec::new(),
        },
        leaving: Leaving::default(),
        stop: CancellationToken::new(),
    };
    bring(&mut parts);
    App::new(parts)
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<i64>,
    pub(crate) text: String,
    /// Null where it is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// A GET of routes that are not the product's, within the layer that the product's are in.
pub(crate) async fn get(app: &App, routes: Router<App>, path: &str, token: Option<&str>) -> Answer {
    let request = Request::get(path);
    let request = match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    };
    ask(app, routes, request.body(Body::empty()).unwrap()).await
}

/// The same with JSON.
pub(crate) async fn post(
    app: &App,
    routes: Router<App>,
    path: &str,
    token: &str,
    body: &Value,
) -> Answer {
    let request = Request::post(path)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    ask(app, routes, request).await
}

async fn ask(app: &App, routes: Router<App>, request: Request) -> Answer {
    let routes = routes.with_state(app.clone());
    let around = Around::new(
        app.settings.request_timeout,
        Arc::clone(&app.load),
        Arc::new(Traffic::of(&[])),
    );
    let routes = routes.layer(around.layer());
    let answer = routes.oneshot(request).await.unwrap();
    let retry_after = answer.headers().get(RETRY_AFTER);
    let retry_after = retry_after.map(|value| value.to_str().unwrap().parse().unwrap());
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        retry_after,
        text: String::from_utf8(body.to_vec()).unwrap(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}
