//! What was sent, when, and what the receiver answered. Bounded, and kept in memory only.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chaos::Mishap;
use crate::collection::{Collection, Keyed};
use crate::refusal::Refusal;

/// One message and its attempts.
#[derive(Debug, Clone, Serialize)]
pub struct Delivery {
    /// The `svix-id`, the same over all attempts and replays.
    pub id: String,
    /// Such as `user.created`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// `data.id`, where the event has one.
    pub object_id: Option<String>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When the event happened, in milliseconds since 1970 by the system's clock.
    pub created_at: i64,
    /// What the chaos settings did to it.
    pub chaos: Vec<Mishap>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// The body exactly as it is sent.
    pub payload: Box<RawValue>,
    /// Where in its order it stands: events with the same key are first sent in the order in which they happened.
    #[serde(skip)]
    pub(crate) lane_key: String,
    /// Later events have higher numbers.
    #[serde(skip)]
    pub(crate) number: u64,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// There was no endpoint when it happened.
    Unsent,
    /// Waiting for its first or next attempt.
    Pending,
    /// Answered 2xx.
    Delivered,
    /// All attempts failed.
    Failed,
    /// Never sent, by the chaos settings.
    Dropped,
}

/// One try to deliver.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// Whether it was signed wrong on purpose.
    pub corrupt: bool,
    /// The `svix-timestamp`, Unix seconds.
    pub timestamp: i64,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The beginning of the answer's body, at most 1 KiB.
    pub answer: String,
    /// Why there was no answer.
    pub error: Option<String>,
    /// From sending to the answer.
    pub duration_ms: u64,
}

impl Keyed for Delivery {
    fn key(&self) -> &str {
        &self.id
    }
}

/// Deliveries in the order of their events.
#[derive(Debug)]
pub(crate) struct Log {
    deliveries: Collection<Delivery>,
    settled: VecDeque<String>,
    limit: usize,
}

impl Log {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            deliveries: Collection::default(),
            settled: VecDeque::new(),
            limit,
        }
    }

    pub(crate) fn add(&mut self, delivery: Delivery) {
        let (id, status) = (delivery.id.clone(), delivery.status);
        self.deliveries.insert(delivery);
        self.note(id, status);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Delivery> {
        self.deliveries.get(id)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.deliveries.iter()
    }

    pub(crate) fn record(&mut self, id: &str, attempt: Option<Attempt>, status: DeliveryStatus) {
        let Some(delivery) = self.deliveries.get_mut(id) else {
            return;
        };
        delivery.attempts.extend(attempt);
        delivery.status = status;
        self.note(id.to_owned(), status);
    }

    /// Adds an attempt that decides nothing.
    pub(crate) fn add_attempt(&mut self, id: &str, attempt: Attempt) {
        if let Some(delivery) = self.deliveries.get_mut(id) {
            delivery.attempts.push(attempt);
        }
    }

    /// Makes a settled delivery pending again.
    pub(crate) fn reopen(&mut self, id: &str) -> Result<Delivery, Refusal> {
        let delivery = self
            .deliveries
            .get_mut(id)
            .ok_or_else(|| Refusal::NotFound {
                kind: "delivery",
                id: id.to_owned(),
            })?;
        if delivery.status == DeliveryStatus::Pending {
            return Err(Refusal::DeliveryPending { id: id.to_owned() });
        }
        delivery.status = DeliveryStatus::Pending;
        Ok(delivery.clone())
    }

    /// Forgets everything that is not on its way.
    pub(crate) fn clear(&mut self) {
        self.deliveries
            .retain(|delivery| delivery.status == DeliveryStatus::Pending);
        self.settled.clear();
    }

    /// Keeps the log bounded: the delivery that settled longest ago goes first.
    fn note(&mut self, id: String, status: DeliveryStatus) {
        if status != DeliveryStatus::Pending {
            self.settled.push_back(id);
        }
        while self.deliveries.len() > self.limit {
            let Some(oldest) = self.settled.pop_front() else {
                return;
            };
            // A replayed delivery stands in the queue from before; it is pending now, or was forgotten already.
            if self
                .deliveries
                .get(&oldest)
                .is_some_and(|it| it.status != DeliveryStatus::Pending)
            {
                self.deliveries.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: &str, status: DeliveryStatus) -> Delivery {
        Delivery {
            id: id.to_owned(),
            event_type: "user.created".to_owned(),
            object_id: None,
            status,
            created_at: 0,
            chaos: Vec::new(),
            attempts: Vec::new(),
            payload: RawValue::from_string("{}".to_owned()).unwrap(),
            lane_key: String::new(),
            number: 0,
        }
    }

    fn ids(log: &Log) -> Vec<&str> {
        log.iter().map(|delivery| delivery.id.as_str()).collect()
    }

    #[test]
    fn the_oldest_settled_delivery_is_forgotten_and_a_pending_one_never() {
        let mut log = Log::new(2);
        log.add(delivery("a", DeliveryStatus::Pending));
        log.add(delivery("b", DeliveryStatus::Unsent));
        log.add(delivery("c", DeliveryStatus::Unsent));
        assert_eq!(ids(&log), ["a", "c"]);
        log.add(delivery("d", DeliveryStatus::Pending));
        log.add(delivery("e", DeliveryStatus::Pending));
        assert_eq!(ids(&log), ["a", "d", "e"]);
        log.record("d", None, DeliveryStatus::Delivered);
        assert_eq!(ids(&log), ["a", "e"]);
    }

    #[test]
    fn only_a_settled_delivery_can_be_reopened() {
        let mut log = Log::new(9);
        log.add(delivery("a", DeliveryStatus::Pending));
        assert!(matches!(
            log.reopen("a"),
            Err(Refusal::DeliveryPending { .. })
        ));
        log.record("a", None, DeliveryStatus::Failed);
        assert!(log.reopen("a").is_ok());
        assert!(matches!(log.reopen("zz"), Err(Refusal::NotFound { .. })));
    }
}
