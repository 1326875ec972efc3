//! The SQL that `docs/operating/database.md` gives, run as it stands there.

use crate::facts::user;
use crate::store::{TestStore, on_both_stores};

const PAGE: &str = include_str!("../../../../docs/operating/database.md");

on_both_stores! {
    every_question_can_be_asked,
    old_changes_that_were_followed_by_others_can_be_deleted,
}

/// What stands under a heading for this database: PostgreSQL's is the first.
fn sql(heading: &str, store: &TestStore) -> &'static str {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<_> = section.split("```sql\n").skip(1).collect();
    assert_eq!(blocks.len(), 2);
    let block = blocks[usize::from(!store.is_postgres())];
    block.split("```").next().unwrap()
}

async fn every_question_can_be_asked(store: TestStore) {
    store.apply(user("user_1").updated(1)).await;
    let questions = sql("SQL to ask", &store);
    assert!(questions.matches("select").count() > 2, "{questions}");
    store.execute(questions).await;
}

async fn old_changes_that_were_followed_by_others_can_be_deleted(store: TestStore) {
    for (id, second) in [
        ("user_1", 1),
        ("user_2", 1),
        ("user_1", 2),
        ("user_3", 1),
        ("user_1", 3),
        ("user_3", 2),
    ] {
        store.apply(user(id).updated(second)).await;
    }
    let (old, now) = match store.is_postgres() {
        true => ("timestamptz '2020-01-01'", "now()"),
        false => ("0", "unixepoch() * 1000000"),
    };
    let usage = format!(
        "insert into changes (kind, clerk_id, op, at, data) values ('usage', 'user_1', 'upsert', {old}, '{{}}');"
    );
    let aged = format!(
        "update changes set at = {now}; update changes set at = {old} where clerk_id <> 'user_3'; {usage} {usage}"
    );
    store.execute(&aged).await;
    store.execute(sql("How long rows stay", &store)).await;
    let left = store.store.changes.after(0, 100).await.unwrap();
    let left: Vec<_> = left
        .iter()
        .map(|item| (item.change.kind.as_str(), item.change.clerk_id.as_str()))
        .collect();
    assert_eq!(
        left,
        [
            ("user", "user_2"),
            ("user", "user_3"),
            ("user", "user_1"),
            ("user", "user_3"),
            ("usage", "user_1"),
            ("usage", "user_1"),
        ]
    );
}
