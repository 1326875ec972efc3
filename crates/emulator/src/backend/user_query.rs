//! The filters, orders and pages of `GET /v1/users`.

use std::cmp::Ordering;

use super::Query;
use super::user_lookup::ordered;
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::state::State;
use crate::timeline::Time;
use crate::user::{PhoneNumber, User};

/// What narrows a list of users down. Without any of these a page is cut out of an index, however long the list.
const FILTERS: [&str; 20] = [
    "banned",
    "created_at_after",
    "created_at_before",
    "email_address",
    "email_address_query",
    "external_id",
    "last_active_at_after",
    "last_active_at_before",
    "last_active_at_since",
    "last_sign_in_at_after",
    "last_sign_in_at_before",
    "name_query",
    "organization_id",
    "phone_number",
    "phone_number_query",
    "provider",
    "query",
    "user_id",
    "username",
    "username_query",
];

/// Both ends of a time, exclusive.
type Span = (Option<i64>, Option<i64>);

/// The filters of a list of users whose values have to be read first.
pub(super) struct UserFilter<'q> {
    query: &'q Query,
    banned: Option<bool>,
    created: Span,
    active: Span,
    signed_in: Span,
}

impl UserFilter<'_> {
    /// Whether the user passes all filters.
    pub(super) fn admits(&self, state: &State, user: &User) -> bool {
        within(Some(user.created_at), self.created) && self.admits_member(state, user)
    }

    /// Whether the user passes all filters but those by `created_at`, which lists of memberships mean of themselves.
    pub(super) fn admits_member(&self, state: &State, user: &User) -> bool {
        let query = self.query;
        let emails = || {
            user.email_addresses
                .iter()
                .map(|it| it.email_address.as_str())
        };
        let phones = || user.phone_numbers.iter().map(|it| it.phone_number.as_str());
        let organizations = || {
            let joined = state.roster.joined_by(&user.id);
            joined.map(|it| it.organization_id.as_str())
        };
        self.banned.is_none_or(|banned| user.banned == banned)
            && within(user.last_active_at, self.active)
            && within(user.last_sign_in_at, self.signed_in)
            && query.admits("user_id", || std::iter::once(user.id.as_str()))
            && query.admits("email_address", emails)
            && query.admits("phone_number", phones)
            && query.admits("username", || user.username.as_deref().into_iter())
            && query.admits("external_id", || user.external_id.as_deref().into_iter())
            && query.admits("organization_id", organizations)
            && query.admits("web3_wallet", std::iter::empty)
            && query.admits_account(user)
            && query.matches("email_address_query", emails)
            && query.matches("phone_number_query", phones)
            && query.matches("username_query", || user.username.as_deref().into_iter())
            && query.matches("name_query", || names(user))
            && query.matches("query", || {
                emails()
                    .chain(phones())
                    .chain(names(user))
                    .chain(user.username.as_deref())
                    .chain([user.id.as_str()])
            })
    }
}

