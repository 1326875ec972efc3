//! The workspace of somebody who is forgotten, and of somebody who asks what is held of him.

use domain::workspace::{OwnedFilter, Share, SharePermission};
use domain::{Attribution, UserKey};
use uuid::Uuid;

use super::kinds::{listing, portfolio, position};
use super::{ids, made, on_every_wall, scope, scope_of, workspace};
use crate::facts::{at, deleted_user, id, user};
use crate::store::TestStore;

on_every_wall! {
    a_forgotten_person_leaves_nothing_and_others_lose_nothing,
    an_export_holds_the_workspace,
    a_deletion_at_clerk_takes_nothing_away,
}

async fn person(store: &TestStore) -> domain::workspace::Scope {
    store.apply(user("user_1").updated(5)).await;
    let query = "select cast(id as text) as line from users where clerk_user_id = 'user_1'";
    let ids = store.lines(query).await;
    scope_of(Uuid::parse_str(&ids[0]).unwrap())
}

fn key() -> UserKey {
    (&id("user_1")).into()
}

async fn filled(store: &TestStore, owner: &domain::workspace::Scope) -> Uuid {
    let ports = workspace(store);
    let row = made(&*ports.listings, owner, listing()).await;
    let held = made(&*ports.portfolios, owner, portfolio()).await;
    made(&*ports.positions, owner, position(held.id)).await;
    row.id
}

async fn a_forgotten_person_leaves_nothing_and_others_lose_nothing(store: TestStore) {
    let (me, other) = (person(&store).await, scope());
    filled(&store, &me).await;
    let others = filled(&store, &other).await;
    let ports = workspace(&store);
    let share = Share {
        listing_id: others,
        user_id: me.user_id,
        permission: SharePermission::Read,
    };
    made(&*ports.shares, &other, share).await;
    let by = |millis| Attribution::system(at(millis));
    let erasures = &store.store.erasures;
    erasures
        .request(&key(), at(1000), by(100), &[])
        .await
        .unwrap();
    erasures.execute(&key(), by(1001)).await.unwrap();
    for (table, left) in [
        ("listings", "1"),
        ("portfolios", "1"),
        ("portfolio_counts", "0"),
        ("positions", "1"),
        ("shares", "0"),
    ] {
        let count = format!("select cast(count(*) as text) as line from {table}");
        assert_eq!(store.lines(&count).await, [left], "{table}");
    }
    let seen = ids(&*ports.listings, &other, OwnedFilter::default()).await;
    assert_eq!(seen, [others]);
}

async fn an_export_holds_the_workspace(store: TestStore) {
    let (me, other) = (person(&store).await, scope());
    let mine = filled(&store, &me).await;
    filled(&store, &other).await;
    let by = Attribution::system(at(50));
    let held = store
        .store
        .erasures
        .export(&key(), by)
        .await
        .unwrap()
        .unwrap();
    let held = &held["workspace"];
    assert_eq!(held["listings"].as_array().unwrap().len(), 1);
    assert_eq!(held["listings"][0]["id"], mine.to_string());
    assert_eq!(held["listings"][0]["price"], "12.5");
    assert_eq!(held["positions"][0]["quantity"], "0.000000000001");
    assert_eq!(held["positions"].as_array().unwrap().len(), 1);
    assert_eq!(held["shares"].as_array().unwrap().len(), 0);
}

async fn a_deletion_at_clerk_takes_nothing_away(store: TestStore) {
    let me = person(&store).await;
    let mine = filled(&store, &me).await;
    store.apply(deleted_user("user_1").updated(9)).await;
    let found = workspace(&store).listings.find(&me, mine).await.unwrap();
    assert!(found.is_some());
}
