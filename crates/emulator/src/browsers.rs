//! All browsers that the emulator knows, their tickets and handshakes, and how many of each it remembers.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::client::{Awaited, Client, DevBrowser, Ticket};
use crate::collection::{Collection, Keyed};

/// Browsers, clients and tickets that are remembered of each; the oldest that matter least go first.
pub(crate) const REMEMBERED: usize = 10_000;
/// Handshakes whose answer was not fetched yet.
const HANDSHAKES: usize = 1_000;
/// How long the answer of a handshake can be fetched: a minute.
const HANDSHAKE_LIFETIME_MS: i64 = 60_000;

/// The Frontend API's part of the state.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Browsers {
    pub(crate) dev_browsers: Collection<DevBrowser>,
    pub(crate) clients: Collection<Client>,
    pub(crate) tickets: Collection<Ticket>,
    /// Codes sent to addresses that users added, by the address's id.
    pub(crate) email_codes: HashMap<String, Awaited>,
    /// Answers that wait under their nonce, oldest first, with the system's time of each.
    #[serde(skip)]
    handshakes: VecDeque<(String, i64, Vec<String>)>,
    /// Wrong passwords and codes of each user since he last signed in.
    #[serde(skip)]
    failures: HashMap<String, u32>,
}

impl Browsers {
    /// Remembers a browser. When there are too many, the oldest one where nobody is signed in is forgotten with its
    /// client; `is_alive` tells whether a session is.
    pub(crate) fn add_dev_browser(&mut self, browser: DevBrowser, is_alive: impl Fn(&str) -> bool) {
        if self.dev_browsers.len() >= REMEMBERED {
            let clients = &self.clients;
            let idle = oldest(&self.dev_browsers, |browser| {
                let client = browser.client_id.as_deref().and_then(|id| clients.get(id));
                client.is_none_or(|client| !client.session_ids.iter().any(|id| is_alive(id)))
            });
            if let Some(removed) = idle.and_then(|id| self.dev_browsers.remove(&id))
                && let Some(client_id) = removed.client_id
            {
                self.clients.remove(&client_id);
            }
        }
        self.dev_browsers.insert(browser);
    }

    pub(crate) fn add_client(&mut self, client: Client, is_alive: impl Fn(&str) -> bool) {
        if self.clients.len() >= REMEMBERED {
            let idle = oldest(&self.clients, |client| {
                !client.session_ids.iter().any(|id| is_alive(id))
            });
            if let Some(id) = idle {
                self.clients.remove(&id);
            }
        }
        self.clients.insert(client);
    }

    pub(crate) fn add_ticket(&mut self, ticket: Ticket) {
        if self.tickets.len() >= REMEMBERED
            && let Some(id) = oldest(&self.tickets, |_| true)
        {
            self.tickets.remove(&id);
        }
        self.tickets.insert(ticket);
    }

    /// Remembers a code sent to an address of a user.
    pub(crate) fn await_email(&mut self, email_id: &str, awaited: Awaited) {
        if self.email_codes.len() >= REMEMBERED {
            self.email_codes.clear();
        }
        self.email_codes.insert(email_id.to_owned(), awaited);
    }

    /// Counts a wrong password or code; gives the count.
    pub(crate) fn count_failure(&mut self, user_id: &str) -> u32 {
        if self.failures.len() >= REMEMBERED {
            self.failures.clear();
        }
        let count = self.failures.entry(user_id.to_owned()).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn forgive(&mut self, user_id: &str) {
        self.failures.remove(user_id);
    }

    /// Keeps an answer for whoever brings the nonce.
    pub(crate) fn keep_handshake(&mut self, nonce: String, now: i64, directives: Vec<String>) {
        self.forget_old_handshakes(now);
        while self.handshakes.len() >= HANDSHAKES {
            self.handshakes.pop_front();
        }
        self.handshakes.push_back((nonce, now, directives));
    }

    /// The answer, once.
    pub(crate) fn take_handshake(&mut self, nonce: &str, now: i64) -> Option<Vec<String>> {
        self.forget_old_handshakes(now);
        let place = self.handshakes.iter().position(|(own, ..)| own == nonce)?;
        let (.., directives) = self.handshakes.remove(place)?;
        Some(directives)
    }

    fn forget_old_handshakes(&mut self, now: i64) {
        while self
            .handshakes
            .front()
            .is_some_and(|(_, at, _)| at.saturating_add(HANDSHAKE_LIFETIME_MS) <= now)
        {
            self.handshakes.pop_front();
        }
    }
}

/// The oldest record that may go, else the oldest of all.
fn oldest<T: Keyed>(records: &Collection<T>, may_go: impl Fn(&T) -> bool) -> Option<String> {
    let found = records.iter().find(|record| may_go(record));
    let record = found.or_else(|| records.iter().next())?;
    Some(record.key().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(number: usize) -> DevBrowser {
        DevBrowser {
            id: format!("dvb_{number}"),
            client_id: Some(format!("client_{number}")),
            created_at: 1,
        }
    }

    fn client(number: usize) -> Client {
        Client {
            id: format!("client_{number}"),
            secret: String::new(),
            session_ids: vec![format!("sess_{number}")],
            last_active_session_id: None,
            last_authentication_strategy: None,
            sign_up: None,
            sign_in: None,
            created_at: 1,
            updated_at: 1,
        }
    }

    #[test]
    fn the_oldest_browser_without_a_session_goes_first() {
        let mut browsers = Browsers::default();
        let signed_in = |id: &str| id == "sess_0";
        for number in 0..=REMEMBERED {
            browsers.add_client(client(number), signed_in);
            browsers.add_dev_browser(browser(number), signed_in);
        }
        assert_eq!(browsers.dev_browsers.len(), REMEMBERED);
        assert!(browsers.dev_browsers.get("dvb_0").is_some());
        assert!(
            browsers.dev_browsers.get("dvb_1").is_none() || browsers.clients.len() < REMEMBERED
        );
        assert!(
            browsers.clients.get("client_0").is_some()
                && browsers.clients.get("client_1").is_none()
        );
    }

    #[test]
    fn a_handshake_is_answered_once_and_not_for_ever() {
        let mut browsers = Browsers::default();
        browsers.keep_handshake("a".to_owned(), 1, vec!["x=1".to_owned()]);
        assert_eq!(browsers.take_handshake("b", 2), None);
        assert_eq!(
            browsers.take_handshake("a", 2),
            Some(vec!["x=1".to_owned()])
        );
        assert_eq!(browsers.take_handshake("a", 2), None);
        browsers.keep_handshake("c".to_owned(), 1, Vec::new());
        assert_eq!(
            browsers.take_handshake("c", 1 + HANDSHAKE_LIFETIME_MS),
            None
        );
        for number in 0..=HANDSHAKES {
            browsers.keep_handshake(number.to_string(), 1, Vec::new());
        }
        assert_eq!(browsers.take_handshake("0", 1), None);
        assert!(browsers.take_handshake("1", 1).is_some());
    }
}
