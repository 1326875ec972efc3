//! Operations on browsers: development browsers, clients, and the sessions in them.

use super::{Caller, Instance};
use crate::client::{Client, DevBrowser};
use crate::denial::Denial;
use crate::ids;
use crate::refusal::Refusal;
use crate::session::{Session, SessionStatus};
use crate::state::State;

/// How many sessions are remembered before those that are over are forgotten.
const SESSIONS: usize = 100_000;

/// Which browser a call comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Browser {
    /// A known development browser.
    Development(String),
    /// One that keeps its client in a cookie, as with a production instance; none yet on its first visit.
    Cookie(Option<String>),
}

impl Instance {
    /// A new development browser without a client.
    pub(crate) fn new_dev_browser(&self) -> DevBrowser {
        let state = &mut *self.change();
        let browser = DevBrowser {
            id: state.issue_id("dvb_"),
            client_id: None,
            created_at: state.now(),
        };
        let sessions = &state.sessions;
        let is_alive = |id: &str| sessions.get(id).is_some_and(|it| it.status.is_alive());
        state.browsers.add_dev_browser(browser.clone(), is_alive);
        browser
    }

    /// The development browser of this id.
    ///
    /// # Errors
    /// [`Denial::DevBrowserUnknown`].
    pub(crate) fn dev_browser(&self, id: &str) -> Result<Browser, Denial> {
        self.read(|state| match state.browsers.dev_browsers.get(id) {
            Some(_) => Ok(Browser::Development(id.to_owned())),
            None => Err(Denial::DevBrowserUnknown),
        })
    }

    /// The browser that sent this `__client` cookie. One that is not known counts as none.
    pub(crate) fn cookie_browser(&self, cookie: Option<&str>) -> Browser {
        let named = cookie.and_then(|text| text.split_once('.'));
        Browser::Cookie(named.and_then(|(id, secret)| {
            self.read(|state| {
                let client = state.browsers.clients.get(id)?;
                (client.secret == secret).then(|| client.id.clone())
            })
        }))
    }

    /// What `__client` holds for this browser, when it goes by that cookie and has a client.
    pub(crate) fn client_cookie(&self, browser: &Browser) -> Option<String> {
        match browser {
            Browser::Cookie(Some(id)) => self.read(|state| {
                let client = state.browsers.clients.get(id)?;
                Some(format!("{}.{}", client.id, client.secret))
            }),
            _ => None,
        }
    }

    /// The browser's client, made when there is none yet.
    pub(crate) fn ensure_client(&self, browser: &mut Browser) -> String {
        if let Some(id) = self.read(|state| client_of(state, browser).map(|it| it.id.clone())) {
            return id;
        }
        let state = &mut *self.change();
        let now = state.now();
        let client = Client {
            id: state.issue_id("client_"),
            secret: ids::random(""),
            session_ids: Vec::new(),
            last_active_session_id: None,
            last_authentication_strategy: None,
            sign_up: None,
            sign_in: None,
            created_at: now,
            updated_at: now,
        };
        let id = client.id.clone();
        let sessions = &state.sessions;
        let is_alive = |id: &str| sessions.get(id).is_some_and(|it| it.status.is_alive());
        state.browsers.add_client(client, is_alive);
        match browser {
            Browser::Cookie(own) => *own = Some(id.clone()),
            Browser::Development(own) => {
                if let Some(browser) = state.browsers.dev_browsers.get_mut(own) {
                    browser.client_id = Some(id.clone());
                }
            }
        }
        id
    }

    /// A session of this browser that still lives.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a session of another browser, [`Refusal::SessionNotActive`] for one that is over.
    pub(crate) fn session_in(&self, browser: &Browser, id: &str) -> Result<Session, Denial> {
        self.read(|state| {
            let strange = || Refusal::NotFound {
                kind: "session",
                id: id.to_owned(),
            };
            let client = client_of(state, browser).ok_or_else(strange)?;
            if !client.session_ids.iter().any(|own| own == id) {
                return Err(strange().into());
            }
            match state.sessions.get(id) {
                Some(session) if session.status.is_alive() => Ok(session.clone()),
                _ => Err(Refusal::SessionNotActive { id: id.to_owned() }.into()),
            }
        })
    }

    /// The session that the page names, else the one that was active last, else any.
    pub(crate) fn active_session(&self, browser: &Browser, named: Option<&str>) -> Option<Session> {
        self.read(|state| {
            let client = client_of(state, browser)?;
            let mut live: Vec<&Session> = live_sessions(state, client).collect();
            let wanted = named.or(client.last_active_session_id.as_deref());
            if let Some(session) = live.iter().find(|it| Some(it.id.as_str()) == wanted) {
                return Some((*session).clone());
            }
            match named {
                Some(_) => None,
                None => live.pop().cloned(),
            }
        })
    }

