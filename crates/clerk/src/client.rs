//! The adapter itself: which question is which request.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    ClerkId, Directory, DirectoryError, DirectoryHealth, DirectoryReport, Listing, LiveSession,
    Membership, Mirrored, Page, SessionStatus, SharedBudget, UserWrite, Write,
};
use mapping::Placing;
use serde_json::{Value, json};
use url::Url;

use crate::{
    ClerkApiConfig, ClerkConfigError,
    answer::{Answer, unreadable},
    budget::Priority,
    config::{base, page_size},
    cursor::Cursor,
    page::{Listed, id_of, total, write},
    place::{collection, url},
    transport::{Question, Transport},
};

/// How many memberships a question for one may answer. A user has one in an organization.
const MEMBERSHIPS_OF_ONE: &str = "100";

/// How many sessions of a user one question answers; Clerk gives no more.
const SESSIONS_AT_ONCE: usize = 500;
/// How many such questions there are: ended sessions are among the answers, the latest come first.
const MOST_PAGES_OF_SESSIONS: usize = 10;

/// Clerk's Backend API. One for a whole process: the budget is in it.
#[derive(Debug)]
pub struct ClerkApi {
    transport: Transport,
    base: Url,
    page_size: u16,
}

impl ClerkApi {
    /// Checks the settings; connects to nothing yet.
    ///
    /// # Errors
    /// When a setting is not usable.
    pub fn new(config: &ClerkApiConfig) -> Result<Self, ClerkConfigError> {
        let base = base(&config.base_url)?;
        Ok(Self {
            transport: Transport::new(config, &base)?,
            page_size: page_size(config)?,
            base,
        })
    }

    /// The same, which asks no more often than all processes of the service may together.
    #[must_use]
    pub fn sharing(mut self, budget: Option<Arc<dyn SharedBudget>>) -> Self {
        self.transport.share(budget);
        self
    }

    /// One object by its id.
    async fn single(
        &self,
        listing: Listing,
        id: &ClerkId,
        priority: Priority,
    ) -> Result<Option<Write>, DirectoryError> {
        let read_at = Utc::now();
        let url = url(&self.base, &[collection(listing), id.as_str()])?;
        let body = match self.transport.get(url, priority).await? {
            Answer::Found(body) => body,
            Answer::Absent(_) => return Ok(None),
            Answer::SwitchedOff(words) => return Err(DirectoryError::Refused(words)),
        };
        // A path may mean something else than an object: an organization's slug, or the word `count`.
        if id_of(&body).as_ref() != Some(id) {
            return Err(unreadable("another object than was asked for".to_owned()));
        }
        map_single(listing, &body, read_at).map(Some)
    }

    /// A membership, of which Clerk answers none by its own id.
    async fn membership(&self, row: &Membership) -> Result<Option<Write>, DirectoryError> {
        let (Some(organization), Some(user)) = (&row.clerk_organization_id, &row.clerk_user_id)
        else {
            return Err(DirectoryError::Refused(
                "a membership of unknown organization or user cannot be asked for".to_owned(),
            ));
        };
        let read_at = Utc::now();
        let mut url = url(&self.base, &["organizations", organization, "memberships"])?;
        // Clerk reads a sign before an id as with or without.
        let is_signed = user.starts_with(['+', '-']);
        let wanted = if is_signed {
            format!("+{user}")
        } else {
            user.clone()
        };
        url.query_pairs_mut()
            .append_pair("user_id", &wanted)
            .append_pair("limit", MEMBERSHIPS_OF_ONE);
        // Without its organization there is no membership either.
        let body = match self.transport.get(url, Priority::Sweep).await? {
            Answer::Found(body) => body,
            Answer::Absent(_) => return Ok(None),
            Answer::SwitchedOff(words) => return Err(DirectoryError::Refused(words)),
        };
        let listed = Listed::read(Listing::Memberships, body)?;
        let found = listed
            .entries
            .iter()
            .find(|entry| id_of(entry).as_ref() == Some(&row.clerk_membership_id));
        match found {
            Some(entry) => map_single(Listing::Memberships, entry, read_at).map(Some),
            None if listed.total.unwrap_or(0) > listed.entries.len() as u64 => Err(unreadable(
                "more memberships of one user than fit on a page".to_owned(),
            )),
            None => Ok(None),
        }
    }

