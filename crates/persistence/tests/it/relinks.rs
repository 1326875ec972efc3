//! People who come back under a new Clerk id, with and without the policy that gives them their old row.

use domain::{Policy, Role, ThinUser, User};
use serde_json::json;

use crate::decisions::{NOW, by, changed, key};
use crate::facts::{UserFact, at, deleted_user, id, user};
use crate::store::{TestStore, on_both_stores, open_with};

on_both_stores! {
    without_the_policy_the_same_address_is_another_row,
    the_old_row_comes_back_with_what_was_the_teams_own,
    a_row_that_a_token_made_becomes_the_deleted_one,
    who_may_not_have_the_row_gets_one_of_his_own,
}

const ADDRESS: &str = "ann@example.com";

fn relinking(store: TestStore) -> TestStore {
    let policy = include_str!("../../../domain/src/access/built_in.toml");
    let policy = policy.replace(
        "relink_verified_email = false",
        "relink_verified_email = true",
    );
    let TestStore { database, store: _ } = store;
    TestStore {
        store: open_with(database.url(), Policy::parse(&policy).unwrap()),
        database,
    }
}

/// A profile that Clerk tells, with the address as its verified one.
fn ann(clerk_user_id: &str) -> UserFact {
    user(clerk_user_id).primary_email(ADDRESS).named("Ann")
}

async fn row(store: &TestStore, clerk_user_id: &str) -> User {
    let found = store.store.overview.user(&key(clerk_user_id)).await;
    found.unwrap().unwrap()
}

/// A user who has something of the team's own, and is deleted at Clerk.
async fn gone(store: &TestStore) -> User {
    store.apply(ann("user_1").updated(5)).await;
    let role = Some(Role::from_store("growth"));
    let administration = &store.store.administration;
    let decided = administration
        .set_role(&key("user_1"), role, false, by("user_9", at(NOW)), &[])
        .await;
    changed(decided.unwrap());
    let theme = json!({"theme": "dark"});
    let own = key("user_1");
    let patched = administration.patch_preferences(&own, &theme, by("user_1", at(NOW)));
    patched.await.unwrap();
    store.apply(deleted_user("user_1").updated(10)).await;
    row(store, "user_1").await
}

async fn without_the_policy_the_same_address_is_another_row(store: TestStore) {
    let old = gone(&store).await;
    store.apply(ann("user_2").updated(20)).await;
    let new = row(&store, "user_2").await;
    assert_ne!(new.id, old.id);
    assert_eq!(new.role.as_str(), "solo");
    assert_eq!(row(&store, "user_1").await, old);
}

async fn the_old_row_comes_back_with_what_was_the_teams_own(store: TestStore) {
    let store = relinking(store);
    let old = gone(&store).await;
    store.apply(ann("user_2").updated(20)).await;
    let new = row(&store, "user_2").await;
    assert_eq!(new.id, old.id);
    assert_eq!(new.preferences, old.preferences);
    assert_eq!(new.role.as_str(), "growth");
    assert_eq!(new.role_override, old.role_override);
    assert_eq!(new.deleted_at, None);
    // The former id stays deleted, whatever comes late.
    store.apply(user("user_1").updated(7).named("Late")).await;
    store.apply(user("user_1").updated(30).named("Later")).await;
    let former = row(&store, "user_1").await;
    assert_ne!(former.id, old.id);
    assert_eq!(former.deleted_at, old.deleted_at);
    assert_eq!(former.role.as_str(), "solo");
    let told = store
        .lines(
            "select subject_id || ' was ' || (before ->> 'clerk_user_id') as line from audit_log \
             where action = 'user.relinked'",
        )
        .await;
    assert_eq!(told, ["user_2 was user_1"]);
    // It is his now: nobody else gets it.
    store.apply(ann("user_3").updated(40)).await;
    assert_eq!(row(&store, "user_2").await.id, old.id);
    assert_ne!(row(&store, "user_3").await.id, old.id);
}

async fn a_row_that_a_token_made_becomes_the_deleted_one(store: TestStore) {
    let store = relinking(store);
    let old = gone(&store).await;
    let thin = ThinUser {
        clerk_user_id: id("user_2"),
        email: Some(ADDRESS.to_owned()),
        first_name: None,
        last_name: None,
        image_url: None,
        seen_at: at(15),
    };
    let thin = store.store.users.provision(thin).await.unwrap();
    store.apply(ann("user_2").updated(20)).await;
    assert_eq!(row(&store, "user_2").await.id, old.id);
    let former = row(&store, "user_1").await;
    assert_eq!(former.id, thin.id);
    assert_eq!(former.deleted_at, old.deleted_at);
    // Only the first profile counts: the next one finds him known.
    store
        .apply(ann("user_2").updated(21).surnamed("Smith"))
        .await;
    assert_eq!(row(&store, "user_2").await.id, old.id);
}

async fn who_may_not_have_the_row_gets_one_of_his_own(store: TestStore) {
    let store = relinking(store);
    // Alive.
    store.apply(ann("user_1").updated(5)).await;
    store.apply(ann("user_2").updated(20)).await;
    assert_ne!(
        row(&store, "user_2").await.id,
        row(&store, "user_1").await.id
    );
    // Not verified, here or there.
    store
        .apply(
            user("user_3")
                .updated(5)
                .address("bo@example.com", false, true),
        )
        .await;
    store.apply(deleted_user("user_3").updated(6)).await;
    store
        .apply(user("user_4").updated(20).primary_email("bo@example.com"))
        .await;
    store
        .apply(user("user_5").updated(5).primary_email("cy@example.com"))
        .await;
    store.apply(deleted_user("user_5").updated(6)).await;
    store
        .apply(
            user("user_6")
                .updated(20)
                .address("cy@example.com", false, true),
        )
        .await;
    // Two of them.
    for name in ["user_7", "user_8"] {
        store
            .apply(user(name).updated(5).primary_email("di@example.com"))
            .await;
    }
    for name in ["user_7", "user_8"] {
        store.apply(deleted_user(name).updated(6)).await;
    }
    store
        .apply(user("user_9").updated(20).primary_email("di@example.com"))
        .await;
    // To be forgotten.
    store
        .apply(user("user_10").updated(5).primary_email("ed@example.com"))
        .await;
    let erasures = &store.store.erasures;
    let person = key("user_10");
    let asked = erasures.request(&person, at(NOW * 9), by("user_9", at(NOW)), &[]);
    asked.await.unwrap();
    store.apply(deleted_user("user_10").updated(6)).await;
    store
        .apply(user("user_11").updated(20).primary_email("ed@example.com"))
        .await;
    let relinked = store
        .lines("select subject_id as line from audit_log where action = 'user.relinked'")
        .await;
    assert_eq!(relinked, Vec::<String>::new());
}
