//! The filters, orders and pages of `GET /v1/users`.

use std::cmp::Ordering;

use super::Query;
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::user::{PhoneNumber, User};

impl Query {
    /// The users that pass all filters.
    pub(super) fn filter<'a>(
        &self,
        users: &mut dyn DoubleEndedIterator<Item = &'a User>,
    ) -> Result<Vec<&'a User>, Refusal> {
        let banned = self.flag("banned")?;
        let created = (
            self.millis("created_at_after")?,
            self.millis("created_at_before")?,
        );
        let active = (
            self.millis("last_active_at_after")?,
            self.millis("last_active_at_before")?,
        );
        let signed_in = (
            self.millis("last_sign_in_at_after")?,
            self.millis("last_sign_in_at_before")?,
        );
        Ok(users
            .filter(|user| {
                let emails = || {
                    user.email_addresses
                        .iter()
                        .map(|it| it.email_address.as_str())
                };
                let phones = || user.phone_numbers.iter().map(|it| it.phone_number.as_str());
                banned.is_none_or(|banned| user.banned == banned)
                    && within(Some(user.created_at), created)
                    && within(user.last_active_at, active)
                    && within(user.last_sign_in_at, signed_in)
                    && self.admits("user_id", || std::iter::once(user.id.as_str()))
                    && self.admits("email_address", emails)
                    && self.admits("phone_number", phones)
                    && self.admits("username", || user.username.as_deref().into_iter())
                    && self.admits("external_id", || user.external_id.as_deref().into_iter())
                    && self.admits("organization_id", std::iter::empty)
                    && self.admits("web3_wallet", std::iter::empty)
                    && self.matches("email_address_query", emails)
                    && self.matches("phone_number_query", phones)
                    && self.matches("username_query", || user.username.as_deref().into_iter())
                    && self.matches("name_query", || names(user))
                    && self.matches("query", || {
                        emails()
                            .chain(phones())
                            .chain(names(user))
                            .chain(user.username.as_deref())
                            .chain([user.id.as_str()])
                    })
            })
            .collect())
    }

    /// Whether one of the listed values is the user's; a value with `-` in front must not be, and `+` means nothing
    /// (unless it begins a telephone number).
    fn admits<'a, I: Iterator<Item = &'a str>>(&self, name: &str, held: impl Fn() -> I) -> bool {
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
    fn matches<'a, I: Iterator<Item = &'a str>>(&self, name: &str, held: impl Fn() -> I) -> bool {
        let Some(part) = self.one(name).map(str::to_lowercase) else {
            return true;
        };
        held().any(|value| value.to_lowercase().contains(&part))
    }

    /// Orders, then cuts the page out.
    pub(super) fn arrange<'a>(&self, mut users: Vec<&'a User>) -> Result<Vec<&'a User>, Refusal> {
        let (limit, offset) = self.page()?;
        let order = self.one("order_by").unwrap_or("-created_at");
        let (descending, field) = match order.strip_prefix('-') {
            Some(field) => (true, field),
            // An unencoded plus arrives as a space.
            None => (false, order.trim_start_matches(['+', ' '])),
        };
        let compare: fn(&User, &User) -> Ordering = match field {
            "created_at" => |a, b| a.created_at.cmp(&b.created_at),
            "updated_at" => |a, b| a.updated_at.cmp(&b.updated_at),
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
        // The list comes in the order of creation, which a stable sort keeps among equals.
        users.sort_by(|a, b| compare(a, b));
        if descending {
            users.reverse();
        }
        let start = match self.one("starting_after") {
            None => offset,
            Some(_) if field != "created_at" => {
                return Err(invalid(
                    "starting_after",
                    "used with an order by created_at",
                ));
            }
            Some(_) if offset > 0 => {
                return Err(invalid("starting_after", "used without an offset"));
            }
            Some(id) => {
                1 + users
                    .iter()
                    .position(|user| user.id == id)
                    .ok_or_else(|| invalid("starting_after", "the id of a user in the list"))?
            }
        };
        Ok(users.into_iter().skip(start).take(limit).collect())
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
fn within(time: Option<i64>, (after, before): (Option<i64>, Option<i64>)) -> bool {
    after.is_none_or(|after| time.is_some_and(|time| time > after))
        && before.is_none_or(|before| time.is_some_and(|time| time < before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query::of(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    fn listed(pairs: &[(&str, &str)]) -> Result<Vec<String>, Refusal> {
        let users: Vec<User> = (1..=5)
            .map(|number| {
                let mut user = User::new(format!("user_{number}"), number);
                user.username = Some(format!("name{}", 9 - number));
                user.banned = number == 3;
                user
            })
            .collect();
        let query = query(pairs);
        let kept = query.filter(&mut users.iter())?;
        Ok(query
            .arrange(kept)?
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