    /// The body of a question that must have an answer.
    async fn existing(&self, url: Url) -> Result<Value, DirectoryError> {
        match self.transport.get(url, Priority::Sweep).await? {
            Answer::Found(body) => Ok(body),
            Answer::Absent(words) | Answer::SwitchedOff(words) => {
                Err(DirectoryError::Refused(words))
            }
        }
    }

    /// One page of a listing, from a cursor and in an order.
    async fn listed(
        &self,
        listing: Listing,
        cursor: &Cursor,
        order: &'static str,
    ) -> Result<Read, DirectoryError> {
        let mut url = url(&self.base, &[collection(listing)])?;
        url.query_pairs_mut()
            .append_pair("limit", &self.page_size.to_string())
            .append_pair("order_by", order)
            .extend_pairs(cursor.parameter());
        match self.transport.get(url, Priority::Sweep).await? {
            Answer::Found(body) => Ok(Read::Listed(Listed::read(listing, body)?)),
            Answer::SwitchedOff(words) => Ok(Read::SwitchedOff(Page {
                switched_off: Some(words),
                ..Page::default()
            })),
            Answer::Absent(words) => Err(DirectoryError::Refused(words)),
        }
    }
}

/// What a listing's page is.
enum Read {
    Listed(Listed),
    /// The empty page of a listing that there is none of.
    SwitchedOff(Page),
}

fn map_single(
    listing: Listing,
    body: &Value,
    read_at: DateTime<Utc>,
) -> Result<Write, DirectoryError> {
    let path = listing.kind().as_str().to_owned();
    write(listing, body, path, &Placing::listed(read_at))
        .map_err(|fault| unreadable(fault.to_string()))
}

impl DirectoryHealth for ClerkApi {
    fn report(&self) -> DirectoryReport {
        self.transport.report()
    }
}

#[async_trait]
impl Directory for ClerkApi {
    async fn page(&self, listing: Listing, after: Option<String>) -> Result<Page, DirectoryError> {
        let cursor = Cursor::parse(listing, after.as_deref())?;
        let read_at = Utc::now();
        match self.listed(listing, &cursor, "+created_at").await? {
            Read::SwitchedOff(page) => Ok(page),
            Read::Listed(listed) => {
                let next = listed.next(&cursor, self.page_size)?;
                Ok(listed.into_page(listing, next, read_at))
            }
        }
    }

    async fn recent(
        &self,
        listing: Listing,
        since: DateTime<Utc>,
        after: Option<String>,
    ) -> Result<Page, DirectoryError> {
        let cursor = Cursor::parse_offset(listing, after.as_deref())?;
        // Clerk orders users alone by their last change.
        let (order, moved) = match listing {
            Listing::Users => ("-updated_at", "updated_at"),
            Listing::Organizations | Listing::Memberships => ("-created_at", "created_at"),
        };
        let read_at = Utc::now();
        match self.listed(listing, &cursor, order).await? {
            Read::SwitchedOff(page) => Ok(page),
            Read::Listed(listed) => {
                let next = listed.next_since(&cursor, self.page_size, moved, since);
                Ok(listed.into_page(listing, next, read_at))
            }
        }
    }

    async fn count(&self, listing: Listing) -> Result<u64, DirectoryError> {
        let url = match listing {
            Listing::Users => url(&self.base, &["users", "count"])?,
            Listing::Organizations | Listing::Memberships => {
                let mut url = url(&self.base, &[collection(listing)])?;
                url.query_pairs_mut().append_pair("limit", "1");
                url
            }
        };
        total(self.existing(url).await?.get("total_count"))
    }

