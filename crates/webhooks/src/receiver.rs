//! The way in: headers and bytes to a delivery, or to a refusal.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{Delivery, Payload};
use http::HeaderMap;
use secrecy::SecretString;

use crate::{
    Arrival, Refusal, SecretError,
    event::{read_bytes, read_event},
    secret::SigningKey,
    signature::Claim,
};

/// What a receiver needs to know.
#[derive(Debug, Clone, Default)]
pub struct ReceiverConfig {
    /// The signing secrets, `whsec_…`; several while one replaces another.
    pub secrets: Vec<SecretString>,
    /// The Clerk instance (`ins_…`) whose events are wanted; any instance's where absent.
    pub instance_id: Option<String>,
}

/// Tells authentic messages from others and reads them.
#[derive(Debug)]
pub struct Receiver {
    keys: Vec<SigningKey>,
    instance_id: Option<String>,
}

impl Receiver {
    /// Checks the secrets.
    ///
    /// # Errors
    /// When there is none, or one of them is no usable key; the error names it by its place in the list.
    pub fn new(config: ReceiverConfig) -> Result<Self, SecretError> {
        let ReceiverConfig {
            secrets,
            instance_id,
        } = config;
        if secrets.is_empty() {
            return Err(SecretError::NoneGiven);
        }
        let keys = secrets
            .iter()
            .zip(1..)
            .map(|(secret, position)| SigningKey::parse(secret, position))
            .collect::<Result<_, _>>()?;
        Ok(Self { keys, instance_id })
    }

    /// Proves that a message came from Clerk within five minutes of `now`, then reads it. The body must be the very
    /// bytes of the request.
    ///
    /// # Errors
    /// When that is not proven. Whatever a proven message says, it is a delivery, quarantined at worst.
    pub fn receive(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
        now: DateTime<Utc>,
    ) -> Result<Delivery, Refusal> {
        let claim = Claim::read(headers)?;
        claim.prove(body, &self.keys, now)?;
        let arrival = Arrival::new(claim.id(), now);
        Ok(read_bytes(arrival, body, self.instance_id.as_deref()))
    }

    /// Reads a message again that was proven when it came, of what the ledger kept of it.
    #[must_use]
    pub fn read_again(&self, arrival: Arrival, kept: Payload) -> Delivery {
        read_event(arrival, kept, self.instance_id.as_deref())
    }
}
