//! Persons whose time to be forgotten has come.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use domain::{Attribution, Erasure, ErasureOutcome, Erasures, UserKey};

/// Tries in one round: each may walk a large ledger.
const AT_ONCE: u32 = 10;

pub(super) struct Forget {
    erasures: Arc<dyn Erasures>,
    /// The latest request that was tried: the next round begins behind it, so that none that fails stands in others' way.
    tried: Mutex<Option<Erasure>>,
}

impl Forget {
    pub(super) fn new(erasures: Arc<dyn Erasures>) -> Self {
        Self {
            erasures,
            tried: Mutex::default(),
        }
    }

    /// Forgets some of those who are to be forgotten by now. What fails or breaks off is tried again once all the others
    /// have been, and holds up nothing else.
    pub(super) async fn forget_who_is_due(&self) {
        let now = Utc::now();
        let after = self.tried().clone();
        let due = match self.erasures.due(now, after, AT_ONCE).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "who is to be forgotten cannot be read");
                return;
            }
        };
        let is_end = u32::try_from(due.len()).unwrap_or(u32::MAX) < AT_ONCE;
        for erasure in due {
            let (id, user) = (erasure.id, UserKey::from(erasure.user_id));
            // Before it is tried: a try that outlasts the lease is a failed one too.
            *self.tried() = Some(erasure);
            let by = Attribution::system(Utc::now());
            match self.erasures.execute(&user, by).await {
                Ok(ErasureOutcome::Done(_)) => {
                    tracing::info!(erasure = %id, "a person is forgotten");
                }
                Ok(ErasureOutcome::Already(_)) => {
                    tracing::debug!(erasure = %id, "another replica has forgotten a person");
                }
                Ok(ErasureOutcome::Unknown | ErasureOutcome::LastAdmin) => {
                    tracing::warn!(
                        erasure = %id,
                        "a person is not forgotten: called off meanwhile, or there is no such user"
                    );
                }
                Err(error) => {
                    tracing::error!(erasure = %id, %error, "a person is not forgotten yet");
                }
            }
        }
        if is_end {
            *self.tried() = None;
        }
    }

    fn tried(&self) -> std::sync::MutexGuard<'_, Option<Erasure>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