    async fn find(&self, row: &Mirrored) -> Result<Option<Write>, DirectoryError> {
        match row {
            Mirrored::User(user, _) => {
                self.single(Listing::Users, &user.clerk_user_id, Priority::Sweep)
                    .await
            }
            Mirrored::Organization(organization) => {
                let id = &organization.clerk_organization_id;
                self.single(Listing::Organizations, id, Priority::Sweep)
                    .await
            }
            Mirrored::Membership(membership) => self.membership(membership).await,
            // Clerk is not to be asked about him.
            Mirrored::Forgotten(_) => Ok(None),
        }
    }

    async fn user(&self, clerk_user_id: &ClerkId) -> Result<Option<UserWrite>, DirectoryError> {
        match self
            .single(Listing::Users, clerk_user_id, Priority::Login)
            .await?
        {
            Some(Write::User(user)) => Ok(Some(*user)),
            Some(_) => Err(unreadable("another kind of object than a user".to_owned())),
            None => Ok(None),
        }
    }

    async fn live_sessions(
        &self,
        clerk_user_id: &ClerkId,
    ) -> Result<Vec<LiveSession>, DirectoryError> {
        let mut live = Vec::new();
        for page in 0..MOST_PAGES_OF_SESSIONS {
            let mut url = url(&self.base, &["sessions"])?;
            url.query_pairs_mut()
                .append_pair("user_id", clerk_user_id)
                .append_pair("limit", &SESSIONS_AT_ONCE.to_string())
                .append_pair("offset", &(page * SESSIONS_AT_ONCE).to_string());
            let body = match self.transport.get(url, Priority::Login).await? {
                Answer::Found(body) => body,
                Answer::Absent(_) => break,
                Answer::SwitchedOff(words) => return Err(DirectoryError::Refused(words)),
            };
            let told = list_of_sessions(&body)?;
            let is_last = told.len() < SESSIONS_AT_ONCE;
            for session in told.iter().filter(|session| goes_on(session)) {
                live.push(live_session(session)?);
            }
            if is_last {
                break;
            }
        }
        Ok(live)
    }

    async fn revoke_session(&self, clerk_session_id: &ClerkId) -> Result<(), DirectoryError> {
        let url = url(&self.base, &["sessions", clerk_session_id, "revoke"])?;
        let question = Question::post(url);
        match self.transport.ask(question, Priority::Login).await? {
            Answer::Found(_) | Answer::Absent(_) => Ok(()),
            Answer::SwitchedOff(words) => Err(DirectoryError::Refused(words)),
        }
    }

    async fn merge_public_metadata(
        &self,
        clerk_user_id: &ClerkId,
        patch: Value,
    ) -> Result<bool, DirectoryError> {
        let url = url(&self.base, &["users", clerk_user_id, "metadata"])?;
        let question = Question::patch(url, json!({ "public_metadata": patch }));
        match self.transport.ask(question, Priority::Login).await? {
            Answer::Found(_) => Ok(true),
            Answer::Absent(_) => Ok(false),
            Answer::SwitchedOff(words) => Err(DirectoryError::Refused(words)),
        }
    }
}

/// A bare list, or one in an envelope.
fn list_of_sessions(body: &Value) -> Result<&Vec<Value>, DirectoryError> {
    let list = body.as_array().or_else(|| body.get("data")?.as_array());
    list.ok_or_else(|| unreadable("no list of sessions".to_owned()))
}

/// Whether a session has not ended. Clerk's list cannot be asked for those that have unfinished tasks (`pending`).
fn goes_on(session: &Value) -> bool {
    session
        .get("status")
        .and_then(Value::as_str)
        .is_none_or(|status| !SessionStatus::parse(status).is_terminal())
}

fn live_session(session: &Value) -> Result<LiveSession, DirectoryError> {
    let clerk_session_id = id_of(session);
    let clerk_session_id =
        clerk_session_id.ok_or_else(|| unreadable("a session without an id".to_owned()))?;
    let created_at = session.get("created_at").and_then(Value::as_i64);
    Ok(LiveSession {
        clerk_session_id,
        created_at: created_at.and_then(DateTime::from_timestamp_millis),
    })
}
