//! Signed webhooks about users who change all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;

use crate::load::Requests;
use crate::tokens::user_id;

/// The webhook secret of this run.
pub(crate) const SECRET: &str = "whsec_YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2g=";

/// A `user.updated` as long as Clerk's.
const BODY: &str = include_str!("user_updated.json");

/// Stand in the body where each event has something of its own; as long as what takes their place.
const USER: &str = "user_benchUUUUUUUU";
const VERSION: &str = "8888888888888";
const NAME: &str = "NNNNNNNNNNNN";

/// Makes the events of one run: users in turn, each event newer than all before it.
pub(crate) struct Events {
    key: Key,
    body: Vec<u8>,
    places: [Vec<usize>; 3],
    users: usize,
    stride: usize,
    among: usize,
    sent: AtomicU64,
}

impl Events {
    /// About so many users.
    pub(crate) fn new(users: usize) -> Arc<Self> {
        Self::spread(users, 1, users)
    }

    /// About so many of users of whom there are `among` in all, each `stride` after the one before, and round again.
    pub(crate) fn spread(users: usize, stride: usize, among: usize) -> Arc<Self> {
        let places =
            [USER, VERSION, NAME].map(|mark| BODY.match_indices(mark).map(|(at, _)| at).collect());
        let secret = STANDARD
            .decode(SECRET.trim_start_matches("whsec_"))
            .unwrap_or_default();
        Arc::new(Self {
            key: Key::new(HMAC_SHA256, &secret),
            body: BODY.into(),
            places,
            users,
            stride,
            among,
            sent: AtomicU64::new(0),
        })
    }

    /// Sources for this many connections.
    pub(crate) fn requests(
        self: &Arc<Self>,
        path: &'static str,
        connections: usize,
    ) -> Vec<Box<dyn Requests>> {
        (0..connections)
            .map(|_| {
                let events = Arc::clone(self);
                Box::new(Source {
                    body: events.body.clone(),
                    events,
                    path,
                }) as Box<dyn Requests>
            })
            .collect()
    }
}

struct Source {
    events: Arc<Events>,
    body: Vec<u8>,
    path: &'static str,
}

impl Requests for Source {
    fn next(&mut self, request: &mut Vec<u8>) {
        let n = self.events.sent.fetch_add(1, Ordering::Relaxed);
        let now = Utc::now();
        let turn = usize::try_from(n).unwrap_or_default() % self.events.users.max(1);
        let user = user_id(turn * self.events.stride % self.events.among.max(1));
        // Milliseconds alone would give many events one version.
        let version = format!("{:013}", now.timestamp_millis());
        let name = format!("{n:012}");
        for (places, text) in self.events.places.iter().zip([&user, &version, &name]) {
            for at in places {
                if let Some(place) = self.body.get_mut(*at..*at + text.len()) {
                    place.copy_from_slice(text.as_bytes());
                }
            }
        }
        let (id, seconds) = (
            // The time makes ids of two runs differ.
            format!("msg_{}{n}", now.timestamp_micros()),
            now.timestamp(),
        );
        let mut signed = format!("{id}.{seconds}.").into_bytes();
        signed.extend_from_slice(&self.body);
        let signature = STANDARD.encode(sign(&self.events.key, &signed));
        request.clear();
        request.extend_from_slice(
            format!(
                "POST {} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nsvix-id: {id}\r\n\
                 svix-timestamp: {seconds}\r\nsvix-signature: v1,{signature}\r\ncontent-length: {}\r\n\r\n",
                self.path,
                self.body.len()
            )
            .as_bytes(),
        );
        request.extend_from_slice(&self.body);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_stride_without_a_common_divisor_visits_everybody() {
        let mut source = Events::spread(10, 7, 10)
            .requests("/hook", 1)
            .pop()
            .unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10 {
            let mut request = Vec::new();
            source.next(&mut request);
            let text = String::from_utf8(request).unwrap();
            let at = text.find("user_bench").unwrap();
            seen.insert(text.get(at..at + 18).unwrap().to_owned());
        }
        assert_eq!(seen, (0..10).map(user_id).collect());
    }

    #[test]
    fn every_event_is_json_of_its_own_user() {
        let events = Events::new(3);
        let mut source = events.requests("/hook", 1).pop().unwrap();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut request = Vec::new();
            source.next(&mut request);
            let text = String::from_utf8(request).unwrap();
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            let event: Value = serde_json::from_str(body).unwrap();
            assert!(event["data"]["updated_at"].as_i64().unwrap() > 1_700_000_000_000);
            seen.push(event["data"]["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen, [user_id(0), user_id(1), user_id(2)]);
    }
}
