//! The change feed as its readers ask for it.

use domain::{ChangeOp, FeedItem, ObjectKind};
use serde_json::{Value, json};

use crate::facts::{RECEIVED, at, deleted_user, organization, role, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    every_change_comes_once_in_pages,
    a_change_shows_the_row,
    what_changes_nothing_is_not_in_the_feed,
}

async fn after(store: &TestStore, cursor: i64, limit: u32) -> Vec<FeedItem> {
    store.store.changes.after(cursor, limit).await.unwrap()
}

async fn every_change_comes_once_in_pages(store: TestStore) {
    assert_eq!(after(&store, 0, 100).await, Vec::new());
    for number in 0..7 {
        store
            .apply(user(&format!("user_{number}")).updated(number))
            .await;
    }
    let (mut seen, mut cursor) = (Vec::new(), 0);
    for expected in [3, 3, 1, 0] {
        let page = after(&store, cursor, 3).await;
        assert_eq!(page.len(), expected);
        cursor = page.last().map_or(cursor, |item| item.cursor);
        seen.extend(page);
    }
    assert!(
        seen.is_sorted_by(|one, next| one.cursor < next.cursor),
        "{seen:?}"
    );
    let ids: Vec<_> = seen
        .iter()
        .map(|item| item.change.clerk_id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "user_0", "user_1", "user_2", "user_3", "user_4", "user_5", "user_6"
        ]
    );
    assert_eq!(seen, after(&store, 0, 100).await);
    // Who asks again from the end sees what is new, and only that.
    store.apply(user("user_0").updated(9)).await;
    let news = after(&store, cursor, 100).await;
    assert_eq!(news.len(), 1);
    assert!(news[0].cursor > cursor);
    assert_eq!(after(&store, i64::MAX, 100).await, Vec::new());
    assert_eq!(after(&store, i64::MIN, 100).await.len(), 8);
}

async fn a_change_shows_the_row(store: TestStore) {
    store
        .apply(organization("org_1").named("A").updated(5))
        .await;
    store
        .apply(role("role_1", json!({"name": "é"})).updated(5))
        .await;
    store.apply(user("user_1").named("Ann").updated(5)).await;
    store.apply(deleted_user("user_1").updated(6)).await;
    let items = after(&store, 0, 100).await;
    let shown: Vec<_> = items
        .iter()
        .map(|item| (item.change.kind, item.change.op, item.change.at))
        .collect();
    let expected = [
        (
            ObjectKind::Organization.into(),
            ChangeOp::Upsert,
            at(RECEIVED),
        ),
        (ObjectKind::Role.into(), ChangeOp::Upsert, at(RECEIVED)),
        (ObjectKind::User.into(), ChangeOp::Upsert, at(RECEIVED)),
        (ObjectKind::User.into(), ChangeOp::Delete, at(RECEIVED)),
    ];
    assert_eq!(shown, expected);
    let data: Vec<&Value> = items.iter().map(|item| &item.change.data).collect();
    assert_eq!(
        (&data[0]["name"], &data[0]["tier"]),
        (&json!("A"), &Value::Null)
    );
    assert_eq!(data[1], &json!({"name": "é"}));
    assert_eq!(
        (&data[2]["first_name"], &data[2]["deleted_at"]),
        (&json!("Ann"), &Value::Null)
    );
    assert_eq!(
        (&data[3]["first_name"], &data[3]["is_active"]),
        (&json!("Ann"), &json!(false))
    );
    assert_eq!(data[3]["deleted_at"], json!(at(6)));
}

async fn what_changes_nothing_is_not_in_the_feed(store: TestStore) {
    store
        .apply(user("user_1").updated(5).message("msg_a"))
        .await;
    store
        .apply(user("user_1").updated(5).message("msg_a"))
        .await;
    store.apply(user("user_1").updated(4)).await;
    assert_eq!(after(&store, 0, 100).await.len(), 1);
}
