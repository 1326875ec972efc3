use std::time::Duration;

use emulator::{Caller, DeliveryStatus, EmulatorConfig, SessionStatus};
use reqwest::Method;
use serde_json::json;

use crate::receiver::Receiver;
use crate::running::{Running, config, delivering_to, running, running_with};

#[tokio::test]
async fn a_change_arrives_signed_as_svix_signs() {
    let receiver = Receiver::start().await;
    let clerk = delivering_to(&receiver).await;
    let request = clerk
        .request(Method::POST, "/v1/users")
        .bearer_auth("sk_test_x")
        .header("user-agent", "a test")
        .json(&json!({"email_address": ["a@example.com"]}));
    let user = Running::send(request).await.ok();
    clerk.settled().await;
    let [received] = receiver.received().try_into().ok().unwrap();
    received.verify(&clerk.webhook_secret()).unwrap();
    assert!(received.verify("whsec_b3RoZXI=").is_err());
    assert!(received.header("svix-id").starts_with("msg_"));
    assert_eq!(received.header("content-type"), "application/json");
    assert!(received.header("user-agent").starts_with("Svix-Webhooks/"));
    let event = received.event();
    assert_eq!(event["data"], user);
    assert_eq!(
        (&event["object"], &event["type"]),
        (&json!("event"), &json!("user.created"))
    );
    assert_eq!(event["instance_id"], "ins_emulator");
    assert!(event["timestamp"].as_i64() >= user["updated_at"].as_i64());
    let caller = json!({"client_ip": "127.0.0.1", "user_agent": "a test"});
    assert_eq!(event["event_attributes"]["http_request"], caller);
}

#[tokio::test]
async fn a_session_event_carries_its_user() {
    let receiver = Receiver::start().await;
    let clerk = delivering_to(&receiver).await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let caller = Caller::default();
    clerk
        .end_session(&session.id, SessionStatus::Removed, &caller)
        .unwrap();
    clerk.settled().await;
    assert_eq!(
        receiver.types(),
        ["user.created", "session.created", "session.removed"]
    );
    for received in &receiver.received()[1..] {
        let data = &received.event()["data"];
        assert_eq!(
            (&data["id"], &data["user"]),
            (&json!(session.id), &json!(user))
        );
    }
}

#[tokio::test]
async fn one_users_events_are_first_sent_in_their_order() {
    let receiver = Receiver::start().await;
    let clerk = delivering_to(&receiver).await;
    let caller = Caller::default();
    let user = clerk.new_user("a@example.com").unwrap();
    // Others fill the lanes beside.
    clerk.seed_users(40, false, &caller);
    for number in 0..20 {
        let name = json!({"first_name": format!("{number}")});
        clerk.update_user(&user.id, name, &caller).unwrap();
    }
    clerk.delete_user(&user.id, &caller).unwrap();
    clerk.settled().await;
    let events: Vec<_> = receiver.received().iter().map(|it| it.event()).collect();
    assert_eq!(events.len(), 62);
    let own: Vec<_> = events
        .iter()
        .filter(|event| event["data"]["id"] == json!(user.id))
        .collect();
    let names: Vec<_> = own[1..21]
        .iter()
        .map(|event| event["data"]["first_name"].clone())
        .collect();
    assert_eq!(
        names,
        (0..20)
            .map(|number| json!(format!("{number}")))
            .collect::<Vec<_>>()
    );
    let versions: Vec<_> = own[..21]
        .iter()
        .map(|event| event["data"]["updated_at"].as_i64().unwrap())
        .collect();
    assert!(
        versions.windows(2).all(|pair| pair[0] < pair[1]),
        "{versions:?}"
    );
    assert_eq!(own[21]["type"], "user.deleted");
    assert!(own[21]["timestamp"].as_i64().unwrap() > versions[20]);
}

