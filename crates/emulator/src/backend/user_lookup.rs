//! Users that a filter names one by one, found by the indexes instead of among all.

use super::Query;
use crate::state::State;
use crate::timeline::Time;
use crate::user::{StoredUser, User};

impl Query {
    /// Those that ids or e-mail addresses name, each once and with its place; `None` when neither does, or when one is
    /// only excluded. Other filters have not been asked yet.
    pub(super) fn named_users<'a>(&self, state: &'a State) -> Option<Vec<(u64, &'a User)>> {
        let found: Vec<&'a StoredUser> = match self.plain("user_id") {
            Some(ids) => each(ids, |id| state.users.get(id)),
            None => each(self.plain("email_address")?, |it| state.owner_of(it)),
        };
        let found = found.into_iter().map(|stored| &stored.user);
        let placed = |user: &'a User| Some((state.users.place(&user.id)?, user));
        let mut named: Vec<_> = found.filter_map(placed).collect();
        named.sort_unstable_by_key(|(place, _)| *place);
        named.dedup_by_key(|(place, _)| *place);
        Some(named)
    }

    /// The values of this name, unless one excludes.
    fn plain<'q>(&'q self, name: &'q str) -> Option<Vec<&'q str>> {
        let values: Vec<&str> = self.all(name).collect();
        let excludes = values.iter().any(|value| value.starts_with('-'));
        (!values.is_empty() && !excludes).then_some(values)
    }
}

/// In the order of a time, and of making where times are equal.
pub(super) fn ordered(mut named: Vec<(u64, &User)>, time: Time, descending: bool) -> Vec<&User> {
    named.sort_by_key(|(place, user)| match time {
        Time::Created => (user.created_at, *place),
        Time::Updated => (user.updated_at, *place),
    });
    if descending {
        named.reverse();
    }
    named.into_iter().map(|(_, user)| user).collect()
}

/// What each value finds as it is, or without its plus, which arrives as a space when it was not encoded.
fn each<'a>(
    values: Vec<&str>,
    find: impl Fn(&str) -> Option<&'a StoredUser>,
) -> Vec<&'a StoredUser> {
    let found = |value| find(value).or_else(|| find(value.trim_start_matches(['+', ' '])));
    values.into_iter().filter_map(found).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{EmailAddress, Verification};

    fn state() -> State {
        let mut state = State::empty(Some(1));
        for number in 1..=4 {
            let mut user = User::new(format!("user_{number}"), 10 - number);
            user.email_addresses.push(EmailAddress {
                id: format!("idn_{number}"),
                object: "email_address".to_owned(),
                email_address: format!("{number}@example.com"),
                reserved: false,
                verification: Some(Verification::by_admin()),
                linked_to: Vec::new(),
                matches_sso_connection: false,
                created_at: 1,
                updated_at: 1,
            });
            let password = None;
            state.put_user(StoredUser { user, password }).unwrap();
        }
        state
    }

    fn query(text: &str) -> Query {
        Query::parsed(text)
    }

    #[test]
    fn the_page_is_the_one_that_a_scan_gives() {
        let state = state();
        let ids = |text: &str| -> Vec<String> {
            let users = query(text).users(&state).unwrap();
            users
                .into_iter()
                .map(|user| user.id.replace("user_", ""))
                .collect()
        };
        assert_eq!(
            ids("user_id=user_2&user_id=%2Buser_1&user_id=user_2&user_id=x"),
            ["1", "2"]
        );
        assert_eq!(
            ids("user_id=user_2&user_id=user_1&order_by=created_at"),
            ["2", "1"]
        );
        assert_eq!(
            ids("email_address=3@EXAMPLE.com&email_address=nobody@example.com"),
            ["3"]
        );
        assert_eq!(
            ids("email_address=3@example.com&user_id=user_1"),
            Vec::<String>::new()
        );
        assert_eq!(ids("user_id=user_1&user_id=user_2&limit=1&offset=1"), ["2"]);
        assert_eq!(
            ids("user_id=user_1&user_id=user_3&starting_after=user_1"),
            ["3"]
        );
        assert_eq!(ids("user_id=-user_1").len(), 3);
        assert_eq!(
            query("user_id=user_1&user_id=user_1").count_users(&state),
            Ok(1)
        );
    }

    #[test]
    fn only_names_are_looked_up() {
        let state = state();
        for text in [
            "",
            "query=user_1",
            "user_id=-user_1",
            "user_id=user_1&user_id=-user_2",
        ] {
            assert!(query(text).named_users(&state).is_none(), "{text}");
        }
        assert!(
            query("user_id=user_404")
                .named_users(&state)
                .unwrap()
                .is_empty()
        );
    }
}
