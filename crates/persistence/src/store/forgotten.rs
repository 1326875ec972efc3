//! Who has been forgotten. What is told of them later fills no row again, and no message about them is kept.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use diesel::{ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryResult};
use domain::{
    ClerkId, Delivery, Effect, MembershipWrite, ObjectWrite, Payload, Precedence, SessionWrite,
    Write,
};
use serde_json::{Map, Value, json};

use super::Link;
use super::run::RunQueryDsl;
use crate::schema::{sessions, users};

/// Above every place that a fact may have: nothing that is told later fills the row again. On a user's row it says that
/// the person is forgotten, or is about to be.
pub(super) const ABOVE_ALL: [u8; Precedence::LENGTH] = [0xff; Precedence::LENGTH];

/// Ids in one statement: SQLite takes some thirty thousand.
const AT_ONCE: usize = 10_000;

/// How Clerk's ids of users begin.
const USER_ID: &str = "user_";

/// What is left of an object that named a forgotten person.
pub(super) fn erased() -> Value {
    json!({ "erased": true })
}

/// Those of these users, by Clerk's ids, who are forgotten.
pub(super) async fn among(mut link: Link<'_>, ids: &[&str]) -> QueryResult<HashSet<String>> {
    let mut forgotten = HashSet::new();
    for ids in ids.chunks(AT_ONCE) {
        let found: Vec<String> = users::table
            .filter(users::clerk_user_id.eq_any(ids))
            .filter(users::precedence.eq(ABOVE_ALL.to_vec()))
            .select(users::clerk_user_id)
            .load(&mut link)
            .await?;
        forgotten.extend(found);
    }
    Ok(forgotten)
}

/// Those of these sessions that are a forgotten person's.
pub(super) async fn sessions_among(
    mut link: Link<'_>,
    ids: &[&str],
) -> QueryResult<HashSet<String>> {
    let mut forgotten = HashSet::new();
    for ids in ids.chunks(AT_ONCE) {
        let of_user = sessions::clerk_user_id.eq(users::clerk_user_id.nullable());
        let found: Vec<String> = sessions::table
            .inner_join(users::table.on(of_user))
            .filter(sessions::clerk_session_id.eq_any(ids))
            .filter(users::precedence.eq(ABOVE_ALL.to_vec()))
            .select(sessions::clerk_session_id)
            .load(&mut link)
            .await?;
        forgotten.extend(found);
    }
    Ok(forgotten)
}

/// Whom deliveries may tell of: what is looked up in [`among`] and [`sessions_among`].
#[derive(Default)]
pub(super) struct Named<'a> {
    users: BTreeSet<Cow<'a, str>>,
    sessions: BTreeSet<&'a str>,
}

impl<'a> Named<'a> {
    /// In the messages themselves, and in what they change.
    pub(super) fn by(deliveries: &'a [Delivery]) -> Self {
        let mut named = Self::default();
        for delivery in deliveries {
            match &delivery.payload {
                Payload::Json(text) => named.read(text.as_str()),
                Payload::Bytes(bytes) => named.users.extend(ids_in(bytes).map(Cow::from)),
            }
            if let Effect::Writes(writes) = &delivery.effect {
                named.by_all(writes);
            }
        }
        named
    }

    /// In writes alone.
    pub(super) fn by_groups(groups: &[&'a [Write]]) -> Self {
        let mut named = Self::default();
        for writes in groups {
            named.by_all(writes);
        }
        named
    }

    /// Users, by Clerk's ids.
    pub(super) fn users(&self) -> Vec<&str> {
        self.users.iter().map(Cow::as_ref).collect()
    }

    /// The users without these, who are sorted.
    pub(super) fn users_but(&self, these: &[&str]) -> Vec<&str> {
        let mut users = self.users();
        users.retain(|id| these.binary_search(id).is_err());
        users
    }

    /// Sessions of which it is not said whose they are.
    pub(super) fn sessions(&self) -> Vec<&'a str> {
        self.sessions.iter().copied().collect()
    }

    fn by_all(&mut self, writes: &'a [Write]) {
        for write in writes {
            match write {
                Write::User(write) => {
                    self.add(write.profile.clerk_user_id.as_str());
                }
                Write::Session(write) => match &write.clerk_user_id {
                    Some(id) => {
                        self.add(id.as_str());
                    }
                    None => {
                        self.sessions.insert(write.clerk_session_id.as_str());
                    }
                },
                Write::Membership(write) => {
                    self.add(write.profile.clerk_user_id.as_str());
                }
                Write::Object(write) => each_id(&write.data, &mut |id| self.add(id)),
                // They hold ids and nothing that makes a person.
                Write::Organization(_)
                | Write::Subscription(_)
                | Write::SubscriptionItem(_)
                | Write::Deletion(_) => {}
            }
        }
    }

    fn add(&mut self, id: &'a str) {
        self.users.insert(Cow::Borrowed(id));
    }

    /// In a text that is JSON.
    fn read(&mut self, json: &'a str) {
        if !json.contains('\\') {
            self.users.extend(ids_told_by(json).map(Cow::from));
        } else if let Ok(value) = serde_json::from_str(json) {
            // An id may be written in another way than it is.
            each_id(&value, &mut |id| {
                self.users.insert(Cow::Owned(id.to_owned()));
            });
        }
    }
}

