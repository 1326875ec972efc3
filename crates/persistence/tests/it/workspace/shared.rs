//! What is seen by others than its owner: shared listings, and what admins do in others' workspaces.

use domain::workspace::{
    CollectionItem, ListingPatch, OwnedFilter, Share, SharePatch, SharePermission, Whose, Written,
};
use uuid::Uuid;

use super::kinds::{collection, listing, portfolio, position};
use super::{admin, ids, known_user, made, on_every_wall, scope, workspace};
use crate::store::TestStore;

on_every_wall! {
    a_shared_listing_is_seen_and_not_changed,
    a_collection_takes_what_is_shared,
    an_admin_puts_things_into_what_is_anothers,
}

async fn a_shared_listing_is_seen_and_not_changed(store: TestStore) {
    let ports = workspace(&store);
    let (owner, friend, stranger) = (scope(), scope(), scope());
    let row = made(&*ports.listings, &owner, listing()).await;
    let share = |permission| Share {
        listing_id: row.id,
        user_id: friend.user_id,
        permission,
    };
    let shared = made(&*ports.shares, &owner, share(SharePermission::Read)).await;
    // Sharing it again changes the share that there is.
    let again = made(&*ports.shares, &owner, share(SharePermission::Comment)).await;
    assert_eq!(again.id, shared.id);
    assert_eq!(again.body.permission, SharePermission::Comment);

    assert_eq!(
        ports.listings.find(&friend, row.id).await.unwrap(),
        Some(row.clone())
    );
    let with_me = OwnedFilter {
        whose: Whose::SharedWithMe,
        parent: None,
    };
    assert_eq!(ids(&*ports.listings, &friend, with_me).await, [row.id]);
    assert_eq!(
        ids(&*ports.listings, &friend, OwnedFilter::default()).await,
        [] as [Uuid; 0]
    );
    assert_eq!(ids(&*ports.shares, &friend, with_me).await, [shared.id]);
    assert_eq!(
        ids(&*ports.listings, &stranger, with_me).await,
        [] as [Uuid; 0]
    );
    assert_eq!(ports.listings.find(&stranger, row.id).await.unwrap(), None);
    // He cannot change it, nor delete it, nor share it on, nor give himself more.
    let patch = ListingPatch {
        title: Some("mine".to_owned()),
        ..ListingPatch::default()
    };
    assert_eq!(
        ports.listings.change(&friend, row.id, patch).await.unwrap(),
        Written::Unknown
    );
    assert!(!ports.listings.delete(&friend, row.id).await.unwrap());
    let on = Share {
        user_id: stranger.user_id,
        ..share(SharePermission::Read)
    };
    assert_eq!(
        ports.shares.create(&friend, on, None).await.unwrap(),
        Written::UnknownReference("listing_id")
    );
    let more = SharePatch {
        permission: Some(SharePermission::Comment),
    };
    assert_eq!(
        ports.shares.change(&friend, shared.id, more).await.unwrap(),
        Written::Unknown
    );
    // Either of them ends it.
    assert!(ports.shares.delete(&friend, shared.id).await.unwrap());
    assert_eq!(ports.listings.find(&friend, row.id).await.unwrap(), None);
    let shared = made(&*ports.shares, &owner, share(SharePermission::Read)).await;
    assert!(ports.shares.delete(&owner, shared.id).await.unwrap());
    assert_eq!(ports.listings.find(&friend, row.id).await.unwrap(), None);
}

async fn a_collection_takes_what_is_shared(store: TestStore) {
    let ports = workspace(&store);
    let (owner, friend) = (scope(), scope());
    let row = made(&*ports.listings, &owner, listing()).await;
    let collection = made(&*ports.collections, &friend, collection()).await;
    let item = || CollectionItem {
        collection_id: collection.id,
        listing_id: row.id,
        note: None,
    };
    let put = async || {
        ports
            .collection_items
            .create(&friend, item(), None)
            .await
            .unwrap()
    };
    assert_eq!(put().await, Written::UnknownReference("listing_id"));
    let share = Share {
        listing_id: row.id,
        user_id: friend.user_id,
        permission: SharePermission::Read,
    };
    made(&*ports.shares, &owner, share).await;
    let first = put().await.done().expect("an item");
    let second = put().await.done().expect("the same item");
    assert_eq!(first.id, second.id);
    assert_eq!(first.user_id, Some(friend.user_id));
    // A deleted listing is in no collection.
    assert!(ports.listings.delete(&owner, row.id).await.unwrap());
    assert_eq!(
        ports
            .collection_items
            .find(&friend, first.id)
            .await
            .unwrap(),
        None
    );
}

async fn an_admin_puts_things_into_what_is_anothers(store: TestStore) {
    let ports = workspace(&store);
    let (owner, boss) = (scope(), admin());
    let held = made(&*ports.portfolios, &owner, portfolio()).await;
    let put = made(&*ports.positions, &boss, position(held.id)).await;
    assert_eq!(put.user_id, Some(owner.user_id));
    assert_eq!(
        ports.positions.find(&owner, put.id).await.unwrap().as_ref(),
        Some(&put)
    );
    let told = "select action || ' ' || subject_kind as line from audit_log";
    assert_eq!(store.lines(told).await, ["workspace.created position"]);
    // Given away, the portfolio takes with it what is in it.
    let heir = known_user(&store, "user_heir").await;
    ports
        .portfolios
        .give(&boss, held.id, heir.user_id)
        .await
        .unwrap();
    assert_eq!(ports.positions.find(&owner, put.id).await.unwrap(), None);
    assert!(ports.positions.find(&heir, put.id).await.unwrap().is_some());
}
