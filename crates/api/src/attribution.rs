//! Who is said to have done what a request does.

use chrono::{DateTime, Utc};
use domain::{Actor, Attribution};

use crate::current_user::CurrentUser;
use crate::request_id::RequestId;

/// The longest name of an impersonator that is written down, in characters.
const LONGEST_NAME: usize = 255;

impl CurrentUser {
    /// The caller as the one who acts, with whoever acts in his name; `reason` are his own words.
    pub(crate) fn attribution(
        &self,
        request: Option<&RequestId>,
        reason: Option<String>,
        at: DateTime<Utc>,
    ) -> Attribution {
        // An `act` without a readable name is an impersonator all the same.
        let named = |actor: &auth::Actor| {
            let name = actor.subject.as_deref().unwrap_or("unnamed");
            let visible = name.chars().filter(char::is_ascii_graphic);
            visible.take(LONGEST_NAME).collect::<String>()
        };
        let claims = self.proof.claims();
        Attribution {
            actor: Actor::User(self.user.clerk_user_id.clone()),
            impersonator: claims.and_then(|claims| claims.impersonator()).map(named),
            reason,
            request_id: request.map(|request| request.as_str().to_owned()),
            at,
        }
    }
}
