//! Users by the team's own ids.

use domain::ExternalUser;
use domain::workspace::{Portfolio, PortfolioSummary};

use crate::facts::{deleted_user, user};
use crate::store::{TestStore, on_both_stores};
use crate::workspace::{known_user, workspace};

on_both_stores! {
    an_id_means_one_user,
    a_deleted_user_gives_way,
    of_two_users_none_is_meant,
    what_he_has_of_portfolios_comes_with_him,
}

/// Whom the id means, in a word.
async fn meant(store: &TestStore, external_id: &str) -> String {
    match store.store.external_ids.user_of(external_id).await.unwrap() {
        ExternalUser::Unknown => "nobody".to_owned(),
        ExternalUser::Ambiguous => "several".to_owned(),
        ExternalUser::Known(user, _) => user.clerk_user_id.into_string(),
    }
}

async fn an_id_means_one_user(store: TestStore) {
    store
        .apply(user("user_1").updated(5).external_id("old-1"))
        .await;
    store
        .apply(user("user_2").updated(5).external_id("OLD-1"))
        .await;
    store.apply(user("user_3").updated(5)).await;
    assert_eq!(meant(&store, "old-1").await, "user_1");
    assert_eq!(meant(&store, "OLD-1").await, "user_2");
    for other in ["", "old", "old-10", "user_1", "old-1 ", "%", "' or 1=1 --"] {
        assert_eq!(meant(&store, other).await, "nobody", "{other:?}");
    }
    store
        .apply(user("user_1").updated(6).external_id("old-9"))
        .await;
    assert_eq!(meant(&store, "old-1").await, "nobody");
    assert_eq!(meant(&store, "old-9").await, "user_1");
}

async fn a_deleted_user_gives_way(store: TestStore) {
    store
        .apply(user("user_1").updated(5).external_id("old-1"))
        .await;
    store.apply(deleted_user("user_1")).await;
    assert_eq!(
        meant(&store, "old-1").await,
        "user_1",
        "so that he can be told"
    );
    store
        .apply(user("user_2").updated(7).external_id("old-1"))
        .await;
    assert_eq!(meant(&store, "old-1").await, "user_2");
}

async fn of_two_users_none_is_meant(store: TestStore) {
    for name in ["user_1", "user_2"] {
        store
            .apply(user(name).updated(5).external_id("old-1"))
            .await;
    }
    assert_eq!(meant(&store, "old-1").await, "several");
    // Clerk tells of the change of hands in the end.
    store
        .apply(user("user_1").updated(6).external_id("other"))
        .await;
    assert_eq!(meant(&store, "old-1").await, "user_2");
}

async fn what_he_has_of_portfolios_comes_with_him(store: TestStore) {
    let owner = known_user(&store, "user_1").await;
    store
        .apply(user("user_1").updated(6).external_id("old-1"))
        .await;
    let has = async || match store.store.external_ids.user_of("old-1").await.unwrap() {
        ExternalUser::Known(_, portfolios) => portfolios,
        other => panic!("{other:?}"),
    };
    assert_eq!(has().await, PortfolioSummary::default());
    let portfolio = Portfolio {
        name: "A".to_owned(),
        description: None,
    };
    let portfolios = &workspace(&store).portfolios;
    let made = portfolios.create(&owner, portfolio, None).await.unwrap();
    let summary = PortfolioSummary {
        first: Some(made.done().unwrap().id),
        count: 1,
    };
    assert_eq!(has().await, summary);
}
