//! A key source that answers what the test says, counts, and can be held back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth::{AuthConfig, KeySource, KeySourceError, Verifier};
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::minting::{Key, jwks};

pub struct ScriptedSource {
    answer: Mutex<Option<String>>,
    fetches: AtomicUsize,
    gate: Semaphore,
}

impl ScriptedSource {
    pub fn with(keys: &[&Key]) -> Arc<Self> {
        Self::answering(Some(jwks(keys)))
    }

    pub fn failing() -> Arc<Self> {
        Self::answering(None)
    }

    fn answering(answer: Option<String>) -> Arc<Self> {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            answer: Mutex::new(answer),
            fetches: AtomicUsize::new(0),
            gate,
        })
    }

    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub fn rotate_to(&self, keys: &[&Key]) {
        self.answer(jwks(keys));
    }

    pub fn answer(&self, body: impl Into<String>) {
        *self.answer.lock().unwrap() = Some(body.into());
    }

    pub fn fail(&self) {
        *self.answer.lock().unwrap() = None;
    }

    /// From now on a fetch hangs until `release`.
    pub fn hold(&self) {
        self.gate.forget_permits(usize::MAX);
    }

    pub fn release(&self) {
        self.gate.add_permits(1000);
    }

    pub fn verifier(self: &Arc<Self>, config: &AuthConfig) -> Arc<Verifier> {
        Arc::new(Verifier::with_key_source(config, Arc::clone(self) as Arc<dyn KeySource>).unwrap())
    }
}

#[async_trait]
impl KeySource for ScriptedSource {
    async fn fetch(&self) -> Result<Bytes, KeySourceError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        drop(self.gate.acquire().await.unwrap());
        let answer = self.answer.lock().unwrap().clone();
        answer.map(Bytes::from).ok_or(KeySourceError::Status(500))
    }
}