impl Query {
    /// The filters of a list of users, or `None` when there are none.
    pub(super) fn user_filter(&self) -> Result<Option<UserFilter<'_>>, Refusal> {
        self.require_few()?;
        let since = self.millis("last_active_at_since")?;
        let filter = UserFilter {
            query: self,
            banned: self.flag("banned")?,
            created: (
                self.millis("created_at_after")?,
                self.millis("created_at_before")?,
            ),
            active: (
                // Since a time is at it too.
                self.millis("last_active_at_after")?
                    .or(since.map(|since| since.saturating_sub(1))),
                self.millis("last_active_at_before")?,
            ),
            signed_in: (
                self.millis("last_sign_in_at_after")?,
                self.millis("last_sign_in_at_before")?,
            ),
        };
        let filtered = self.has("web3_wallet") || FILTERS.iter().any(|name| self.has(name));
        Ok(filtered.then_some(filter))
    }

    /// How many users pass all filters.
    pub(super) fn count_users(&self, state: &State) -> Result<usize, Refusal> {
        Ok(match self.user_filter()? {
            None => state.users.len(),
            Some(filter) if let Some(named) = self.named_users(state) => {
                let admitted = |(_, user): &&(u64, &User)| filter.admits(state, user);
                named.iter().filter(admitted).count()
            }
            Some(filter) => {
                let users = state.users.iter().map(|stored| &stored.user);
                users.filter(|user| filter.admits(state, user)).count()
            }
        })
    }

    /// Whether one of the listed values is the user's; a value with `-` in front must not be, and `+` means nothing
    /// (unless it begins a telephone number).
    pub(crate) fn admits<'a, I: Iterator<Item = &'a str>>(
        &self,
        name: &str,
        held: impl Fn() -> I,
    ) -> bool {
        let holds = |wanted: &str| held().any(|value| value.eq_ignore_ascii_case(wanted));
        let mut wanted = false;
        let mut found = false;
        for value in self.all(name) {
            if let Some(unwanted) = value.strip_prefix('-') {
                if holds(unwanted) {
                    return false;
                }
            } else {
                wanted = true;
                found |= holds(value) || holds(value.trim_start_matches(['+', ' ']));
            }
        }
        found || !wanted
    }

    /// Whether one of the user's values contains the text, in any case.
    pub(crate) fn matches<'a, I: Iterator<Item = &'a str>>(
        &self,
        name: &str,
        held: impl Fn() -> I,
    ) -> bool {
        let Some(part) = self.one(name).map(str::to_lowercase) else {
            return true;
        };
        held().any(|value| value.to_lowercase().contains(&part))
    }

    /// The page of users that is asked for.
    pub(super) fn users<'a>(&self, state: &'a State) -> Result<Vec<&'a User>, Refusal> {
        let (limit, offset) = self.page()?;
        let (descending, field) = self.order();
        let after = self.one("starting_after");
        if let Some(id) = after {
            if field != "created_at" {
                return Err(invalid(
                    "starting_after",
                    "used with an order by created_at",
                ));
            }
            if offset > 0 {
                return Err(invalid("starting_after", "used without an offset"));
            }
            if state.users.get(id).is_none() {
                return Err(invalid("starting_after", "the id of a user in the list"));
            }
        }
        let filter = self.user_filter()?;
        let user = |place| state.users.at(place).map(|stored| &stored.user);
        let time = match field {
            "created_at" => Time::Created,
            "updated_at" => Time::Updated,
            field => return self.sorted_users(state, filter.as_ref(), field, descending),
        };
        if let (None, Some(filter), Some(named)) = (after, &filter, self.named_users(state)) {
            let mut kept = ordered(named, time, descending);
            kept.retain(|user| filter.admits(state, user));
            return Ok(kept.into_iter().skip(offset).take(limit).collect());
        }
        let places = state.users_by(time, descending, after);
        let Some(filter) = filter else {
            return Ok(places.skip(offset).take(limit).filter_map(user).collect());
        };
        Ok(places
            .filter_map(user)
            .filter(|user| filter.admits(state, user))
            .skip(offset)
            .take(limit)
            .collect())
    }

    /// A page in an order that has no index.
    fn sorted_users<'a>(
        &self,
        state: &'a State,
        filter: Option<&UserFilter<'_>>,
        field: &str,
        descending: bool,
    ) -> Result<Vec<&'a User>, Refusal> {
        let (limit, offset) = self.page()?;
        let compare: fn(&User, &User) -> Ordering = match field {
            "last_active_at" => |a, b| a.last_active_at.cmp(&b.last_active_at),
            "last_sign_in_at" => |a, b| a.last_sign_in_at.cmp(&b.last_sign_in_at),
            "first_name" => |a, b| a.first_name.cmp(&b.first_name),
            "last_name" => |a, b| a.last_name.cmp(&b.last_name),
            "username" => |a, b| a.username.cmp(&b.username),
            "email_address" => |a, b| a.primary_email().cmp(&b.primary_email()),
            "phone_number" => |a, b| {
                a.phone_numbers
                    .first()
                    .map(phone)
                    .cmp(&b.phone_numbers.first().map(phone))
            },
            "web3wallet" => |_, _| Ordering::Equal,
            _ => {
                return Err(invalid(
                    "order_by",
                    "a field that users can be ordered by, with + or - in front",
                ));
            }
        };
        let users = state.users.iter().map(|stored| &stored.user);
        let mut users: Vec<&User> = users
            .filter(|user| filter.is_none_or(|filter| filter.admits(state, user)))
            .collect();
        // They come in the order of creation, which a stable sort keeps among equals.
        users.sort_by(|a, b| compare(a, b));
        if descending {
            users.reverse();
        }
        Ok(users.into_iter().skip(offset).take(limit).collect())
    }
}

