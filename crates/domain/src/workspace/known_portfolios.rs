//! What is known of a caller's portfolios, for as long as he is remembered.

use std::sync::{Arc, OnceLock};

use super::PortfolioSummary;

/// A user's [`PortfolioSummary`], once somebody has asked for it. Clones share it.
///
/// It is made empty with the [`Caller`](crate::Caller) whom a store or a shared cache gives, and whoever remembers him does
/// so before anybody else has it. So what is filled in was read after he was remembered. A commit that it does not show
/// came later still, and its change in the feed finds him among those who are remembered, and forgets him with this.
#[derive(Debug, Clone, Default)]
pub struct KnownPortfolios(Arc<OnceLock<PortfolioSummary>>);

impl KnownPortfolios {
    /// What was filled in.
    #[must_use]
    pub fn get(&self) -> Option<PortfolioSummary> {
        self.0.get().copied()
    }

    /// Keeps what was read after this was got from its caller. Of several the first stays: a later change makes all of
    /// them be forgotten.
    pub fn fill(&self, summary: PortfolioSummary) {
        let _ = self.0.set(summary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_what_was_filled_in_first() {
        let known = KnownPortfolios::default();
        let clone = known.clone();
        assert_eq!(clone.get(), None);
        let of = |count| PortfolioSummary { first: None, count };
        known.fill(of(1));
        clone.fill(of(2));
        assert_eq!(clone.get(), Some(of(1)));
        assert_eq!(KnownPortfolios::default().get(), None);
    }
}
