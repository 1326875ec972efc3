//! The ledger's lines as replay asks for them.

use domain::{DeliveryFilter, Effect, ObjectKind, Outcome, Payload, Rejection, StoredDelivery};
use serde_json::json;
use uuid::Uuid;

use crate::facts::{
    RECEIVED, at, deleted_user, membership, organization, session, user, without_effect,
};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    all_lines_come_in_pages_in_the_order_in_which_they_came,
    a_filter_leaves_only_what_fits,
    a_line_is_found_by_our_id_and_by_the_senders,
    what_was_kept_of_the_body_comes_back,
}

async fn stored(
    store: &TestStore,
    filter: &DeliveryFilter,
    after: Option<Uuid>,
    limit: u32,
) -> Vec<StoredDelivery> {
    store
        .store
        .deliveries
        .stored(filter, after, limit)
        .await
        .unwrap()
}

/// The message ids of all that fit.
async fn messages(store: &TestStore, filter: DeliveryFilter) -> Vec<String> {
    let lines = stored(store, &filter, None, 100).await;
    lines
        .into_iter()
        .map(|line| line.record.svix_id.unwrap())
        .collect()
}

/// Eight messages, one every millisecond, and one that was rejected.
async fn fill(store: &TestStore) {
    let nonsense = |message: &str, effect| domain::Delivery {
        event_type: "User.created".to_owned(),
        ..without_effect(message, effect)
    };
    let deliveries: [domain::Delivery; 8] = [
        user("user_1").updated(5).message("msg_0").into(),
        user("user_1").updated(4).message("msg_1").into(),
        session("sess_1", "active").message("msg_2").into(),
        organization("org_1").message("msg_3").into(),
        membership("orgmem_1").message("msg_4").into(),
        nonsense(
            "msg_5",
            Effect::Ignored {
                reason: "unknown".to_owned(),
            },
        ),
        nonsense(
            "msg_6",
            Effect::Quarantined {
                reason: "odd".to_owned(),
            },
        ),
        deleted_user("user_1").message("msg_7").into(),
    ];
    for (number, mut delivery) in (0_i64..).zip(deliveries) {
        delivery.received_at = at(RECEIVED + number);
        store.apply(delivery).await;
    }
    let rejection = Rejection {
        code: "signature_invalid",
        claimed_message_id: Some("msg_8".to_owned()),
        received_at: at(RECEIVED + 8),
    };
    store.store.mirror.reject(rejection).await.unwrap();
}

async fn all_lines_come_in_pages_in_the_order_in_which_they_came(store: TestStore) {
    fill(&store).await;
    let (mut seen, mut after) = (Vec::new(), None);
    for expected in [3, 3, 2, 0] {
        let page = stored(&store, &DeliveryFilter::default(), after, 3).await;
        assert_eq!(page.len(), expected);
        after = page.last().map(|line| line.record.id);
        seen.extend(page.into_iter().map(|line| line.record.svix_id.unwrap()));
    }
    let expected: Vec<_> = (0..8).map(|number| format!("msg_{number}")).collect();
    assert_eq!(seen, expected, "the rejected one holds nothing");
}

async fn a_filter_leaves_only_what_fits(store: TestStore) {
    fill(&store).await;
    let all = DeliveryFilter::default;
    let of_kind = |kind| DeliveryFilter {
        kind: Some(kind),
        ..all()
    };
    assert_eq!(
        messages(&store, of_kind(ObjectKind::User)).await,
        ["msg_0", "msg_1", "msg_7"]
    );
    assert_eq!(
        messages(&store, of_kind(ObjectKind::Organization)).await,
        ["msg_3"]
    );
    assert_eq!(
        messages(&store, of_kind(ObjectKind::Membership)).await,
        ["msg_4"]
    );
    assert_eq!(
        messages(&store, of_kind(ObjectKind::Role)).await,
        Vec::<String>::new()
    );

    let with = |outcome| DeliveryFilter {
        outcome: Some(outcome),
        ..all()
    };
    assert_eq!(messages(&store, with(Outcome::Stale)).await, ["msg_1"]);
    assert_eq!(messages(&store, with(Outcome::Ignored)).await, ["msg_5"]);
    assert_eq!(
        messages(&store, with(Outcome::Quarantined)).await,
        ["msg_6"]
    );
    assert_eq!(
        messages(&store, with(Outcome::Rejected)).await,
        Vec::<String>::new()
    );

    let since = |millis| DeliveryFilter {
        since: Some(at(RECEIVED + millis)),
        ..all()
    };
    assert_eq!(messages(&store, since(6)).await, ["msg_6", "msg_7"]);
    assert_eq!(messages(&store, since(9)).await, Vec::<String>::new());

    let several = DeliveryFilter {
        outcome: Some(Outcome::Applied),
        ..of_kind(ObjectKind::User)
    };
    assert_eq!(messages(&store, several.clone()).await, ["msg_0", "msg_7"]);
    let several = DeliveryFilter {
        since: Some(at(RECEIVED + 1)),
        ..several
    };
    assert_eq!(messages(&store, several.clone()).await, ["msg_7"]);
    // A page goes on within what fits.
    let first = stored(&store, &of_kind(ObjectKind::User), None, 1)
        .await
        .remove(0);
    let next = stored(&store, &of_kind(ObjectKind::User), Some(first.record.id), 1).await;
    assert_eq!(next[0].record.svix_id.as_deref(), Some("msg_1"));
}

async fn a_line_is_found_by_our_id_and_by_the_senders(store: TestStore) {
    fill(&store).await;
    let by = |id: &str| DeliveryFilter {
        id: Some(id.to_owned()),
        ..DeliveryFilter::default()
    };
    let line = store.store.deliveries.find("msg_3").await.unwrap().unwrap();
    for text in ["msg_3".to_owned(), line.id.to_string()] {
        let found = stored(&store, &by(&text), None, 100).await;
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].record, line, "{text}");
    }
    for unknown in [
        "msg_",
        "msg_8",
        "MSG_3",
        "msg%",
        "",
        "00000000-0000-0000-0000-000000000000",
    ] {
        assert_eq!(
            messages(&store, by(unknown)).await,
            Vec::<String>::new(),
            "{unknown}"
        );
    }
    let other_kind = DeliveryFilter {
        kind: Some(ObjectKind::User),
        ..by("msg_3")
    };
    assert_eq!(messages(&store, other_kind).await, Vec::<String>::new());
    // A sender may use ids that look like ours.
    let alike = Uuid::from_u128(7).to_string();
    store.apply(user("user_2").message(&alike)).await;
    assert_eq!(messages(&store, by(&alike)).await, [alike.as_str()]);
}

async fn what_was_kept_of_the_body_comes_back(store: TestStore) {
    let body = json!({"type": "user.updated", "data": {"id": "user_1", "list": [1.5, null, true]}});
    let payloads = [
        Payload::Json(body.into()),
        Payload::Bytes((0..=u8::MAX).collect()),
        Payload::Bytes(Vec::new()),
    ];
    for (number, payload) in payloads.iter().enumerate() {
        let message = format!("msg_{number}");
        store
            .apply(user("user_1").message(&message).payload(payload.clone()))
            .await;
    }
    let lines = stored(&store, &DeliveryFilter::default(), None, 100).await;
    let kept: Vec<_> = lines.into_iter().map(|line| line.payload).collect();
    assert_eq!(kept, payloads);
}
