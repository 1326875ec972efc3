//! Whether a stored message, object or change names a person.

use diesel::QueryResult;
use domain::{Change, ChangeKind, ObjectKind, User};
use serde_json::Value;

use super::{Conn, rows};

/// What names a person: the id at Clerk, and every address.
pub(super) struct Mentions {
    clerk_user_id: String,
    addresses: Vec<String>,
}

impl Mentions {
    pub(super) async fn of(conn: &mut Conn, person: &User) -> QueryResult<Self> {
        let emails = rows::emails_of(conn, person.clerk_user_id.as_str()).await?;
        let mut addresses: Vec<String> = emails
            .iter()
            .map(|email| &email.email_address)
            .chain(&person.email)
            .filter(|address| !address.is_empty())
            .map(|address| address.to_lowercase())
            .collect();
        addresses.sort();
        addresses.dedup();
        Ok(Self {
            clerk_user_id: person.clerk_user_id.to_string(),
            addresses,
        })
    }

    /// The id at Clerk.
    pub(super) fn clerk_user_id(&self) -> &str {
        &self.clerk_user_id
    }

    /// Whether some text in the value is the id or an address.
    pub(super) fn are_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                *text == self.clerk_user_id || self.addresses.contains(&text.to_lowercase())
            }
            Value::Array(list) => list.iter().any(|value| self.are_in(value)),
            Value::Object(map) => map.values().any(|value| self.are_in(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    /// Whether bytes that are no JSON hold the id or an address.
    pub(super) fn are_in_bytes(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let small = text.to_lowercase();
        text.contains(&self.clerk_user_id)
            || self.addresses.iter().any(|address| small.contains(address))
    }

    /// Whether a change tells of the person. Organizations and what is paid for only name his id, and stay.
    pub(super) fn are_told_by(&self, change: &Change) -> bool {
        let kind = match change.kind {
            ChangeKind::Object(kind) => kind,
            // They name the user and nothing else of him.
            ChangeKind::Usage | ChangeKind::Portfolios => return false,
        };
        match kind {
            ObjectKind::User => change.clerk_id == self.clerk_user_id,
            ObjectKind::Session | ObjectKind::Membership => {
                change.data.get("clerk_user_id").and_then(Value::as_str)
                    == Some(self.clerk_user_id.as_str())
            }
            ObjectKind::Organization | ObjectKind::Subscription | ObjectKind::SubscriptionItem => {
                false
            }
            _ => self.are_in(&change.data),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_counts_in_any_case_and_any_place_and_the_id_as_it_is() {
        let mentions = Mentions {
            clerk_user_id: "user_1".to_owned(),
            addresses: vec!["ann@example.com".to_owned()],
        };
        assert!(mentions.are_in(&json!({"a": [{"b": "Ann@Example.com"}]})));
        assert!(mentions.are_in(&json!(["user_1"])));
        for value in [
            json!("user_10"),
            json!("USER_1"),
            json!({"user_1": 1}),
            json!(null),
        ] {
            assert!(!mentions.are_in(&value), "{value}");
        }
        assert!(mentions.are_in_bytes(b"{\xff ANN@example.com"));
        assert!(!mentions.are_in_bytes(b"{\xff bob@example.com"));
    }
}
