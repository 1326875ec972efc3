//! Replays: what is said of facts that are in force already, and the day as of which tiers are worked out.

use domain::Outcome::{Applied, Stale};
use domain::{Delivery, ObjectKind, Outcome};
use serde_json::json;

use crate::facts::{RECEIVED, at, deleted, id, item, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_deletion_in_force_is_applied,
    a_deletion_that_is_not_the_one_in_force_is_stale,
    tiers_are_those_of_the_day_of_the_replay,
    users_of_whom_clerk_has_said_nothing_are_found,
}

async fn replay(store: &TestStore, delivery: &Delivery, now: i64) -> Outcome {
    let line = store.store.deliveries.find(&delivery.message_id).await;
    let line = line.unwrap().unwrap().id;
    let receipt = store.store.mirror.replay(line, delivery.clone(), at(now));
    receipt.await.unwrap().outcome
}

const MORTAL: [ObjectKind; 4] = [
    ObjectKind::User,
    ObjectKind::Organization,
    ObjectKind::Membership,
    ObjectKind::Role,
];

async fn a_deletion_in_force_is_applied(store: TestStore) {
    for kind in MORTAL {
        let gone: Delivery = deleted(kind, "gone_1").updated(3).into();
        assert_eq!(store.apply(gone.clone()).await, Applied, "{kind}");
        let before = (store.rows(&crate::tables::CHANGES).await).len();
        assert_eq!(replay(&store, &gone, RECEIVED).await, Applied, "{kind}");
        let line = store.ledger_line(&gone.message_id).await;
        assert_eq!(
            (&line["outcome"], &line["attempts"]),
            (&json!("applied"), &json!(2)),
        );
        let after = (store.rows(&crate::tables::CHANGES).await).len();
        assert_eq!(after, before, "{kind}: nobody is told twice");
    }
}

async fn a_deletion_that_is_not_the_one_in_force_is_stale(store: TestStore) {
    for kind in MORTAL {
        let later: Delivery = deleted(kind, "gone_1").updated(4).into();
        store.apply(later.clone()).await;
        store.apply(deleted(kind, "gone_1").updated(3)).await;
        assert_eq!(replay(&store, &later, RECEIVED).await, Stale, "{kind}");
    }
}

async fn tiers_are_those_of_the_day_of_the_replay(store: TestStore) {
    const DAY: i64 = 24 * 3_600_000;
    store.apply(user("user_1").updated(1)).await;
    let end = RECEIVED + DAY;
    let plan: Delivery = item("csub_item_1", "canceled", "pro")
        .until(at(end))
        .updated(2)
        .into();
    store.apply(plan.clone()).await;
    let tier = async || store.user("user_1").await["tier"].take();
    assert_eq!(tier().await, "paid");
    assert_eq!(replay(&store, &plan, end - 1).await, Applied);
    assert_eq!(tier().await, "paid");
    assert_eq!(replay(&store, &plan, end).await, Applied);
    assert_eq!(tier().await, "free");
}

async fn users_of_whom_clerk_has_said_nothing_are_found(store: TestStore) {
    for name in ["user_a", "user_b", "user_c", "user_d", "user_e"] {
        let thin = domain::ThinUser {
            clerk_user_id: id(name),
            email: None,
            first_name: None,
            last_name: None,
            image_url: None,
            seen_at: at(1),
        };
        store.store.users.provision(thin).await.unwrap();
    }
    store.apply(user("user_b").updated(2)).await;
    store.apply(user("user_f").updated(2)).await;
    store
        .apply(deleted(ObjectKind::User, "user_d").updated(2))
        .await;
    let thin = async |after: Option<&str>, limit| {
        let found = store
            .store
            .housekeeping
            .thin_users(after.map(id), limit)
            .await;
        let found = found.unwrap();
        found
            .into_iter()
            .map(domain::ClerkId::into_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(thin(None, 10).await, ["user_a", "user_c", "user_e"]);
    assert_eq!(thin(None, 2).await, ["user_a", "user_c"]);
    assert_eq!(thin(Some("user_c"), 2).await, ["user_e"]);
}
