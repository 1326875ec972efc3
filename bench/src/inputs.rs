//! What requests are made of: tokens, and events.

use std::sync::Arc;

use crate::Failure;
use crate::cases::Work;
use crate::connection::Connection;
use crate::event::Events;
use crate::load::Requests;
use crate::subject::Subject;
use crate::tokens::{self, Signer};

/// Tokens in turn where each has to be forgotten before it comes again, and what the service may remember of them.
const FRESH: usize = 12_000;
pub(crate) const REMEMBERED: usize = 1_000;
pub(crate) const USERS: usize = 1_000;
/// Users that webhooks are about.
pub(crate) const CHANGING: usize = 10_000;

pub(crate) const ME: &str = "/api/auth/me";
pub(crate) const HOOK: &str = "/api/webhooks/clerk";

pub(crate) struct Inputs {
    pub(crate) tokens: Vec<String>,
    fresh: Vec<String>,
    events: Arc<Events>,
}

impl Inputs {
    pub(crate) fn prepare(signer: &Signer) -> Result<Self, Failure> {
        let tokens = (0..USERS)
            .map(|n| signer.token(n))
            .collect::<Result<Vec<_>, _>>()?;
        // Fresh tokens of users who are known, so that nothing but the token is new.
        let fresh = (0..FRESH)
            .map(|n| signer.token_again(n % USERS, n))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            tokens,
            fresh,
            events: Events::new(CHANGING),
        })
    }

    /// The first request of every user, which makes his row; gives the last answer.
    pub(crate) async fn introduce(&self, service: &Subject) -> Result<Vec<u8>, Failure> {
        introduce(service, &self.tokens).await
    }

    /// For each of these connections, reads of users in turn and among them webhooks, one of `share` requests.
    pub(crate) fn mixed(&self, connections: usize, share: u64) -> Vec<Box<dyn Requests>> {
        let reads = tokens::requests(ME, &self.tokens, connections);
        let events = self.events.requests(HOOK, connections);
        let pairs = reads.into_iter().zip(events).zip(0..);
        pairs
            .map(|((reads, events), n)| {
                Box::new(Mixed {
                    reads,
                    events,
                    share,
                    n,
                }) as Box<dyn Requests>
            })
            .collect()
    }

    pub(crate) fn sources(
        &self,
        work: Work,
        path: &'static str,
        connections: usize,
    ) -> Vec<Box<dyn Requests>> {
        let hot = self.tokens.get(..1).unwrap_or_default();
        match work {
            Work::HotToken | Work::Page | Work::PageInSql => {
                tokens::requests(path, hot, connections)
            }
            Work::RotatingTokens => tokens::requests(path, &self.tokens, connections),
            Work::FreshTokens => tokens::requests(path, &self.fresh, connections),
            Work::ForgedTokens => tokens::forgeries(path, &self.tokens, connections),
            Work::Webhooks => self.events.requests(path, connections),
        }
    }
}

/// The first request with each of these tokens; gives the last answer, head and body.
pub(crate) async fn introduce(service: &Subject, tokens: &[String]) -> Result<Vec<u8>, Failure> {
    let mut connection = Connection::open(service.address).await?;
    for token in tokens {
        let status = connection.exchange(&request(ME, token)).await?;
        if status != 200 {
            return Err(format!("the service answers {status} to a good token").into());
        }
    }
    Ok(connection.answer().to_vec())
}

/// A GET with a token.
pub(crate) fn request(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

/// Reads, and webhooks among them.
struct Mixed {
    reads: Box<dyn Requests>,
    events: Box<dyn Requests>,
    share: u64,
    n: u64,
}

impl Requests for Mixed {
    fn next(&mut self, request: &mut Vec<u8>) {
        self.n += 1;
        if self.n.is_multiple_of(self.share) {
            self.events.next(request);
        } else {
            self.reads.next(request);
        }
    }
}
