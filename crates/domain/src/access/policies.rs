//! The policy in force, which can be exchanged while requests are served.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::policy::Policy;

/// A place that holds the policy in force. Whoever decides asks it once and decides by what it was given, so that one
/// request never meets two policies.
#[derive(Debug)]
pub struct Policies(ArcSwap<Policy>);

impl Policies {
    /// Begins with this one.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self(ArcSwap::from_pointee(policy))
    }

    /// The one in force now.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        self.0.load_full()
    }

    /// Puts another one in force; answers the one before. The users who are always admin come with the policy
    /// ([`Policy::with_admins`]).
    pub fn replace(&self, policy: Policy) -> Arc<Policy> {
        self.0.swap(Arc::new(policy))
    }
}

impl From<Policy> for Arc<Policies> {
    fn from(policy: Policy) -> Self {
        Self::new(Policies::new(policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClerkId;

    #[test]
    fn who_asked_before_keeps_what_he_was_given() {
        let policies = Policies::new(Policy::built_in());
        let before = policies.current();
        let admin = ClerkId::parse("user_1").unwrap();
        let replaced = policies.replace(Policy::built_in().with_admins([admin.clone()]));
        assert!(Arc::ptr_eq(&before, &replaced));
        assert!(before.admins().is_empty());
        assert!(policies.current().admins().contains(&admin));
    }
}
