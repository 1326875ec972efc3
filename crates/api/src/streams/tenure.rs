//! How long a stream may stay open.

use std::time::Duration;

use chrono::Utc;
use tokio::time::Instant;

use super::hub::{Heard, Listener};
use crate::app::App;
use crate::current_user::{CurrentUser, Proof};
use crate::problem::Problem;

/// The longest that a stream stays open. Clerk tells nobody of sessions that expire, so that whoever listens has to
/// prove himself again from time to time.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long to wait after the state could not be read; nothing is sent meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Whether a caller may (still) listen.
pub(crate) type Rule = fn(&App, &CurrentUser) -> Result<(), Problem>;

fn longest(proof: &Proof) -> Duration {
    match proof {
        Proof::Session { .. } | Proof::Ticket { .. } => LONGEST,
        // Without a session there is nothing but the token's own end.
        Proof::Legacy { ends_at, .. } => {
            let left = ends_at.signed_duration_since(Utc::now());
            left.to_std().unwrap_or_default().min(LONGEST)
        }
    }
}

/// Why a stream ends: a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End(pub(crate) &'static str);

/// What happened to a listener.
pub(crate) enum News {
    /// Something of his has changed; he may still listen.
    Changed {
        caller: Box<CurrentUser>,
        heard: Heard,
    },
    /// He may listen no more.
    Over(End),
}

/// One stream's right to be open.
pub(crate) struct Tenure {
    app: App,
    proof: Proof,
    user_id: String,
    rule: Rule,
    listener: Listener,
    until: Instant,
}

impl Tenure {
    /// Lets a caller listen whose proof has been judged. His state is read once more, after the listening has begun, so
    /// that no change falls between the two.
    pub(crate) async fn begin(
        app: &App,
        caller: CurrentUser,
        rule: Rule,
    ) -> Result<(Self, CurrentUser), Problem> {
        let user_id = caller.user.clerk_user_id.as_str().to_owned();
        let listener = app.hub.listen(&user_id).await?;
        let tenure = Self {
            app: app.clone(),
            user_id,
            rule,
            listener,
            until: Instant::now() + longest(&caller.proof),
            proof: caller.proof,
        };
        let caller = tenure.look().await?;
        Ok((tenure, caller))
    }

    /// Waits for what happens next.
    pub(crate) async fn next(&mut self) -> News {
        let stopping = self.app.hub.stopping().clone();
        let until = self.until;
        let changed = async {
            let heard = self.listener.heard().await;
            loop {
                match self.look().await {
                    Ok(caller) => {
                        let caller = Box::new(caller);
                        return News::Changed { caller, heard };
                    }
                    // Unknown is not over: silence until it can be told.
                    Err(problem) if problem.kind().status().is_server_error() => {
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                    Err(problem) => return News::Over(End(problem.kind().code())),
                }
            }
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => News::Over(End("service_stopping")),
            () = tokio::time::sleep_until(until) => News::Over(End("stream_expired")),
            news = changed => news,
        }
    }

    /// Waits until he may listen no more.
    pub(crate) async fn over(mut self) -> End {
        loop {
            if let News::Over(end) = self.next().await {
                return end;
            }
        }
    }

    async fn look(&self) -> Result<CurrentUser, Problem> {
        let caller = CurrentUser::again(&self.app, &self.user_id, &self.proof, Utc::now()).await?;
        (self.rule)(&self.app, &caller)?;
        Ok(caller)
    }
}
