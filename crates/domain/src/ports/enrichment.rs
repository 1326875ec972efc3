use crate::ClerkId;

/// Asks Clerk about users who are known from a token alone, in the background.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Enrichment: Send + Sync {
    /// Says that this user's row knows nothing of Clerk yet. Returns at once, whatever comes of it: an adapter may drop the
    /// wish when it has too many, and must not ask Clerk twice for one user at a time.
    fn wanted(&self, user: &ClerkId);
}

/// Where Clerk cannot be asked: webhooks and sweeps tell what there is to know.
#[derive(Debug, Clone, Copy)]
pub struct NoEnrichment;

impl Enrichment for NoEnrichment {
    fn wanted(&self, _: &ClerkId) {}
}
