//! Objects that are kept as they came.

use domain::Outcome::{Applied, Stale};
use serde_json::{Value, json};

use crate::facts::{BASE, deleted_role, role};
use crate::store::{TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    the_newest_data_stands,
    a_deletion_marks_the_row_and_keeps_its_data,
    data_after_the_deletion_fills_the_row_and_revives_nothing,
    the_earliest_deletion_counts,
    odd_json_comes_back_as_it_came,
}

async fn the_only_object(store: &TestStore) -> Value {
    let mut rows = store.rows(&tables::OBJECTS).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.pop().unwrap()
}

async fn the_newest_data_stands(store: TestStore) {
    assert_eq!(
        store
            .apply(role("role_1", json!({"name": "A"})).updated(5))
            .await,
        Applied
    );
    assert_eq!(
        store
            .apply(role("role_1", json!({"name": "B"})).updated(6))
            .await,
        Applied
    );
    let before = store.everything().await;
    assert_eq!(
        store
            .apply(role("role_1", json!({"name": "C"})).updated(5))
            .await,
        Stale
    );
    let same = role("role_1", json!({"name": "B"})).updated(6);
    assert_eq!(store.apply(same).await, Stale);
    assert_eq!(store.everything().await, before);
    let row = the_only_object(&store).await;
    let expected = json!({
        "kind": "role", "clerk_id": "role_1", "data": {"name": "B"}, "deleted_at": null,
        "version": BASE + 6, "precedence": row["precedence"],
    });
    assert_eq!(row, expected);
    assert_eq!(store.feed().await, ["upsert role role_1"; 2]);
}

async fn a_deletion_marks_the_row_and_keeps_its_data(store: TestStore) {
    store
        .apply(role("role_1", json!({"name": "A"})).updated(5))
        .await;
    let mut expected = the_only_object(&store).await;
    assert_eq!(
        store.apply(deleted_role("role_1").updated(3)).await,
        Applied
    );
    expected["deleted_at"] = json!(3);
    assert_eq!(the_only_object(&store).await, expected);
    assert_eq!(store.apply(deleted_role("role_1").updated(4)).await, Stale);
    assert_eq!(
        store.feed().await,
        ["upsert role role_1", "delete role role_1"]
    );
}

async fn data_after_the_deletion_fills_the_row_and_revives_nothing(store: TestStore) {
    let data = |id: &str| role(id, json!({"name": "A"})).updated(5);
    assert_eq!(
        store.apply(deleted_role("role_1").updated(7)).await,
        Applied
    );
    assert_eq!(store.apply(data("role_1")).await, Stale);
    store.apply(data("role_2")).await;
    store.apply(deleted_role("role_2").updated(7)).await;
    let mut rows = store.rows(&tables::OBJECTS).await;
    rows.iter_mut()
        .for_each(|row| row["clerk_id"] = Value::Null);
    assert_eq!(rows[0], rows[1], "whichever came first");
    assert_eq!(
        (&rows[0]["data"], &rows[0]["deleted_at"]),
        (&json!({"name": "A"}), &json!(7))
    );
    assert_eq!(store.feed().await[0], "delete role role_1");
    assert_eq!(store.feed().await.len(), 3);
}

async fn the_earliest_deletion_counts(store: TestStore) {
    let late = |id: &str| deleted_role(id).updated(9);
    let early = |id: &str| deleted_role(id).updated(7);
    assert_eq!(store.apply(early("role_1")).await, Applied);
    assert_eq!(store.apply(late("role_1")).await, Stale);
    assert_eq!(store.apply(late("role_2")).await, Applied);
    assert_eq!(store.apply(early("role_2")).await, Applied);
    let rows = store.rows(&tables::OBJECTS).await;
    for (row, id) in rows.iter().zip(["role_1", "role_2"]) {
        let nothing_else = json!({"id": id, "deleted": true});
        assert_eq!(
            (&row["deleted_at"], &row["data"]),
            (&json!(7), &nothing_else)
        );
    }
    assert_eq!(rows.len(), 2);
}

async fn odd_json_comes_back_as_it_came(store: TestStore) {
    let odd = json!({
        "": "an empty key", "'\";--": "'; drop table users; --", "é\u{2028}": "\u{1F600}", "null": null,
        "big": u64::MAX, "small": i64::MIN, "fine": 0.1, "list": [[], {}, [null]], "controls": "\u{1}\u{7f}\t\n",
        "long": "x".repeat(100_000),
    });
    let deep = (0..100).fold(json!("ground"), |inner, _| json!([inner]));
    for (time, data) in (1_i64..).zip([
        odd,
        deep,
        json!({}),
        json!([]),
        json!("text"),
        json!(null),
        json!(false),
    ]) {
        assert_eq!(
            store
                .apply(role("role_1", data.clone()).updated(time))
                .await,
            Applied
        );
        assert_eq!(the_only_object(&store).await["data"], data);
    }
}
