//! What sets a row apart from what Clerk has, column by column.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{
    EmailAddress, Membership, MembershipProfile, Mirrored, Organization, OrganizationProfile, User,
    UserProfile, Write,
};

/// How a row is out of step with Clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drift {
    /// Clerk has an object, and there is no row.
    Missing,
    /// There is a live row, and Clerk has no object.
    Extra,
    /// The row knows an older version, or a token's claims alone.
    Stale,
    /// The row claims to know as much as Clerk says, or more, and says something else; or it says that the object is gone.
    Differs,
}

/// A drift, with the columns that differ where both sides have the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) drift: Drift,
    pub(super) fields: Vec<&'static str>,
}

/// Holds what Clerk has of an object (`None`: nothing) against its row (`None`: there is none). `None` when they agree.
///
/// A forgotten person's rows agree with everything. The version alone makes no drift: a row that says what Clerk says is right, however it came to.
pub(super) fn judge(told: Option<&Write>, row: Option<&Mirrored>) -> Option<Finding> {
    let without_fields = |drift| {
        Some(Finding {
            drift,
            fields: Vec::new(),
        })
    };
    match (told, row) {
        // Clerk may well have him: only here he is forgotten.
        (_, Some(Mirrored::Forgotten(_))) | (None, None) => None,
        (None, Some(row)) if row.is_deleted() => None,
        (None, Some(_)) => without_fields(Drift::Extra),
        (Some(_), None) => without_fields(Drift::Missing),
        (Some(write), Some(row)) => {
            let fields = differences(write, row);
            if fields.is_empty() {
                return None;
            }
            let drift = if !row.is_deleted() && row.version() < version(write) {
                Drift::Stale
            } else {
                Drift::Differs
            };
            Some(Finding { drift, fields })
        }
    }
}

/// Clerk's `updated_at` behind a write, in milliseconds since 1970, as rows keep it.
pub(super) fn version(write: &Write) -> i64 {
    write
        .precedence()
        .map_or(i64::MAX, crate::Precedence::version_millis)
}

/// The columns that differ, gathered one after another.
#[derive(Default)]
struct Columns(Vec<&'static str>);

impl Columns {
    fn put(&mut self, name: &'static str, is_same: bool) {
        if !is_same {
            self.0.push(name);
        }
    }

    fn text(&mut self, name: &'static str, told: Option<&str>, row: Option<&str>) {
        self.put(name, told == row);
    }

    /// Databases keep microseconds.
    fn time(&mut self, name: &'static str, told: DateTime<Utc>, row: DateTime<Utc>) {
        self.put(name, told.timestamp_micros() == row.timestamp_micros());
    }

    fn metadata(&mut self, told: &Map<String, Value>, row: &Value) {
        let is_same = row.as_object().is_some_and(|row| is_same_map(told, row));
        self.put("public_metadata", is_same);
    }

    fn alive(&mut self, deleted_at: Option<DateTime<Utc>>) {
        self.put("deleted_at", deleted_at.is_none());
    }
}

fn differences(write: &Write, row: &Mirrored) -> Vec<&'static str> {
    let mut columns = Columns::default();
    match (write, row) {
        (Write::User(write), Mirrored::User(row, emails)) => {
            user(&mut columns, &write.profile, row, emails);
        }
        (Write::Organization(write), Mirrored::Organization(row)) => {
            organization(&mut columns, &write.profile, row);
        }
        (Write::Membership(write), Mirrored::Membership(row)) => {
            membership(&mut columns, &write.profile, row);
        }
        // No listing gives another kind, and no store answers a row of another kind than was asked for.
        _ => {}
    }
    columns.0
}

fn user(columns: &mut Columns, told: &UserProfile, row: &User, row_emails: &[EmailAddress]) {
    let UserProfile {
        clerk_user_id: _,
        external_id,
        username,
        first_name,
        last_name,
        image_url,
        emails,
        public_metadata,
        banned,
        locked,
        created_at,
        updated_at,
        last_sign_in_at,
    } = told;
    let primary = told.primary_email();
    columns.text(
        "external_id",
        external_id.as_deref(),
        row.external_id.as_deref(),
    );
    columns.text("username", username.as_deref(), row.username.as_deref());
    columns.text(
        "email",
        primary.map(|email| email.email_address.as_str()),
        row.email.as_deref(),
    );
    columns.put(
        "email_verified",
        primary.is_some_and(|email| email.verified) == row.email_verified,
    );
    columns.put("emails", is_same_set(emails, row_emails));
    columns.text(
        "first_name",
        first_name.as_deref(),
        row.first_name.as_deref(),
    );
    columns.text("last_name", last_name.as_deref(), row.last_name.as_deref());
    columns.text(
        "full_name",
        told.full_name().as_deref(),
        row.full_name.as_deref(),
    );
    columns.text("image_url", image_url.as_deref(), row.image_url.as_deref());
    columns.metadata(public_metadata, &row.public_metadata);
    columns.put("banned", *banned == row.banned);
    columns.put("locked", *locked == row.locked);
    columns.time("created_at", *created_at, row.created_at);
    columns.time("updated_at", *updated_at, row.updated_at);
    // Sessions tell of later sign-ins, so only a row that lags behind is wrong.
    let micros = |at: DateTime<Utc>| at.timestamp_micros();
    columns.put(
        "last_login_at",
        row.last_login_at.map(micros) >= last_sign_in_at.map(micros),
    );
    columns.alive(row.deleted_at);
}