/// Calls for each text in a value that looks like the id of a user.
fn each_id<'v>(value: &'v Value, found: &mut impl FnMut(&'v str)) {
    match value {
        Value::String(text) => {
            if text.starts_with(USER_ID) && ClerkId::check(text).is_ok() {
                found(text);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| each_id(value, found)),
        Value::Object(map) => map.values().for_each(|value| each_id(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What looks like the id of a user and is a whole text in JSON, a key included.
fn ids_told_by(json: &str) -> impl Iterator<Item = &str> {
    json.match_indices("\"user_").filter_map(|(quote, _)| {
        let (id, _) = json.get(quote + 1..)?.split_once('"')?;
        ClerkId::check(id).is_ok().then_some(id)
    })
}

/// What looks like the id of a user in bytes that are no JSON.
fn ids_in(bytes: &[u8]) -> impl Iterator<Item = &str> {
    bytes
        .utf8_chunks()
        .flat_map(|chunk| {
            chunk
                .valid()
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        })
        .filter(|word| word.starts_with(USER_ID) && ClerkId::check(word).is_ok())
}

/// The forgotten ones among those named.
pub(super) struct Forgotten {
    pub(super) users: HashSet<String>,
    pub(super) sessions: HashSet<String>,
}

impl Forgotten {
    /// Whether nobody is.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.sessions.is_empty()
    }

    /// A delivery without anything of the forgotten. That it came stays known.
    pub(super) fn redacted(&self, delivery: &Delivery) -> Delivery {
        let mut delivery = delivery.clone();
        let names = match &delivery.payload {
            Payload::Json(text) => match serde_json::from_str(text.as_str()) {
                Ok(value) => self.are_in(&value),
                Err(_) => ids_in(text.as_str().as_bytes()).any(|id| self.users.contains(id)),
            },
            Payload::Bytes(bytes) => ids_in(bytes).any(|id| self.users.contains(id)),
        };
        let is_theirs = |write: &Write| match write {
            Write::Session(write) => self.has_session(write),
            _ => false,
        };
        if let Effect::Writes(writes) = &mut delivery.effect {
            if names || writes.iter().any(is_theirs) {
                delivery.payload = Payload::Bytes(Vec::new());
            }
            *writes = self.without(writes);
        } else if names {
            delivery.payload = Payload::Bytes(Vec::new());
        }
        delivery
    }

    /// Writes without anything of the forgotten.
    pub(super) fn without(&self, writes: &[Write]) -> Vec<Write> {
        let kept = writes.iter().filter_map(|write| {
            Some(match write {
                Write::User(write) if self.users.contains(write.profile.clerk_user_id.as_str()) => {
                    return None;
                }
                Write::Session(write) if self.has_session(write) => {
                    Write::Session(Box::new(SessionWrite {
                        actor: None,
                        sign_in: None,
                        ..(**write).clone()
                    }))
                }
                Write::Membership(write)
                    if self.users.contains(write.profile.clerk_user_id.as_str()) =>
                {
                    let mut write: MembershipWrite = (**write).clone();
                    write.profile.public_metadata = Map::new();
                    Write::Membership(Box::new(write))
                }
                Write::Object(write) if self.are_in(&write.data) => {
                    Write::Object(Box::new(ObjectWrite {
                        data: erased(),
                        ..(**write).clone()
                    }))
                }
                write => write.clone(),
            })
        });
        kept.collect()
    }

    fn has_session(&self, write: &SessionWrite) -> bool {
        self.sessions.contains(write.clerk_session_id.as_str())
            || (write.clerk_user_id.as_ref()).is_some_and(|id| self.users.contains(id.as_str()))
    }

    fn are_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.users.contains(text),
            Value::Array(list) => list.iter().any(|value| self.are_in(value)),
            Value::Object(map) => map.values().any(|value| self.are_in(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_what_is_no_json() {
        let bytes = b"{\"a\": \"user_1\xff user_2\", user_3:} xuser_4 user_";
        let found: Vec<&str> = ids_in(bytes).collect();
        assert_eq!(found, ["user_1", "user_2", "user_3", "user_"]);
    }

    #[test]
    fn ids_are_found_in_json_however_they_are_written() {
        let plain = r#"{"a":["user_1","x user_2","user_3 x"],"b":{"c":"user_4"}}"#;
        let escaped = r#"{"a":"user_\"1","b":["\u0075ser_2","user_3"]}"#;
        for (json, ids) in [
            (plain, vec!["user_1", "user_4"]),
            (escaped, vec!["user_\"1", "user_2", "user_3"]),
        ] {
            let mut named = Named::default();
            named.read(json);
            assert_eq!(named.users(), ids);
        }
    }

    #[test]
    fn an_object_that_names_nobody_forgotten_stays() {
        let forgotten = Forgotten {
            users: HashSet::from(["user_1".to_owned()]),
            sessions: HashSet::new(),
        };
        assert!(forgotten.are_in(&json!({"a": [{"b": "user_1"}]})));
        for other in [json!("user_10"), json!({"user_1": 1}), json!(null)] {
            assert!(!forgotten.are_in(&other), "{other}");
        }
    }
}
