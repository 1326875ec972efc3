//! Webhooks that are sent here, and those that Clerk sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use e2e::{Message, Visitor, WEBHOOKS, new_message_id, sample};
use emulator::{Attempt, Delivery, Mishap};

use crate::clock::{Pace, Stop, now};
use crate::figures::{Failure, Load};
use crate::outages::Whom;

/// Before a message is sent again.
const REPEAT: Duration = Duration::from_millis(250);

/// Sends one message after another to the steady replica, each until it is taken, until told to stop. They tell of e-mails
/// that Clerk sent, which no sweep compares.
pub(crate) async fn send(clerk: Visitor, secret: String, a_second: u32, stop: Stop) -> Load {
    let mut load = Load::default();
    let Some(mut pace) = Pace::of(a_second, &stop) else {
        return load;
    };
    while pace.goes_on().await {
        let event =
            sample("email.created").set("data.id", new_message_id().replace("msg_", "ema_"));
        let message = Message::signed(&secret, event);
        loop {
            let (from, began) = (now(), Instant::now());
            let answer = clerk.try_send(message.clone()).await;
            let status = answer.ok().map(|answer| answer.status);
            if status == Some(204) {
                load.times.push(began.elapsed());
                load.acknowledged.push(message.id().to_owned());
                break;
            }
            load.failures.push(Failure {
                what: WEBHOOKS,
                whom: Whom::Steady,
                from,
                until: now(),
                status,
            });
            tokio::time::sleep(REPEAT).await;
        }
    }
    load
}

/// What became of Clerk's own webhooks, which went to the mortal replica, and what was done to how many of them.
pub(crate) fn account(deliveries: &[Delivery]) -> (Load, BTreeMap<String, usize>) {
    let (mut load, mut mishaps) = (Load::default(), BTreeMap::new());
    for delivery in deliveries {
        for mishap in &delivery.chaos {
            *mishaps
                .entry(format!("{mishap:?}").to_lowercase())
                .or_default() += 1;
        }
        let mut taken = false;
        for attempt in &delivery.attempts {
            if attempt
                .status
                .is_some_and(|status| (200..300).contains(&status))
            {
                taken = true;
                load.times.push(Duration::from_millis(attempt.duration_ms));
            } else if !is_on_purpose(delivery, attempt) {
                let from = attempt.timestamp * 1_000;
                let took = i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX);
                load.failures.push(Failure {
                    what: "Clerk's webhook",
                    whom: Whom::Mortal,
                    from,
                    // The beginning is known to the second.
                    until: from.saturating_add(took).saturating_add(1_000),
                    status: attempt.status,
                });
            }
        }
        if taken {
            load.acknowledged.push(delivery.id.clone());
        }
    }
    (load, mishaps)
}

/// Signed wrong, or its answer thrown away, by the chaos settings.
fn is_on_purpose(delivery: &Delivery, attempt: &Attempt) -> bool {
    let refused = attempt.corrupt && attempt.status == Some(401);
    let thrown_away = delivery.chaos.contains(&Mishap::Fail)
        && attempt.status.is_none()
        && attempt
            .error
            .as_deref()
            .is_some_and(|why| why.ends_with("on purpose"));
    refused || thrown_away
}