#[tokio::test]
async fn a_retry_keeps_the_id_and_is_signed_anew() {
    let receiver = Receiver::answering(&[500]).await;
    let clerk = running_with(EmulatorConfig {
        webhook_url: Some(receiver.url()),
        // Timestamps are whole seconds.
        retry_schedule: vec![Duration::from_millis(1_100)],
        ..config()
    })
    .await;
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    let [first, second] = receiver.received().try_into().ok().unwrap();
    assert_eq!(first.header("svix-id"), second.header("svix-id"));
    assert_ne!(
        first.header("svix-timestamp"),
        second.header("svix-timestamp")
    );
    assert_ne!(
        first.header("svix-signature"),
        second.header("svix-signature")
    );
    assert_eq!(first.body, second.body);
    second.verify(&clerk.webhook_secret()).unwrap();
    let delivery = clerk.delivery(first.header("svix-id")).unwrap();
    let statuses: Vec<_> = delivery
        .attempts
        .iter()
        .map(|attempt| attempt.status)
        .collect();
    assert_eq!(statuses, [Some(500), Some(204)]);
    assert_eq!(
        delivery.attempts[0].answer,
        "answer 500 Internal Server Error"
    );
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn after_the_schedule_a_delivery_has_failed_and_can_be_replayed() {
    let receiver = Receiver::answering(&[500, 400, 503]).await;
    let clerk = delivering_to(&receiver).await;
    clerk.new_user("a@example.com").unwrap();
    let [failed] = clerk.undelivered().await.try_into().unwrap();
    assert_eq!(
        (failed.status, failed.attempts.len()),
        (DeliveryStatus::Failed, 3)
    );
    let path = format!("/__emu/deliveries/{}/replay", failed.id);
    let answer = clerk.post(&path, json!({})).await;
    assert_eq!(
        (answer.status, &answer.body["status"]),
        (202, &json!("pending"))
    );
    clerk.settled().await;
    let delivery = clerk.delivery(&failed.id).unwrap();
    assert_eq!(
        (delivery.status, delivery.attempts.len()),
        (DeliveryStatus::Delivered, 4)
    );
    let ids: Vec<_> = receiver
        .received()
        .iter()
        .map(|it| it.header("svix-id").to_owned())
        .collect();
    assert!(ids.iter().all(|id| *id == failed.id));
    assert_eq!(
        clerk
            .post("/__emu/deliveries/msg_404/replay", json!({}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn redirects_are_failures() {
    let receiver = Receiver::answering(&[302, 307, 308]).await;
    let clerk = delivering_to(&receiver).await;
    clerk.new_user("a@example.com").unwrap();
    let [failed] = clerk.undelivered().await.try_into().unwrap();
    let statuses: Vec<_> = failed
        .attempts
        .iter()
        .map(|attempt| attempt.status)
        .collect();
    assert_eq!(statuses, [Some(302), Some(307), Some(308)]);
    assert!(receiver.received().iter().all(|it| it.path == "/webhooks"));
}

#[tokio::test]
async fn nobody_listening_is_written_down() {
    let receiver = Receiver::start().await;
    let url = receiver.url();
    drop(receiver);
    let clerk = running_with(EmulatorConfig {
        webhook_url: Some(url),
        retry_schedule: Vec::new(),
        ..config()
    })
    .await;
    clerk.new_user("a@example.com").unwrap();
    let [failed] = clerk.undelivered().await.try_into().unwrap();
    assert_eq!(failed.attempts[0].status, None);
    assert_eq!(
        failed.attempts[0].error.as_deref(),
        Some("the connection failed")
    );
}

#[tokio::test]
async fn an_endpoint_set_later_gets_what_comes_then_and_the_rest_on_demand() {
    let receiver = Receiver::start().await;
    let clerk = running().await;
    clerk.new_user("a@example.com").unwrap();
    let [unsent] = clerk.undelivered().await.try_into().unwrap();
    assert_eq!(unsent.status, DeliveryStatus::Unsent);
    let secret = "whsec_c2V0IHdoaWxlIHJ1bm5pbmc=";
    let body = json!({"url": receiver.url(), "secret": secret});
    assert_eq!(clerk.post("/__emu/webhooks", body.clone()).await.ok(), body);
    clerk.new_user("b@example.com").unwrap();
    clerk.settled().await;
    clerk.replay(&unsent.id).unwrap();
    clerk.settled().await;
    let addresses: Vec<_> = receiver
        .received()
        .iter()
        .map(|it| {
            it.verify(secret).unwrap();
            it.event()["data"]["email_addresses"][0]["email_address"].clone()
        })
        .collect();
    assert_eq!(addresses, ["b@example.com", "a@example.com"]);
    for bad in [
        json!({"url": "nowhere"}),
        json!({"url": receiver.url(), "secret": "short"}),
    ] {
        assert_eq!(
            clerk.post("/__emu/webhooks", bad).await.code(),
            "form_param_format_invalid"
        );
    }
}

#[tokio::test]
async fn every_sample_arrives_with_its_type_and_object() {
    let receiver = Receiver::start().await;
    let clerk = delivering_to(&receiver).await;
    for event_type in emulator::EVENT_TYPES {
        let body = json!({"type": event_type, "object_id": format!("chosen_{event_type}")});
        let id = clerk.post("/__emu/events", body).await.ok()["id"].clone();
        assert!(id.as_str().unwrap().starts_with("msg_"));
    }
    clerk.settled().await;
    let mut types = receiver.types();
    types.sort_unstable();
    assert_eq!(types, emulator::EVENT_TYPES);
    for received in receiver.received() {
        received.verify(&clerk.webhook_secret()).unwrap();
        let event = received.event();
        assert_eq!(
            event["data"]["id"],
            format!("chosen_{}", received.event_type())
        );
    }
}

#[tokio::test]
async fn different_users_do_not_wait_for_each_other() {
    // Nothing is answered before two are here at once; one lane alone would wait for its timeout.
    let here = tokio::sync::watch::Sender::new(0_usize);
    let waiting = here.clone();
    let answer = move || {
        let here = waiting.clone();
        async move {
            here.send_modify(|count| *count += 1);
            here.subscribe()
                .wait_for(|count| *count >= 2)
                .await
                .unwrap();
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let clerk = running_with(EmulatorConfig {
        webhook_url: Some(url),
        ..config()
    })
    .await;
    clerk.seed_users(40, false, &Caller::default());
    clerk.settled().await;
    assert_eq!(*here.borrow(), 40);
    assert!(clerk.deliveries().iter().all(|it| it.attempts.len() == 1));
    task.abort();
}
