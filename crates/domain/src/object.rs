//! The kinds of object that Clerk tells of, and those kept as they came.

use std::fmt;

use serde_json::Value;

use crate::{ClerkId, Precedence};

macro_rules! object_kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $event_prefix:literal;)*) => {
        /// A kind of object at Clerk.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKind { $($(#[$doc])* $kind,)* }

        impl ObjectKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The name in our tables and in the change feed.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The part of an event's type before the dot.
            #[must_use]
            pub fn event_prefix(self) -> &'static str {
                match self { $(Self::$kind => $event_prefix,)* }
            }
        }
    };
}

object_kinds! {
    /// A person.
    User, "user", "user";
    /// A sign-in on one client.
    Session, "session", "session";
    /// A tenant.
    Organization, "organization", "organization";
    /// A user's place in an organization.
    Membership, "membership", "organizationMembership";
    /// An invitation into an organization.
    OrganizationInvitation, "organization_invitation", "organizationInvitation";
    /// An e-mail domain of an organization.
    OrganizationDomain, "organization_domain", "organizationDomain";
    /// An organization role.
    Role, "role", "role";
    /// An organization permission.
    Permission, "permission", "permission";
    /// What a user or organization pays for.
    Subscription, "subscription", "subscription";
    /// One plan within a subscription.
    SubscriptionItem, "subscription_item", "subscriptionItem";
    /// An attempt to collect money.
    PaymentAttempt, "payment_attempt", "paymentAttempt";
    /// A place on the waitlist.
    WaitlistEntry, "waitlist_entry", "waitlistEntry";
    /// An invitation to the application.
    Invitation, "invitation", "invitation";
    /// An e-mail that Clerk sent: kept without its words, which may hold a one-time code.
    Email, "email", "email";
    /// A text message that Clerk sent: kept without its words, which may hold a one-time code.
    Sms, "sms", "sms";
}

impl ObjectKind {
    /// The kind that an event type speaks of: the part before the dot must be known, the part after it may be new.
    #[must_use]
    pub fn of_event(event_type: &str) -> Option<Self> {
        let (prefix, _) = event_type.split_once('.')?;
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.event_prefix() == prefix)
    }

    /// The kind that [`ObjectKind::as_str`] names.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A guarded write of an object that is kept as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectWrite {
    /// What it is.
    pub kind: ObjectKind,
    /// Its id at Clerk.
    pub clerk_id: ClerkId,
    /// The event's `data`.
    pub data: Value,
    /// The fact's place among all facts about this object.
    pub precedence: Precedence,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_its_kind() {
        assert_eq!(
            ObjectKind::of_event("organizationMembership.created"),
            Some(ObjectKind::Membership)
        );
        assert_eq!(ObjectKind::of_event("user.renamed"), Some(ObjectKind::User));
        for strange in ["user", "users.created", "", ".", "User.created"] {
            assert_eq!(ObjectKind::of_event(strange), None, "{strange}");
        }
    }

    #[test]
    fn names_survive_the_round_trip() {
        for kind in ObjectKind::ALL {
            assert_eq!(ObjectKind::parse(kind.as_str()), Some(*kind));
        }
    }
}