fn names(user: &User) -> impl Iterator<Item = &str> {
    user.first_name
        .as_deref()
        .into_iter()
        .chain(user.last_name.as_deref())
}

fn phone(number: &PhoneNumber) -> &str {
    &number.phone_number
}

/// `(after, before)`, both exclusive; a user without the time is outside of any bound.
fn within(time: Option<i64>, (after, before): Span) -> bool {
    after.is_none_or(|after| time.is_some_and(|time| time > after))
        && before.is_none_or(|before| time.is_some_and(|time| time < before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::StoredUser;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query::of(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    fn listed(pairs: &[(&str, &str)]) -> Result<Vec<String>, Refusal> {
        let mut state = State::empty(Some(1));
        for number in 1..=5 {
            let mut user = User::new(format!("user_{number}"), number);
            user.username = Some(format!("name{}", 9 - number));
            user.banned = number == 3;
            // Changed in another order than made.
            user.updated_at = 10 + number % 3;
            let stored = StoredUser {
                user,
                password: None,
            };
            state.put_user(stored).unwrap();
        }
        let query = query(pairs);
        assert_eq!(
            query.count_users(&state).unwrap_or_default(),
            match query.user_filter() {
                Ok(Some(filter)) => state
                    .users
                    .iter()
                    .filter(|it| filter.admits(&state, &it.user))
                    .count(),
                Ok(None) => 5,
                Err(_) => 0,
            }
        );
        Ok(query
            .users(&state)?
            .into_iter()
            .map(|user| user.id.replace("user_", ""))
            .collect())
    }

    #[test]
    fn newest_first_unless_told_otherwise() {
        assert_eq!(listed(&[]).unwrap(), ["5", "4", "3", "2", "1"]);
        assert_eq!(
            listed(&[("order_by", "+created_at")]).unwrap(),
            ["1", "2", "3", "4", "5"]
        );
        assert_eq!(
            listed(&[("order_by", " created_at"), ("limit", "2"), ("offset", "1")]).unwrap(),
            ["2", "3"]
        );
        assert_eq!(
            listed(&[("order_by", "updated_at")]).unwrap(),
            ["3", "1", "4", "2", "5"]
        );
        assert_eq!(
            listed(&[("order_by", "-updated_at"), ("banned", "false")]).unwrap(),
            ["5", "2", "4", "1"]
        );
        assert_eq!(
            listed(&[("order_by", "username")]).unwrap(),
            ["5", "4", "3", "2", "1"]
        );
    }

    #[test]
    fn the_cursor_walks_created_at_orders_only() {
        assert_eq!(
            listed(&[("starting_after", "user_4"), ("limit", "2")]).unwrap(),
            ["3", "2"]
        );
        for bad in [
            [("starting_after", "user_4"), ("order_by", "updated_at")],
            [("starting_after", "user_4"), ("offset", "1")],
            [("starting_after", "user_404"), ("limit", "1")],
        ] {
            assert!(listed(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn filters_include_exclude_and_search() {
        assert_eq!(
            listed(&[("user_id", "user_1"), ("user_id", "+user_3")]).unwrap(),
            ["3", "1"]
        );
        assert_eq!(
            listed(&[("user_id", "-user_5"), ("banned", "false")]).unwrap(),
            ["4", "2", "1"]
        );
        assert_eq!(listed(&[("query", "NAME7")]).unwrap(), ["2"]);
        assert_eq!(
            listed(&[("created_at_after", "2"), ("created_at_before", "5")]).unwrap(),
            ["4", "3"]
        );
        assert!(listed(&[("organization_id", "org_1")]).unwrap().is_empty());
    }

    #[test]
    fn wrong_values_name_the_parameter() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "501"),
            ("offset", "-1"),
            ("order_by", "shoe_size"),
            ("banned", "maybe"),
        ] {
            let refusal = listed(&[(name, value)]).unwrap_err();
            assert!(
                matches!(&refusal, Refusal::ParamInvalid { param, .. } if param == name),
                "{refusal}"
            );
        }
    }
}
