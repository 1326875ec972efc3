//! What a row of every kind looks like, for the law of `isolation.rs`.

use domain::workspace::{
    CalculationJob, ChatMessage, ChatRole, Collection, CollectionItem, CollectionItemPatch,
    CollectionPatch, Decimal, JobStep, Listing, ListingPatch, Portfolio, PortfolioPatch, Position,
    PositionPatch, Profile, ProfilePatch, Share, SharePatch, SharePermission, ValuationRuleset,
    ValuationRulesetPatch,
};
use serde_json::json;
use uuid::Uuid;

use super::isolation::{Kind, isolated};
use super::{made, on_every_wall, workspace};
use crate::store::TestStore;

on_every_wall! {
    listings, profiles, rulesets, collections, collection_items, shares, portfolios, positions, jobs, messages,
}

pub(super) fn listing() -> Listing {
    Listing {
        price: Some("12.5".parse().unwrap()),
        currency: Some("EUR".to_owned()),
        components: json!({"cpu": {"cores": 8}}),
        ..Listing::titled("A")
    }
}

pub(super) fn portfolio() -> Portfolio {
    Portfolio {
        name: "A".to_owned(),
        description: None,
    }
}

pub(super) fn position(portfolio_id: Uuid) -> Position {
    Position {
        portfolio_id,
        symbol: "AAPL".parse().unwrap(),
        quantity: "0.000000000001".parse().unwrap(),
        entry_price: "9999999999999999.999999999999".parse().unwrap(),
        entry_date: chrono::NaiveDate::from_ymd_opt(2024, 2, 29),
    }
}

pub(super) fn collection() -> Collection {
    Collection {
        name: "A".to_owned(),
        description: Some("x".to_owned()),
    }
}

async fn listings(store: TestStore) {
    let kind = Kind {
        port: &*workspace(&store).listings,
        new: Box::new(|_| Box::pin(async { listing() })),
        patch: Some(|| ListingPatch {
            title: Some("B".to_owned()),
            ..ListingPatch::default()
        }),
        table: "listings",
    };
    isolated(&store, kind).await;
}

async fn profiles(store: TestStore) {
    let new = || Profile {
        name: "A".to_owned(),
        description: None,
        weights: json!({"price": "0.5"}),
    };
    let kind = Kind {
        port: &*workspace(&store).profiles,
        new: Box::new(move |_| Box::pin(async move { new() })),
        patch: Some(|| ProfilePatch {
            name: Some("B".to_owned()),
            ..ProfilePatch::default()
        }),
        table: "profiles",
    };
    isolated(&store, kind).await;
}

async fn rulesets(store: TestStore) {
    let new = || ValuationRuleset {
        name: "A".to_owned(),
        description: None,
        rules: json!([{"name": "always", "effect": {"set": 1}}]),
    };
    let kind = Kind {
        port: &*workspace(&store).rulesets,
        new: Box::new(move |_| Box::pin(async move { new() })),
        patch: Some(|| ValuationRulesetPatch {
            rules: Some(json!([])),
            ..ValuationRulesetPatch::default()
        }),
        table: "valuation_rulesets",
    };
    isolated(&store, kind).await;
}

async fn collections(store: TestStore) {
    let kind = Kind {
        port: &*workspace(&store).collections,
        new: Box::new(|_| Box::pin(async { collection() })),
        patch: Some(|| CollectionPatch {
            description: Some(None),
            ..CollectionPatch::default()
        }),
        table: "collections",
    };
    isolated(&store, kind).await;
}

async fn collection_items(store: TestStore) {
    let ports = workspace(&store);
    let kind = Kind {
        port: &*ports.collection_items,
        new: Box::new(|owner| {
            Box::pin(async move {
                let listing = made(&*ports.listings, &owner, listing()).await;
                let collection = made(&*ports.collections, &owner, collection()).await;
                CollectionItem {
                    collection_id: collection.id,
                    listing_id: listing.id,
                    note: None,
                }
            })
        }),
        patch: Some(|| CollectionItemPatch {
            note: Some(Some("B".to_owned())),
        }),
        table: "collection_items",
    };
    isolated(&store, kind).await;
}

async fn shares(store: TestStore) {
    let ports = workspace(&store);
    let kind = Kind {
        port: &*ports.shares,
        new: Box::new(|owner| {
            Box::pin(async move {
                let listing = made(&*ports.listings, &owner, listing()).await;
                Share {
                    listing_id: listing.id,
                    user_id: Uuid::now_v7(),
                    permission: SharePermission::Read,
                }
            })
        }),
        patch: Some(|| SharePatch {
            permission: Some(SharePermission::Comment),
        }),
        table: "shares",
    };
    isolated(&store, kind).await;
}

async fn portfolios(store: TestStore) {
    let kind = Kind {
        port: &*workspace(&store).portfolios,
        new: Box::new(|_| Box::pin(async { portfolio() })),
        patch: Some(|| PortfolioPatch {
            name: Some("B".to_owned()),
            ..PortfolioPatch::default()
        }),
        table: "portfolios",
    };
    isolated(&store, kind).await;
}

async fn positions(store: TestStore) {
    let ports = workspace(&store);
    let kind = Kind {
        port: &*ports.positions,
        new: Box::new(|owner| {
            Box::pin(
                async move { position(made(&*ports.portfolios, &owner, portfolio()).await.id) },
            )
        }),
        patch: Some(|| PositionPatch {
            quantity: Some(Decimal::ONE),
            ..PositionPatch::default()
        }),
        table: "positions",
    };
    isolated(&store, kind).await;
}

async fn jobs(store: TestStore) {
    let ports = workspace(&store);
    let kind = Kind {
        port: &*ports.jobs,
        new: Box::new(|owner| {
            Box::pin(async move {
                let portfolio = made(&*ports.portfolios, &owner, portfolio()).await;
                CalculationJob::queued(portfolio.id)
            })
        }),
        patch: Some(|| JobStep::Begin),
        table: "calculation_jobs",
    };
    isolated(&store, kind).await;
}

async fn messages(store: TestStore) {
    let new = || ChatMessage {
        role: ChatRole::User,
        content: "Hello".to_owned(),
        is_partial: false,
    };
    let kind = Kind {
        port: &*workspace(&store).messages,
        new: Box::new(move |_| Box::pin(async move { new() })),
        patch: None,
        table: "chat_messages",
    };
    isolated(&store, kind).await;
}