fn organization(columns: &mut Columns, told: &OrganizationProfile, row: &Organization) {
    let OrganizationProfile {
        clerk_organization_id: _,
        name,
        slug,
        image_url,
        public_metadata,
        created_by,
        created_at,
        updated_at,
    } = told;
    columns.text("name", name.as_deref(), row.name.as_deref());
    columns.text("slug", slug.as_deref(), row.slug.as_deref());
    columns.text("image_url", image_url.as_deref(), row.image_url.as_deref());
    columns.metadata(public_metadata, &row.public_metadata);
    columns.text(
        "created_by",
        created_by.as_ref().map(AsRef::as_ref),
        row.created_by.as_deref(),
    );
    columns.time("created_at", *created_at, row.created_at);
    columns.time("updated_at", *updated_at, row.updated_at);
    columns.alive(row.deleted_at);
}

fn membership(columns: &mut Columns, told: &MembershipProfile, row: &Membership) {
    let MembershipProfile {
        clerk_membership_id: _,
        clerk_organization_id,
        clerk_user_id,
        role,
        permissions,
        public_metadata,
        created_at,
        updated_at,
    } = told;
    columns.text(
        "clerk_organization_id",
        Some(clerk_organization_id.as_str()),
        row.clerk_organization_id.as_deref(),
    );
    columns.text(
        "clerk_user_id",
        Some(clerk_user_id.as_str()),
        row.clerk_user_id.as_deref(),
    );
    columns.text("role", role.as_deref(), row.role.as_deref());
    let row_permissions = row.permissions.as_array().and_then(|list| {
        list.iter()
            .map(|permission| permission.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    columns.put(
        "permissions",
        row_permissions.is_some_and(|row| is_same_set(permissions, &row)),
    );
    columns.metadata(public_metadata, &row.public_metadata);
    columns.time("created_at", *created_at, row.created_at);
    columns.time("updated_at", *updated_at, row.updated_at);
    columns.alive(row.deleted_at);
}

/// Whether two lists hold the same, each as often. Clerk promises no order of addresses or permissions, and none of
/// ours means anything: which address is primary is a mark on it.
fn is_same_set<T: PartialEq>(told: &[T], row: &[T]) -> bool {
    let count = |list: &[T], wanted: &T| list.iter().filter(|item| *item == wanted).count();
    told == row
        || (told.len() == row.len()
            && told
                .iter()
                .all(|item| count(told, item) == count(row, item)))
}

fn is_same_map(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(key, value)| b.get(key).is_some_and(|other| is_same_value(value, other)))
}

/// JSON as a database may give it back: PostgreSQL writes 1e17 as 100000000000000000, which reads as an integer, and a
/// fraction may lose its last bit between text and number.
fn is_same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() || b.is_f64() => {
            match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs()),
                _ => false,
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => is_same_map(a, b),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_survive_the_database() {
        for (clerk, database) in [
            ("1e17", "100000000000000000"),
            ("1.0", "1"),
            ("-0.0", "0"),
            ("0.30000000000000004", "0.3"),
            ("[{\"a\": 1e2}]", "[{\"a\": 100}]"),
        ] {
            let read = |text| serde_json::from_str::<Value>(text).unwrap();
            assert!(is_same_value(&read(clerk), &read(database)), "{clerk}");
        }
    }

    #[test]
    fn values_that_differ_differ() {
        for (a, b) in [
            (json!(1), json!("1")),
            (json!(1), json!(2)),
            (json!(1.5), json!(1)),
            (json!(0.1), json!(0.100_000_001)),
            (json!(1e-300), json!(0)),
            (json!(null), json!(false)),
            (json!([1, 2]), json!([2, 1])),
            (json!([1]), json!([1, 1])),
            (json!({"a": 1}), json!({"a": 1, "b": null})),
            (json!({"a": 1}), json!({"b": 1})),
            (json!(u64::MAX), json!(u64::MAX - 1)),
        ] {
            assert!(!is_same_value(&a, &b), "{a} {b}");
            assert!(!is_same_value(&b, &a), "{b} {a}");
        }
    }

    #[test]
    fn order_is_no_difference_and_number_is() {
        assert!(is_same_set(&[1, 2, 2], &[2, 1, 2]));
        assert!(!is_same_set(&[1, 2, 2], &[1, 1, 2]));
        assert!(!is_same_set(&[1, 2], &[1, 2, 2]));
        assert!(is_same_set::<i32>(&[], &[]));
    }
}
