//! Speaks HTTP to programs: the webhook endpoint, the authenticated routes, health, and the OpenAPI document.
//!
//! In: HTTP requests. Out: JSON, or a problem (RFC 9457) with a stable code. The crate turns verified sessions into
//! local users and deliveries into answers; what is true it asks the ports of `domain`. It will never know SQL, keys,
//! environment variables or sockets.
//!
//! Where to look: `router.rs` has every route on one screen, `problem.rs` every failing answer, `current_user.rs` the
//! extractor that is the authentication.

mod accept;
mod access;
mod app;
mod attribution;
mod cors;
mod counts;
mod current_request;
mod current_user;
mod endpoint;
mod fallback;
mod fixed_headers;
mod group;
mod guards;
mod head_size;
mod identity_headers;
mod input;
mod invite_gate;
mod json_body;
mod leaving;
mod legacy_bridge;
mod load;
mod metering;
mod openapi;
mod outer;
mod owned;
mod page;
mod pages;
mod parameters;
mod peer;
mod private;
mod problem;
mod query;
mod rate_limits;
mod raw_body;
mod request_id;
mod requirement;
mod router;
mod routes;
mod security_log;
mod service_caller;
mod store_pulse;
mod streams;
mod sync_status;
#[cfg(test)]
mod test_app;

pub use access::{Access, Asks, Signature};
pub use app::{ApiSettings, App, Parts};
pub use cors::CorsOrigins;
pub use counts::{
    AnswerClass, DeliveryReport, HistogramReport, ProofReport, RouteReport, TrafficReport,
};
pub use current_request::{CurrentRequest, REQUEST_SPAN};
pub use current_user::{CurrentUser, Proof};
pub use endpoint::{Endpoint, ServedRoute, Undeclared};
pub use guards::{
    Admin, AnyRole, GatedBy, HasFeature, HasInvite, HasPermission, HasRole, HasTier, Invited,
    IsAdmin, Must, Name, Roles, Rule, StepUpRule, SteppedUp,
};
pub use invite_gate::InviteGate;
pub use leaving::Leaving;
pub use legacy_bridge::{LegacyBridge, LegacyUse};
pub use metering::{Metered, Reservation, Use};
pub use openapi::openapi_json;
pub use pages::{Draw, Pages};
pub use problem::{Kind, Problem};
pub use rate_limits::{Rate, RateLimitSettings};
pub use request_id::RequestId;
pub use router::{router, served_routes};
pub use routes::health::MOST_CLOCK_SKEW;
pub use routes::logout::end_session;
pub use routes::my_account::sessions_of;
pub use security_log::{InviteTries, Suspicion};
pub use service_caller::ServiceTokens;
pub use sync_status::SyncStatus;
