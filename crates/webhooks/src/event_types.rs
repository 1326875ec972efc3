//! The event types that mean something to us.

use domain::{ObjectKind, Step};

/// Whether Clerk's catalogue has an event type of this name: fifty have.
#[must_use]
pub fn is_known_event(name: &str) -> bool {
    EventType::parse(name).is_some()
}

/// A known event type: what it is about, and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventType {
    pub(crate) kind: ObjectKind,
    /// The part after the dot.
    pub(crate) verb: &'static str,
}

impl EventType {
    /// The known type of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let kind = ObjectKind::of_event(name)?;
        let (_, verb) = name.split_once('.')?;
        let verb = verbs(kind).iter().find(|known| **known == verb)?;
        Some(Self { kind, verb })
    }

    /// Whether the event ends the object's life.
    pub(crate) fn is_deletion(self) -> bool {
        self.verb == "deleted"
    }

    /// Whether the event begins the object's life.
    pub(crate) fn step(self) -> Step {
        if self.verb == "created" {
            Step::Created
        } else {
            Step::Changed
        }
    }
}

/// Clerk's catalogue of webhook events of 2025-04-15, and the types that its client libraries and guides name besides:
/// `subscriptionItem.created`, `subscriptionItem.expired` and `invitation.*`.
fn verbs(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::User
        | ObjectKind::Organization
        | ObjectKind::Membership
        | ObjectKind::OrganizationDomain
        | ObjectKind::Role
        | ObjectKind::Permission => &["created", "updated", "deleted"],
        ObjectKind::Session => &["created", "pending", "ended", "removed", "revoked"],
        ObjectKind::OrganizationInvitation | ObjectKind::Invitation => {
            &["created", "accepted", "revoked"]
        }
        ObjectKind::Subscription => &["created", "updated", "active", "pastDue"],
        ObjectKind::SubscriptionItem => &[
            "created",
            "updated",
            "active",
            "canceled",
            "upcoming",
            "ended",
            "abandoned",
            "incomplete",
            "pastDue",
            "freeTrialEnding",
            "expired",
        ],
        ObjectKind::PaymentAttempt | ObjectKind::WaitlistEntry => &["created", "updated"],
        ObjectKind::Email | ObjectKind::Sms => &["created"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_fifty_types() {
        // 46 with a published shape, three of invitations, and subscriptionItem.expired.
        let count: usize = ObjectKind::ALL.iter().map(|kind| verbs(*kind).len()).sum();
        assert_eq!(count, 50);
    }

    #[test]
    fn names_are_exact() {
        let known = EventType::parse("organizationMembership.deleted").unwrap();
        assert_eq!(known.kind, ObjectKind::Membership);
        assert!(known.is_deletion());
        for unknown in [
            "user.renamed",
            "User.created",
            "user.created.v2",
            "user.",
            "user",
            "",
            "subscription.canceled",
            "plan.created",
        ] {
            assert_eq!(EventType::parse(unknown), None, "{unknown}");
        }
    }
}
