//! What becomes of a role that was written back to Clerk when it is taken away here.

use domain::Role;
use serde_json::json;

use crate::decisions::{NOW, by, changed, key};
use crate::facts::{at, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    our_own_word_goes_with_the_role,
    what_clerk_has_said_itself_stays,
}

async fn set_role(store: &TestStore, role: Option<&str>, written_back: bool) -> domain::User {
    let role = role.map(Role::from_store);
    let decided = store
        .store
        .administration
        .set_role(
            &key("user_1"),
            role,
            written_back,
            by("user_9", at(NOW)),
            &[],
        )
        .await;
    changed(decided.unwrap())
}

async fn our_own_word_goes_with_the_role(store: TestStore) {
    let plain = json!({"plan": "x"});
    store
        .apply(user("user_1").updated(5).metadata(plain.clone()))
        .await;
    set_role(&store, Some("growth"), true).await;
    // Clerk was told, and tells what it was told.
    let ours = json!({"plan": "x", "role": "growth"});
    store.apply(user("user_1").updated(6).metadata(ours)).await;
    let cleared = set_role(&store, None, true).await;
    assert_eq!(cleared.role.as_str(), "solo");
    assert_eq!(cleared.public_metadata, plain);
    // Nothing that is worked out from the row brings it back.
    store
        .store
        .housekeeping
        .settle_tiers(at(NOW), 100)
        .await
        .unwrap();
    assert_eq!(store.user("user_1").await["role"], "solo");
}

async fn what_clerk_has_said_itself_stays(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    for (time, written_back, told) in [(10, false, "growth"), (20, true, "admin")] {
        set_role(&store, Some("growth"), written_back).await;
        let metadata = json!({ "role": told });
        let fact = user("user_1").updated(time).metadata(metadata.clone());
        store.apply(fact).await;
        let cleared = set_role(&store, None, written_back).await;
        assert_eq!(cleared.role.as_str(), told);
        assert_eq!(cleared.public_metadata, metadata);
    }
}
