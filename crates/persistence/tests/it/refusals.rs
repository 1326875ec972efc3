//! What the database itself does not take: content goes into quarantine, a fault of the database does not.

use domain::Outcome::{Applied, Quarantined};
use domain::{Delivery, Payload, StoreError};
use serde_json::{Value, json};

use crate::facts::{session, user};
use crate::store::{TestStore, on_both_stores, open};
use crate::tables;

on_both_stores! {
    a_payload_with_nul_is_kept_as_it_came,
    text_that_the_database_refuses_is_quarantined,
    text_that_no_index_holds_is_quarantined,
    a_refused_change_leaves_no_half,
    a_refused_line_leaves_nothing_and_the_sender_may_repeat,
    a_missing_table_is_no_fault_of_the_delivery,
}

/// Asserts that nothing but a line with the bytes is there, and that the store goes on.
async fn is_in_quarantine(store: &TestStore, message_id: &str, body: &Value) {
    let line = store.ledger_line(message_id).await;
    assert_eq!(
        (&line["outcome"], &line["payload"]),
        (&json!("quarantined"), &Value::Null)
    );
    let hex = line["payload_bytes"].as_str().unwrap();
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), *body);
    assert!(
        line["reason"]
            .as_str()
            .unwrap()
            .starts_with("the database refused it"),
        "{line}"
    );
    assert_eq!(store.everything().await, Vec::<Value>::new());
    assert_eq!(store.apply(user("user_next").updated(5)).await, Applied);
}

async fn a_payload_with_nul_is_kept_as_it_came(store: TestStore) {
    let body = json!({"data": {"first_name": "a\0b"}});
    let fact = user("user_1")
        .updated(5)
        .message("msg_a")
        .payload(Payload::Json(body.clone().into()));
    assert_eq!(store.apply(fact).await, Applied);
    let kept = store
        .lines("select cast(payload as text) as line from webhook_deliveries")
        .await;
    let kept: Vec<Value> = kept
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(kept, [body]);
}

async fn text_that_the_database_refuses_is_quarantined(store: TestStore) {
    let body = json!({"data": "fine"});
    let fact = user("user_1")
        .updated(5)
        .named("a\0b")
        .message("msg_a")
        .payload(Payload::Json(body.clone().into()));
    if store.is_postgres() {
        assert_eq!(store.apply(fact).await, Quarantined);
        is_in_quarantine(&store, "msg_a", &body).await;
    } else {
        assert_eq!(store.apply(fact).await, Applied);
    }
}

async fn text_that_no_index_holds_is_quarantined(store: TestStore) {
    // Text that does not compress: PostgreSQL's index takes no more than a third of a page.
    let mut state = 1_u64;
    let long: String = (0..4000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        })
        .collect();
    let body = json!({"data": "fine"});
    let fact = user("user_1")
        .updated(5)
        .primary_email(&long)
        .message("msg_a")
        .payload(Payload::Json(body.clone().into()));
    if store.is_postgres() {
        assert_eq!(store.apply(fact).await, Quarantined);
        is_in_quarantine(&store, "msg_a", &body).await;
    } else {
        assert_eq!(store.apply(fact).await, Applied);
    }
}

/// Makes every insert into a table fail.
async fn refuse_inserts(store: &TestStore, table: &str) {
    store
        .execute(&if store.is_postgres() {
            format!(
                "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$; \
                 create trigger refuse before insert on {table} for each row execute function refuse()"
            )
        } else {
            format!("create trigger refuse before insert on {table} begin select raise(abort, 'no'); end")
        })
        .await;
}

async fn a_refused_change_leaves_no_half(store: TestStore) {
    // The feed's row is the last to be written: the ledger's line, the user and the e-mail are there by then.
    refuse_inserts(&store, "changes").await;
    let fact = user("user_1")
        .updated(5)
        .primary_email("ann@example.com")
        .message("msg_a");
    assert_eq!(store.apply(fact).await, Quarantined);
    assert_eq!(
        store
            .apply(session("sess_1", "active").message("msg_b"))
            .await,
        Quarantined
    );
    assert_eq!(store.everything().await, Vec::<Value>::new());
    for message in ["msg_a", "msg_b"] {
        let line = store.ledger_line(message).await;
        assert_eq!(
            (&line["outcome"], &line["attempts"]),
            (&json!("quarantined"), &json!(1))
        );
    }
}

async fn a_refused_line_leaves_nothing_and_the_sender_may_repeat(store: TestStore) {
    refuse_inserts(&store, "webhook_deliveries").await;
    let delivery: Delivery = user("user_1").updated(5).into();
    let refused = store.store.mirror.apply(delivery.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(store.everything().await, Vec::<Value>::new());
    assert_eq!(store.rows(&tables::LEDGER).await, Vec::<Value>::new());
    let on_table = if store.is_postgres() {
        " on webhook_deliveries"
    } else {
        ""
    };
    store
        .execute(&format!("drop trigger refuse{on_table}"))
        .await;
    assert_eq!(store.apply(delivery).await, Applied);
}

async fn a_missing_table_is_no_fault_of_the_delivery(store: TestStore) {
    store
        .execute("alter table user_emails rename to elsewhere")
        .await;
    let delivery: Delivery = user("user_1").updated(5).email("ann@example.com").into();
    let refused = store.store.mirror.apply(delivery.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(store.rows(&tables::LEDGER).await, Vec::<Value>::new());
    store
        .execute("alter table elsewhere rename to user_emails")
        .await;
    assert_eq!(store.apply(delivery).await, Applied);
}

/// SQLite has no rights but those to the whole file.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_is_no_fault_of_the_delivery() {
    let store = TestStore::postgres().await;
    let role = store.database.bare_role_url().await;
    store
        .execute(
            "grant select, insert, update, delete on all tables in schema public to public; \
             revoke all on user_emails from public",
        )
        .await;
    let delivery: Delivery = user("user_1").updated(5).email("ann@example.com").into();
    let refused = open(&role).mirror.apply(delivery.clone()).await;
    assert!(
        matches!(refused, Err(StoreError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(store.rows(&tables::LEDGER).await, Vec::<Value>::new());
    assert_eq!(store.apply(delivery).await, Applied);
}
