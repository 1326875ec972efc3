use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::workspace::{
    CalculationJob, ChatMessage, Collection, CollectionItem, Listing, Owned, OwnedFilter,
    Portfolio, Position, Profile, Resource, Scope, Share, ValuationRuleset, Written,
};
use crate::{PageQuery, Paged, StoreError};

/// Rows of one kind that belong to somebody.
///
/// Each call sees what its scope may see and nothing else: another's row is exactly as one that there is not.
///
/// What changes how many portfolios a user has, or which is his oldest, is a change of kind
/// [`Portfolios`](crate::ChangeKind::Portfolios) in the feed, in the same transaction; both owners' when one is given.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OwnedRows<R: Resource>: Send + Sync {
    /// A page of them, the newest first.
    async fn list(
        &self,
        scope: &Scope,
        filter: OwnedFilter,
        page: PageQuery<Uuid>,
    ) -> Result<Paged<Owned<R>>, StoreError>;

    /// One: of one's own, or shared; `None` when there is none that the scope may see.
    async fn find(&self, scope: &Scope, id: Uuid) -> Result<Option<Owned<R>>, StoreError>;

    /// Makes one, of the scope's user, or of him to whom the row belongs that it is made in. With a limit, he has so many
    /// of them at most (or that row has), however many are made at once.
    async fn create(
        &self,
        scope: &Scope,
        new: R,
        limit: Option<u64>,
    ) -> Result<Written<Owned<R>>, StoreError>;

    /// Changes one of one's own. Changes at once follow one another, and each sees the one before.
    async fn change(
        &self,
        scope: &Scope,
        id: Uuid,
        patch: R::Patch,
    ) -> Result<Written<Owned<R>>, StoreError>;

    /// Deletes one of one's own with all that is in it; whether there was one.
    async fn delete(&self, scope: &Scope, id: Uuid) -> Result<bool, StoreError>;

    /// Gives one, with all that is in it, to a user: how a row from before gets an owner. For admins: to anybody else
    /// every row is [`Written::Unknown`].
    async fn give(
        &self,
        scope: &Scope,
        id: Uuid,
        owner: Uuid,
    ) -> Result<Written<Owned<R>>, StoreError>;
}

/// What is done with portfolios as a whole.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Portfolios: Send + Sync {
    /// Makes a portfolio with its positions, or nothing; the limit is that of [`OwnedRows::create`]. The positions'
    /// `portfolio_id` is not looked at.
    async fn import(
        &self,
        scope: &Scope,
        portfolio: Portfolio,
        positions: Vec<Position>,
        limit: Option<u64>,
    ) -> Result<Written<Owned<Portfolio>>, StoreError>;

    /// Every position of a portfolio, the oldest first; `None` when there is no such portfolio to the scope.
    async fn positions(
        &self,
        scope: &Scope,
        portfolio_id: Uuid,
    ) -> Result<Option<Vec<Owned<Position>>>, StoreError>;

    /// The latest job of each of these portfolios that has one and that the scope may see, in any order.
    async fn latest_jobs(
        &self,
        scope: &Scope,
        portfolio_ids: Vec<Uuid>,
    ) -> Result<Vec<Owned<CalculationJob>>, StoreError>;
}

/// Where each kind is kept.
#[derive(Clone)]
pub struct Workspace {
    /// Listings.
    pub listings: Arc<dyn OwnedRows<Listing>>,
    /// Profiles.
    pub profiles: Arc<dyn OwnedRows<Profile>>,
    /// Valuation rulesets.
    pub rulesets: Arc<dyn OwnedRows<ValuationRuleset>>,
    /// Collections.
    pub collections: Arc<dyn OwnedRows<Collection>>,
    /// Listings in collections.
    pub collection_items: Arc<dyn OwnedRows<CollectionItem>>,
    /// Shares of listings.
    pub shares: Arc<dyn OwnedRows<Share>>,
    /// Portfolios.
    pub portfolios: Arc<dyn OwnedRows<Portfolio>>,
    /// Positions in portfolios.
    pub positions: Arc<dyn OwnedRows<Position>>,
    /// Jobs that calculate portfolios.
    pub jobs: Arc<dyn OwnedRows<CalculationJob>>,
    /// Messages of the chat.
    pub messages: Arc<dyn OwnedRows<ChatMessage>>,
    /// Portfolios as a whole.
    pub whole_portfolios: Arc<dyn Portfolios>,
}

#[cfg(feature = "mock")]
impl Workspace {
    /// One that nobody should ask.
    #[must_use]
    pub fn mocked() -> Self {
        fn rows<R: Resource>() -> Arc<dyn OwnedRows<R>> {
            Arc::new(MockOwnedRows::<R>::new())
        }
        Self {
            listings: rows(),
            profiles: rows(),
            rulesets: rows(),
            collections: rows(),
            collection_items: rows(),
            shares: rows(),
            portfolios: rows(),
            positions: rows(),
            jobs: rows(),
            messages: rows(),
            whole_portfolios: Arc::new(MockPortfolios::new()),
        }
    }
}