    /// Signs one session out (`session.ended`, or `session.removed` when `removed`), or all of the browser's.
    pub(crate) fn sign_out(
        &self,
        browser: &Browser,
        only: Option<&str>,
        status: SessionStatus,
        caller: &Caller,
    ) {
        let state = &mut *self.change();
        let Some(client) = client_of(state, browser) else {
            return;
        };
        let client_id = client.id.clone();
        let ending: Vec<String> = live_sessions(state, client)
            .filter(|it| only.is_none_or(|id| it.id == id))
            .map(|it| it.id.clone())
            .collect();
        for id in &ending {
            self.end(state, id, status, caller);
        }
        let now = whole_second(state.now());
        if let Some(client) = state.browsers.clients.get_mut(&client_id) {
            client.session_ids.retain(|id| !ending.contains(id));
            client.sign_in = None;
            client.sign_up = None;
            if !ending.is_empty() {
                client.updated_at = now;
            }
            let last = client.last_active_session_id.take();
            client.last_active_session_id = last
                .filter(|id| client.session_ids.contains(id))
                .or_else(|| client.session_ids.last().cloned());
        }
    }

    /// Notes that a page used the session: its own `last_active_at`, and the user's, which goes by days. The latter is
    /// told with `user.updated`, because the Backend API shows it.
    pub(crate) fn note_activity(&self, session_id: &str, caller: &Caller) {
        let state = &mut *self.change();
        let now = state.now();
        let Some(session) = state.sessions.get_mut(session_id) else {
            return;
        };
        session.last_active_at = now;
        let user_id = session.user_id.clone();
        let Ok(mut stored) = state.user(&user_id).cloned() else {
            return;
        };
        let today = day_of(now);
        if stored.user.last_active_at.is_none_or(|last| last < today) {
            stored.user.last_active_at = Some(today);
            stored.user.updated_at = state.after(stored.user.updated_at);
            if let Ok(user) = state.put_user(stored) {
                self.emit(state, caller, "user.updated", user.updated_at, &user);
            }
        }
    }

    /// Makes a session the one that was active last in its browser.
    pub(crate) fn select_session(&self, browser: &Browser, session_id: &str) {
        let state = &mut *self.change();
        let Some(client_id) = client_of(state, browser).map(|it| it.id.clone()) else {
            return;
        };
        if let Some(client) = state.browsers.clients.get_mut(&client_id) {
            client.last_active_session_id = Some(session_id.to_owned());
        }
    }

    /// Begins a session of this user in this client; emits `session.created`. The user is written already, and
    /// emits what he has to.
    pub(super) fn begin_session(
        &self,
        state: &mut State,
        client_id: &str,
        user_id: &str,
        organization_id: Option<&str>,
        strategy: &str,
        caller: &Caller,
    ) -> Result<String, Refusal> {
        forget_old_sessions(state);
        let Some(client) = state.browsers.clients.get(client_id) else {
            return Err(Refusal::NotFound {
                kind: "client",
                id: client_id.to_owned(),
            });
        };
        // One session of a user in a browser: the new one takes the old one's place.
        let earlier: Vec<String> = live_sessions(state, client)
            .filter(|it| it.user_id == user_id)
            .map(|it| it.id.clone())
            .collect();
        for id in earlier {
            self.end(state, &id, SessionStatus::Replaced, caller);
        }
        let session =
            self.start_session(state, user_id, organization_id, Some(client_id), caller)?;
        let now = whole_second(state.now());
        let sessions = &state.sessions;
        if let Some(client) = state.browsers.clients.get_mut(client_id) {
            client
                .session_ids
                .retain(|id| sessions.get(id).is_some_and(|it| it.status.is_alive()));
            client.session_ids.push(session.id.clone());
            client.last_active_session_id = Some(session.id.clone());
            client.last_authentication_strategy = Some(strategy.to_owned());
            client.updated_at = now;
        }
        Ok(session.id)
    }
}

/// The browser's client, if it has one.
pub(crate) fn client_of<'a>(state: &'a State, browser: &Browser) -> Option<&'a Client> {
    let id = match browser {
        Browser::Cookie(id) => id.as_deref()?,
        Browser::Development(id) => {
            let browser = state.browsers.dev_browsers.get(id)?;
            browser.client_id.as_deref()?
        }
    };
    state.browsers.clients.get(id)
}

/// The client's sessions that are not over, oldest first.
pub(crate) fn live_sessions<'a>(
    state: &'a State,
    client: &'a Client,
) -> impl Iterator<Item = &'a Session> {
    let held = client.session_ids.iter();
    held.filter_map(|id| state.sessions.get(id))
        .filter(|session| session.status.is_alive())
}

/// `__client_uat` counts seconds, and so do tokens: a client changed in the middle of a second would seem newer than
/// a token issued right after, and each page would go for another one.
fn whole_second(millis: i64) -> i64 {
    millis - millis.rem_euclid(1_000)
}

/// The beginning of a day, which is as precise as `last_active_at` of a user is.
pub(super) fn day_of(millis: i64) -> i64 {
    millis - millis.rem_euclid(86_400_000)
}

/// Drops sessions that are over once there are very many, looking only now and then.
fn forget_old_sessions(state: &mut State) {
    let count = state.sessions.len();
    if count > SESSIONS && count.is_multiple_of(1_024) {
        state.sessions.retain(|session| session.status.is_alive());
    }
}
