use std::collections::HashMap;
use std::time::Duration;

use emulator::{Caller, Chaos, DeliveryStatus, EmulatorConfig, EmulatorError, Mishap};
use serde_json::json;

use crate::receiver::Receiver;
use crate::running::{Running, config, delivering_to, running, running_with};

async fn suffering(receiver: &Receiver, chaos: Chaos) -> Running {
    running_with(EmulatorConfig {
        webhook_url: Some(receiver.url()),
        chaos,
        ..config()
    })
    .await
}

fn rename(clerk: &Running, id: &str, names: std::ops::Range<usize>) {
    for number in names {
        let name = json!({"first_name": number.to_string()});
        clerk.update_user(id, name, &Caller::default()).unwrap();
    }
}

#[tokio::test]
async fn a_duplicate_comes_under_the_same_id_and_verifies() {
    let receiver = Receiver::start().await;
    let clerk = suffering(
        &receiver,
        Chaos {
            duplicate: 1.0,
            ..Chaos::default()
        },
    )
    .await;
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    let [first, second] = receiver.received().try_into().ok().unwrap();
    assert_eq!(first.header("svix-id"), second.header("svix-id"));
    assert_eq!(first.body, second.body);
    for received in [&first, &second] {
        received.verify(&clerk.webhook_secret()).unwrap();
    }
    let [delivery] = clerk.deliveries().try_into().unwrap();
    assert_eq!(
        (delivery.chaos, delivery.attempts.len()),
        (vec![Mishap::Duplicate], 2)
    );
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn a_dropped_event_never_comes_and_the_log_knows() {
    let receiver = Receiver::start().await;
    let types = Some(vec!["user.updated".to_owned()]);
    let clerk = suffering(
        &receiver,
        Chaos {
            drop: 1.0,
            event_types: types,
            ..Chaos::default()
        },
    )
    .await;
    let user = clerk.new_user("a@example.com").unwrap();
    rename(&clerk, &user.id, 0..3);
    clerk.settled().await;
    assert_eq!(receiver.types(), ["user.created"]);
    let dropped = clerk.get("/__emu/deliveries?status=dropped").await.ok();
    assert_eq!(dropped["total_count"], 3);
    assert_eq!(dropped["deliveries"][0]["chaos"], json!(["drop"]));
    assert_eq!(
        clerk.user(&user.id).unwrap().first_name.as_deref(),
        Some("2")
    );
    let id = dropped["deliveries"][0]["id"].as_str().unwrap();
    clerk.replay(id).unwrap();
    clerk.settled().await;
    assert_eq!(
        receiver.types().len(),
        2,
        "a replay is asked for, so it is sent"
    );
}

#[tokio::test]
async fn a_held_back_event_comes_behind_later_ones_of_the_same_object() {
    let receiver = Receiver::start().await;
    let chaos = Chaos {
        reorder_ms: 60_000,
        ..Chaos::default()
    };
    let clerk = suffering(&receiver, chaos.clone()).await;
    let user = clerk.new_user("a@example.com").unwrap();
    clerk
        .set_chaos(Chaos {
            reorder: 1.0,
            ..chaos.clone()
        })
        .unwrap();
    rename(&clerk, &user.id, 0..1);
    clerk.set_chaos(chaos).unwrap();
    rename(&clerk, &user.id, 1..5);
    clerk.settled().await;
    let names: Vec<_> = receiver.received()[1..]
        .iter()
        .map(|it| {
            it.event()["data"]["first_name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(names.len(), 5);
    assert!(
        names.iter().position(|name| name == "0").unwrap() > 0,
        "{names:?}"
    );
}

#[tokio::test]
async fn a_held_back_event_comes_even_when_nothing_follows() {
    let receiver = Receiver::start().await;
    let clerk = suffering(
        &receiver,
        Chaos {
            reorder: 1.0,
            reorder_ms: 20,
            ..Chaos::default()
        },
    )
    .await;
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    assert_eq!(receiver.types(), ["user.created"]);
}

#[tokio::test]
async fn a_delayed_event_is_signed_when_it_is_sent() {
    let receiver = Receiver::start().await;
    // The first delay of this seed is over a second, so that timestamps must differ.
    let chaos = Chaos {
        delay: 1.0,
        max_delay_ms: 3_000,
        seed: 1,
        ..Chaos::default()
    };
    let clerk = suffering(&receiver, chaos).await;
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    let [received] = receiver.received().try_into().ok().unwrap();
    received.verify(&clerk.webhook_secret()).unwrap();
    let [delivery] = clerk.deliveries().try_into().unwrap();
    assert_eq!(delivery.chaos, [Mishap::Delay]);
    let signed: i64 = received.header("svix-timestamp").parse().unwrap();
    assert_eq!(signed, delivery.attempts[0].timestamp);
    assert!(
        signed > delivery.created_at / 1_000,
        "signed anew and not when it happened"
    );
}

#[tokio::test]
async fn a_corrupt_signature_is_followed_by_a_right_one() {
    let receiver = Receiver::answering(&[401]).await;
    let clerk = suffering(
        &receiver,
        Chaos {
            corrupt: 1.0,
            ..Chaos::default()
        },
    )
    .await;
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    let [wrong, right] = receiver.received().try_into().ok().unwrap();
    assert!(wrong.verify(&clerk.webhook_secret()).is_err());
    right.verify(&clerk.webhook_secret()).unwrap();
    assert_eq!(wrong.header("svix-id"), right.header("svix-id"));
    let [delivery] = clerk.deliveries().try_into().unwrap();
    let corrupt: Vec<_> = delivery.attempts.iter().map(|it| it.corrupt).collect();
    assert_eq!(
        (corrupt, delivery.status),
        (vec![true, false], DeliveryStatus::Delivered)
    );
}

#[tokio::test]
async fn a_lost_answer_brings_the_event_again() {
    let receiver = Receiver::start().await;
    let clerk = suffering(
        &receiver,
        Chaos {
            fail: 1.0,
            ..Chaos::default()
        },
    )
    .await;
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    let [first, second] = receiver.received().try_into().ok().unwrap();
    assert_eq!(first.header("svix-id"), second.header("svix-id"));
    let [delivery] = clerk.deliveries().try_into().unwrap();
    assert_eq!(
        (delivery.attempts[0].status, delivery.attempts[1].status),
        (None, Some(204))
    );
}

#[tokio::test]
async fn everything_at_once_still_settles_and_repeats() {
    let run = || async {
        let receiver = Receiver::start().await;
        let chaos = Chaos {
            seed: 5,
            duplicate: 0.3,
            reorder: 0.3,
            reorder_ms: 50,
            delay: 0.3,
            max_delay_ms: 50,
            drop: 0.3,
            corrupt: 0.2,
            fail: 0.2,
            ..Chaos::default()
        };
        let clerk = suffering(&receiver, chaos).await;
        let user = clerk.new_user("a@example.com").unwrap();
        rename(&clerk, &user.id, 0..60);
        clerk.settled().await;
        let mut arrived: HashMap<String, usize> = HashMap::new();
        for received in receiver.received() {
            *arrived
                .entry(received.header("svix-id").to_owned())
                .or_default() += 1;
        }
        let deliveries = clerk.deliveries();
        for delivery in &deliveries {
            let expected = delivery.attempts.len();
            assert_eq!(
                arrived.get(&delivery.id).copied().unwrap_or(0),
                expected,
                "{:?}",
                delivery.chaos
            );
            let dropped = delivery.chaos.contains(&Mishap::Drop);
            assert_eq!(delivery.status == DeliveryStatus::Dropped, dropped);
            assert_eq!(expected == 0, dropped);
        }
        deliveries
            .into_iter()
            .map(|it| it.chaos)
            .collect::<Vec<_>>()
    };
    let (first, second) = (run().await, run().await);
    assert_eq!(first, second);
    assert!(first.iter().any(Vec::is_empty) && first.iter().any(|it| it.len() > 1));
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one_for_a_while() {
    let receiver = Receiver::start().await;
    let clerk = delivering_to(&receiver).await;
    let old = clerk.webhook_secret();
    let new = clerk
        .post("/__emu/webhooks/rotate", json!({"grace_seconds": 600}))
        .await
        .ok();
    let new = new["secret"].as_str().unwrap();
    assert_eq!(clerk.webhook_secret(), new);
    clerk.new_user("a@example.com").unwrap();
    clerk.settled().await;
    let given = "whsec_YW5vdGhlciBzZWNyZXQ=";
    clerk
        .rotate_webhook_secret(Some(given), Duration::ZERO)
        .unwrap();
    clerk.new_user("b@example.com").unwrap();
    clerk.settled().await;
    let [both, only] = receiver.received().try_into().ok().unwrap();
    assert_eq!(both.header("svix-signature").split(' ').count(), 2);
    both.verify(&old).unwrap();
    both.verify(new).unwrap();
    only.verify(given).unwrap();
    assert!(only.verify(new).is_err());
    let bad = clerk
        .post("/__emu/webhooks/rotate", json!({"secret": "short"}))
        .await;
    assert_eq!(bad.code(), "form_param_format_invalid");
}

#[tokio::test]
async fn settings_are_read_changed_and_checked_while_running() {
    let clerk = running().await;
    let body = json!({"seed": 3, "drop": 0.25, "event_types": ["user.*"], "rate_limit": 100});
    let set = clerk.put("/__emu/chaos", body).await.ok();
    assert_eq!(
        (&set["drop"], &set["duplicate"], &set["rate_limit"]),
        (&json!(0.25), &json!(0.0), &json!(100))
    );
    assert_eq!(clerk.get("/__emu/chaos").await.ok(), set);
    for bad in [json!({"drop": 2}), json!({"hang": -0.5})] {
        let refused = clerk.put("/__emu/chaos", bad).await;
        assert_eq!(
            (refused.status, refused.code()),
            (422, "form_param_format_invalid")
        );
    }
    assert_eq!(
        clerk
            .put("/__emu/chaos", json!({"explode": 1}))
            .await
            .status,
        400
    );
    assert_eq!(
        clerk.get("/__emu/chaos").await.ok(),
        set,
        "nothing was changed"
    );
    clerk.put("/__emu/chaos", json!({})).await.ok();
    assert_eq!(clerk.chaos(), Chaos::default());
    let started = emulator::Emulator::start(EmulatorConfig {
        chaos: Chaos {
            reorder: 1.5,
            ..Chaos::default()
        },
        ..config()
    })
    .await;
    assert!(matches!(started, Err(EmulatorError::Chaos(_))));
}
