//! What admins decide here is told to Clerk, in the background.
//!
//! One worker, so that what is told of one user keeps its order; a few attempts, so that one wish does not keep the others
//! waiting for ever. What could not be told is logged: here it holds all the same.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{
    Attribution, AuditAction, AuditLog, AuditRecord, AuditSubject, ClerkId, Directory,
    DirectoryError, Overview, Policies, Role, StoreError, UserKey, WriteBack, WriteBacks,
};
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Wishes that wait. More are dropped, and logged.
const WAITING: usize = 1024;
/// Attempts for one wish. The client under it makes some for each question by itself.
const ATTEMPTS: u32 = 5;
/// The pause after the first failure, doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long wishes that wait may hold up a service that stops.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Takes wishes.
pub(crate) struct Teller {
    wishes: Sender<WriteBack>,
}

/// What the worker works with.
pub(crate) struct Means {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) overview: Arc<dyn Overview>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) policy: Arc<Policies>,
}

impl WriteBacks for Teller {
    fn wanted(&self, what: WriteBack) {
        if self.wishes.try_send(what).is_err() {
            tracing::warn!("too much is to be told to Clerk: something is not");
        }
    }
}

impl Teller {
    /// Starts the worker.
    pub(crate) fn start(means: Means, tasks: &TaskTracker, stop: &CancellationToken) -> Arc<Self> {
        let (wishes, waiting) = channel(WAITING);
        let stop = stop.clone();
        tasks.spawn(async move {
            let patience = async {
                stop.cancelled().await;
                tokio::time::sleep(LAST_WORDS).await;
            };
            tokio::select! {
                () = patience => tracing::warn!("the service stops before Clerk was told of every decision"),
                () = means.tell_all(waiting, &stop) => {}
            }
        });
        Arc::new(Self { wishes })
    }
}

impl Means {
    /// Ends when the service stops and nothing waits any more.
    async fn tell_all(self, mut waiting: Receiver<WriteBack>, stop: &CancellationToken) {
        loop {
            let what = tokio::select! {
                biased;
                what = waiting.recv() => what,
                () = stop.cancelled() => None,
            };
            let Some(what) = what else { return };
            self.tell_until_told(&what).await;
        }
    }

    async fn tell_until_told(&self, what: &WriteBack) {
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=ATTEMPTS {
            match self.tell(what).await {
                Ok(()) => return,
                Err(Trouble::Passing(reason)) if attempt < ATTEMPTS => {
                    tracing::debug!(reason, "a decision has to wait to be told to Clerk");
                }
                Err(Trouble::Passing(reason) | Trouble::Lasting(reason)) => {
                    tracing::warn!(reason, "a decision could not be told to Clerk");
                    self.admit(what).await;
                    return;
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// Leaves a line where admins look: at Clerk the former role still stands, and what it tells next brings it back.
    async fn admit(&self, what: &WriteBack) {
        let WriteBack::Role {
            clerk_user_id, by, ..
        } = what
        else {
            return;
        };
        let record = AuditRecord {
            action: AuditAction::WriteBackFailed,
            subject: Some(AuditSubject::user(clerk_user_id)),
            before: None,
            after: None,
        };
        let by = Attribution {
            at: Utc::now(),
            ..by.clone()
        };
        if let Err(error) = self.audit.record(record, by).await {
            tracing::warn!(%error, "nor could that be written into the audit log");
        }
    }

    async fn tell(&self, what: &WriteBack) -> Result<(), Trouble> {
        match what {
            WriteBack::EndOfSession { clerk_session_id } => {
                Ok(self.directory.revoke_session(clerk_session_id).await?)
            }
            WriteBack::EndOfSessions {
                clerk_user_id,
                begun_until,
            } => self.end_sessions(clerk_user_id, *begun_until).await,
            WriteBack::Role {
                clerk_user_id,
                former,
                by,
            } => self.write_role(clerk_user_id, former.as_ref(), by).await,
        }
    }

    async fn end_sessions(
        &self,
        user: &ClerkId,
        begun_until: DateTime<Utc>,
    ) -> Result<(), Trouble> {
        for session in self.directory.live_sessions(user).await? {
            // Whoever has signed in since is meant to be in.
            if session.created_at.is_none_or(|begun| begun <= begun_until) {
                self.directory
                    .revoke_session(&session.clerk_session_id)
                    .await?;
            }
        }
        Ok(())
    }

    /// Brings Clerk to what the row says now, which a later decision may have changed already. Nothing that Clerk tells
    /// leads here, so no webhook that follows starts it anew.
    async fn write_role(
        &self,
        user: &ClerkId,
        former: Option<&Role>,
        by: &Attribution,
    ) -> Result<(), Trouble> {
        let Some(row) = self.overview.user(&UserKey::from(user)).await? else {
            return Ok(());
        };
        let Some(told) = self.directory.user(user).await? else {
            return Ok(());
        };
        let metadata = &told.profile.public_metadata;
        let patch = match (&row.role_override, former) {
            (Some(given), _) => self.policy.current().role_into(metadata, given),
            (None, Some(former)) => self.policy.current().role_out_of(metadata, former),
            (None, None) => None,
        };
        let Some(patch) = patch else { return Ok(()) };
        let is_there = self
            .directory
            .merge_public_metadata(user, patch.clone())
            .await?;
        if is_there {
            let record = AuditRecord {
                action: AuditAction::WrittenBack,
                subject: Some(AuditSubject::user(user)),
                before: None,
                after: Some(json!({ "public_metadata": patch })),
            };
            let by = Attribution {
                at: Utc::now(),
                ..by.clone()
            };
            self.audit.record(record, by).await?;
        }
        Ok(())
    }
}

/// Why nothing came of it.
enum Trouble {
    Passing(String),
    Lasting(String),
}

impl From<DirectoryError> for Trouble {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Unavailable(_) => Self::Passing(error.to_string()),
            DirectoryError::Refused(_) | DirectoryError::Unreadable(_) => {
                Self::Lasting(error.to_string())
            }
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Passing(error.to_string()),
            StoreError::Refused(_) | StoreError::Unreadable(_) => Self::Lasting(error.to_string()),
        }
    }
}
