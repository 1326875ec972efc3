//! Who may call a route, read off its handler's signature, so that the API's description cannot say otherwise.
//!
//! Every type in a signature says what it asks of the caller ([`Asks`]). A route that asks nothing of anybody has to say
//! so where it is put into the router; a test fails for one that neither asks nor says.

use axum::extract::{Path, Query, State};
use axum::handler::Handler;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::app::App;
use crate::current_user::{AnyMethod, CurrentUser};
use crate::json_body::JsonBody;
use crate::peer::PeerAddress;
use crate::raw_body::RawBody;
use crate::request_id::RequestId;
use crate::service_caller::FeedReader;
use crate::streams::StreamCaller;

/// The member of an operation in the OpenAPI document.
pub(crate) const EXTENSION: &str = "x-access";

/// Ways to be let in, of which one is enough; of each, everything has to hold. The same shape as OpenAPI's `security`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access(Vec<Vec<String>>);

impl Access {
    /// Nothing is asked.
    #[must_use]
    pub fn unsaid() -> Self {
        Self(vec![Vec::new()])
    }

    /// One thing is asked.
    #[must_use]
    pub fn of(what: impl Into<String>) -> Self {
        Self(vec![vec![what.into()]])
    }

    /// A signed-in, active user.
    #[must_use]
    pub fn user() -> Self {
        Self::of("user")
    }

    /// Everybody is let in.
    #[must_use]
    pub fn anybody() -> Self {
        Self::of("anybody")
    }

    /// Both are asked.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut ways = Vec::new();
        for one in &self.0 {
            for another in &other.0 {
                let mut way = one.clone();
                way.extend(another.iter().filter(|what| !one.contains(what)).cloned());
                ways.push(way);
            }
        }
        Self(ways)
    }

    /// Either is asked.
    pub(crate) fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether every way in asks something.
    pub(crate) fn is_said(&self) -> bool {
        self.0.iter().all(|way| !way.is_empty())
    }

    /// Each way in with all that it asks.
    pub(crate) fn ways(&self) -> &[Vec<String>] {
        &self.0
    }

    /// For the document.
    pub(crate) fn to_json(&self) -> Value {
        json!(self.0)
    }
}

/// A type in a handler's signature that says what it asks of the caller.
pub trait Asks {
    /// What.
    fn access() -> Access {
        Access::unsaid()
    }
}

impl Asks for CurrentUser {
    fn access() -> Access {
        Access::user()
    }
}

impl Asks for AnyMethod {
    fn access() -> Access {
        Access::user()
    }
}

impl Asks for StreamCaller {
    fn access() -> Access {
        Access::user().or(Access::of("ticket"))
    }
}

impl Asks for FeedReader {
    fn access() -> Access {
        Access::user()
            .and(Access::of("admin"))
            .or(Access::of("service"))
    }
}

impl<T: Asks, E> Asks for Result<T, E> {
    fn access() -> Access {
        T::access()
    }
}

impl Asks for State<App> {}
impl Asks for HeaderMap {}
impl Asks for RawBody {}
impl Asks for RequestId {}
impl Asks for PeerAddress {}
impl<T> Asks for Query<T> {}
impl<T> Asks for Path<T> {}
impl<T> Asks for JsonBody<T> {}

/// A handler's signature, as axum sees it.
pub trait Signature {
    /// What all its types ask together.
    fn access() -> Access;
}

macro_rules! signatures {
    ($($($part:ident)*;)*) => {
        $(impl<M, $($part: Asks),*> Signature for (M, $($part,)*) {
            fn access() -> Access {
                Access::unsaid()$(.and($part::access()))*
            }
        })*
    };
}

signatures! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

/// What a handler asks of its caller.
pub(crate) fn access_of<H: Handler<S, App>, S: Signature>(_: &H) -> Access {
    S::access()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guards::{Admin, HasTier, Invited, Must, Name};
    use crate::problem::Problem;

    struct Paid;

    impl Name for Paid {
        const NAME: &'static str = "paid";
    }

    async fn nothing() {}
    async fn body(_: State<App>, _: RawBody) {}
    async fn somebody(_: CurrentUser, _: HeaderMap) {}
    async fn one_rule(_: State<App>, _: Admin) {}
    async fn rules(_: Invited, _: Result<Must<HasTier<Paid>>, Problem>) {}
    async fn follower(_: FeedReader) {}

    #[test]
    fn a_signature_says_who_may_call() {
        for (access, expected) in [
            (access_of(&nothing), json!([[]])),
            (access_of(&body), json!([[]])),
            (access_of(&somebody), json!([["user"]])),
            (access_of(&one_rule), json!([["user", "admin"]])),
            (access_of(&rules), json!([["user", "invite", "tier:paid"]])),
            (
                access_of(&follower),
                json!([["user", "admin"], ["service"]]),
            ),
        ] {
            assert_eq!(access.to_json(), expected);
            assert_eq!(access.is_said(), expected != json!([[]]));
        }
    }
}
