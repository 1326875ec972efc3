//! The language of clerk-sync.
//!
//! Everything that the product knows without HTTP, SQL or JSON Web Tokens: users, sessions and the other objects that
//! Clerk tells us about, the deliveries that tell it, the rules by which any order of deliveries ends in the same rows,
//! and the ports through which storage is reached.
//!
//! It will never know axum, diesel, reqwest, svix or jsonwebtoken. Time is always an argument.

mod access;
mod change;
mod clerk_id;
mod delivery;
mod object;
mod ports;
mod precedence;
mod session;
mod timestamp;
mod user;

pub use access::{Entitlements, Limits, Policy, Role, Tier};
pub use change::{Change, ChangeKind, ChangeOp};
pub use clerk_id::{ClerkId, ClerkIdError};
pub use delivery::{Delivery, DeliveryRecord, Effect, Outcome, Payload, Receipt, Rejection};
pub use object::{ObjectKind, ObjectWrite};
pub use ports::{
    Caller, Deliveries, MigrationState, Mirror, StoreError, StoreHealth, StoreReport, UserStore,
};
pub use precedence::{Precedence, Step};
pub use session::{Session, SessionStatus, SessionWrite, SignIn};
pub use timestamp::{MAX_CLOCK_AHEAD, from_clerk_millis, from_clerk_seconds_or_millis};
pub use user::{EmailAddress, ThinUser, User, UserDeletion, UserProfile, UserWrite};

#[cfg(feature = "mock")]
pub use ports::{MockDeliveries, MockMirror, MockStoreHealth, MockUserStore};
