//! The ledger: a line for every message, whatever became of it.

use domain::Outcome::{Applied, Duplicate, Ignored, Quarantined, Stale};
use domain::{Delivery, DeliveryRecord, Effect, Outcome, Payload, Rejection};
use serde_json::{Value, json};

use crate::facts::{RECEIVED, at, user, without_effect};
use crate::store::{TestStore, on_both_stores};
use crate::tables;

on_both_stores! {
    an_applied_message_is_kept_whole,
    notes_become_the_reason,
    what_means_nothing_is_ignored_and_kept,
    what_cannot_be_mapped_is_quarantined_and_kept,
    bytes_are_kept_byte_for_byte,
    a_rejected_message_takes_no_id,
    an_unknown_message_is_not_found,
    ids_grow_with_time,
}

async fn find(store: &TestStore, message_id: &str) -> Option<DeliveryRecord> {
    store.store.deliveries.find(message_id).await.unwrap()
}

async fn an_applied_message_is_kept_whole(store: TestStore) {
    let body = json!({"type": "user.updated", "data": {"id": "user_1", "list": [1.5, null, true]}});
    let fact = user("user_1")
        .updated(5)
        .message("msg_a")
        .payload(Payload::Json(body.clone().into()));
    store.apply(fact).await;
    let expected = json!({
        "svix_id": "msg_a", "event_type": "user.updated", "object_id": "user_1", "instance_id": "ins_1",
        "outcome": "applied", "reason": null, "attempts": 1, "occurred_at": 5, "received_at": RECEIVED,
        "payload": body, "payload_bytes": null,
    });
    assert_eq!(store.ledger_line("msg_a").await, expected);

    let found = find(&store, "msg_a").await.unwrap();
    let expected = DeliveryRecord {
        id: found.id,
        svix_id: Some("msg_a".to_owned()),
        event_type: "user.updated".to_owned(),
        object_id: Some("user_1".to_owned()),
        outcome: Applied,
        reason: None,
        attempts: 1,
        received_at: at(RECEIVED),
    };
    assert_eq!(found, expected);
    store.apply(user("user_1").message("msg_a")).await;
    assert_eq!(
        find(&store, "msg_a").await,
        Some(DeliveryRecord {
            attempts: 2,
            ..expected
        })
    );
}

async fn notes_become_the_reason(store: TestStore) {
    let odd = user("user_1").updated(5).note("first").note("second");
    for (message, outcome) in [("msg_a", Applied), ("msg_b", Stale)] {
        let receipt = store.receipt(odd.clone().message(message)).await;
        assert_eq!(
            (receipt.outcome, receipt.reason.as_deref()),
            (outcome, Some("first; second"))
        );
        assert_eq!(store.ledger_line(message).await["reason"], "first; second");
    }
    let receipt = store.receipt(odd.message("msg_a")).await;
    assert_eq!((receipt.outcome, receipt.reason), (Duplicate, None));
    assert_eq!(store.ledger_line("msg_a").await["reason"], "first; second");
}

async fn what_means_nothing_is_ignored_and_kept(store: TestStore) {
    let reason = "unknown kind of event".to_owned();
    set_aside(&store, Effect::Ignored { reason }, Ignored).await;
}

async fn what_cannot_be_mapped_is_quarantined_and_kept(store: TestStore) {
    let reason = "data.id is missing".to_owned();
    set_aside(&store, Effect::Quarantined { reason }, Quarantined).await;
}

async fn set_aside(store: &TestStore, effect: Effect, outcome: Outcome) {
    let (Effect::Ignored { reason } | Effect::Quarantined { reason }) = effect.clone() else {
        panic!("it has an effect")
    };
    let receipt = store.receipt(without_effect("msg_a", effect.clone())).await;
    assert_eq!(
        (receipt.outcome, receipt.reason.as_ref()),
        (outcome, Some(&reason))
    );
    let line = store.ledger_line("msg_a").await;
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&json!(outcome.as_str()), &json!(reason))
    );
    assert_eq!(line["payload"], json!({"object": "event"}));
    assert_eq!(store.everything().await, Vec::<Value>::new());
    assert_eq!(
        store.apply(without_effect("msg_a", effect)).await,
        Duplicate
    );
}

async fn bytes_are_kept_byte_for_byte(store: TestStore) {
    let reason = "the body is not JSON".to_owned();
    for (number, bytes) in [(0..=u8::MAX).collect(), Vec::new(), vec![0; 200_000]]
        .into_iter()
        .enumerate()
    {
        let message = format!("msg_{number}");
        let effect = Effect::Quarantined {
            reason: reason.clone(),
        };
        let delivery = Delivery {
            payload: Payload::Bytes(bytes.clone()),
            ..without_effect(&message, effect)
        };
        assert_eq!(store.apply(delivery).await, Quarantined);
        let line = store.ledger_line(&message).await;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(
            line["payload_bytes"] == hex,
            "{number}: the bytes are others"
        );
        assert_eq!(line["payload"], Value::Null);
    }
}

async fn a_rejected_message_takes_no_id(store: TestStore) {
    let rejection = |claimed: Option<&str>| Rejection {
        code: "signature_invalid",
        claimed_message_id: claimed.map(str::to_owned),
        received_at: at(RECEIVED),
    };
    for claimed in [Some("msg_a"), Some("msg_a"), None] {
        store.store.mirror.reject(rejection(claimed)).await.unwrap();
    }
    assert_eq!(find(&store, "msg_a").await, None);
    let lines = store.rows(&tables::LEDGER).await;
    assert_eq!(lines.len(), 3);
    let reasons: Vec<_> = lines
        .iter()
        .map(|line| line["reason"].as_str().unwrap())
        .collect();
    let claimed = "signature_invalid (claimed message id msg_a)";
    assert_eq!(reasons, ["signature_invalid", claimed, claimed]);
    for line in &lines {
        assert_eq!(
            (&line["outcome"], &line["svix_id"], &line["payload"]),
            (&json!("rejected"), &Value::Null, &Value::Null)
        );
    }
    assert_eq!(
        store
            .apply(user("user_1").updated(5).message("msg_a"))
            .await,
        Applied
    );
}

async fn an_unknown_message_is_not_found(store: TestStore) {
    store.apply(user("user_1").message("msg_a")).await;
    for other in ["msg_", "msg_ab", "MSG_A", "msg%", ""] {
        assert_eq!(find(&store, other).await, None, "{other}");
    }
}

async fn ids_grow_with_time(store: TestStore) {
    let mut ids = Vec::new();
    for time in 0..20 {
        let message = format!("msg_{time}");
        store
            .apply(user("user_1").updated(time).message(&message))
            .await;
        ids.push(find(&store, &message).await.unwrap().id);
    }
    assert!(ids.is_sorted(), "{ids:?}");
}
