//! The tables as plain SQL sees them, brought to one shape: times in milliseconds since [`BASE`], bytes as hexadecimal
//! digits, JSON as JSON.
//!
//! Left out is what differs between two right answers: our own ids, and when a row was last written.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::facts::BASE;

/// What a column holds.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    Plain,
    Flag,
    Time,
    Json,
    Bytes,
}
use Holds::{Bytes, Flag, Json, Plain, Time};

/// A table and those of its columns that are compared.
pub(crate) struct Table {
    name: &'static str,
    key: &'static str,
    columns: &'static [(&'static str, Holds)],
}

pub(crate) const USERS: Table = Table {
    name: "users",
    key: "clerk_user_id",
    columns: &[
        ("clerk_user_id", Plain),
        ("external_id", Plain),
        ("username", Plain),
        ("email", Plain),
        ("email_verified", Flag),
        ("first_name", Plain),
        ("last_name", Plain),
        ("full_name", Plain),
        ("image_url", Plain),
        ("role", Plain),
        ("tier", Plain),
        ("tier_until", Time),
        ("public_metadata", Json),
        ("preferences", Json),
        ("banned", Flag),
        ("locked", Flag),
        ("created_at", Time),
        ("updated_at", Time),
        ("last_login_at", Time),
        ("deleted_at", Time),
        ("is_active", Flag),
        ("version", Plain),
        ("precedence", Bytes),
    ],
};

pub(crate) const EMAILS: Table = Table {
    name: "user_emails",
    key: "clerk_user_id, position",
    columns: &[
        ("clerk_user_id", Plain),
        ("position", Plain),
        ("clerk_email_address_id", Plain),
        ("email_address", Plain),
        ("verified", Flag),
        ("is_primary", Flag),
    ],
};

pub(crate) const SESSIONS: Table = Table {
    name: "sessions",
    key: "clerk_session_id",
    columns: &[
        ("clerk_session_id", Plain),
        ("clerk_user_id", Plain),
        ("clerk_client_id", Plain),
        ("status", Plain),
        ("end_reason", Plain),
        ("ended_at", Time),
        ("last_active_organization_id", Plain),
        ("actor", Json),
        ("client_ip", Plain),
        ("user_agent", Plain),
        ("signed_in_at", Time),
        ("last_active_at", Time),
        ("expire_at", Time),
        ("abandon_at", Time),
        ("created_at", Time),
        ("updated_at", Time),
        ("deleted_at", Time),
        ("version", Plain),
        ("precedence", Bytes),
        ("sign_in_precedence", Bytes),
    ],
};

pub(crate) const ORGANIZATIONS: Table = Table {
    name: "organizations",
    key: "clerk_organization_id",
    columns: &[
        ("clerk_organization_id", Plain),
        ("name", Plain),
        ("slug", Plain),
        ("image_url", Plain),
        ("public_metadata", Json),
        ("created_by", Plain),
        ("tier", Plain),
        ("tier_until", Time),
        ("created_at", Time),
        ("updated_at", Time),
        ("deleted_at", Time),
        ("version", Plain),
        ("precedence", Bytes),
    ],
};

pub(crate) const MEMBERSHIPS: Table = Table {
    name: "organization_memberships",
    key: "clerk_membership_id",
    columns: &[
        ("clerk_membership_id", Plain),
        ("clerk_organization_id", Plain),
        ("clerk_user_id", Plain),
        ("role", Plain),
        ("permissions", Json),
        ("public_metadata", Json),
        ("created_at", Time),
        ("updated_at", Time),
        ("deleted_at", Time),
        ("version", Plain),
        ("precedence", Bytes),
    ],
};

pub(crate) const SUBSCRIPTIONS: Table = Table {
    name: "subscriptions",
    key: "clerk_subscription_id",
    columns: &[
        ("clerk_subscription_id", Plain),
        ("payer_user_id", Plain),
        ("payer_organization_id", Plain),
        ("status", Plain),
        ("active_at", Time),
        ("past_due_at", Time),
        ("canceled_at", Time),
        ("ended_at", Time),
        ("created_at", Time),
        ("updated_at", Time),
        ("deleted_at", Time),
        ("version", Plain),
        ("precedence", Bytes),
    ],
};

pub(crate) const ITEMS: Table = Table {
    name: "subscription_items",
    key: "clerk_subscription_item_id",
    columns: &[
        ("clerk_subscription_item_id", Plain),
        ("clerk_subscription_id", Plain),
        ("payer_user_id", Plain),
        ("payer_organization_id", Plain),
        ("status", Plain),
        ("clerk_plan_id", Plain),
        ("plan_slug", Plain),
        ("plan_interval", Plain),
        ("is_free_trial", Flag),
        ("period_start", Time),
        ("period_end", Time),
        ("past_due_at", Time),
        ("created_at", Time),
        ("updated_at", Time),
        ("deleted_at", Time),
        ("version", Plain),
        ("precedence", Bytes),
    ],
};

pub(crate) const OBJECTS: Table = Table {
    name: "clerk_objects",
    key: "kind, clerk_id",
    columns: &[
        ("kind", Plain),
        ("clerk_id", Plain),
        ("data", Json),
        ("deleted_at", Time),
        ("version", Plain),
        ("precedence", Bytes),
    ],
};

pub(crate) const LEDGER: Table = Table {
    name: "webhook_deliveries",
    key: "svix_id, reason",
    columns: &[
        ("svix_id", Plain),
        ("event_type", Plain),
        ("object_id", Plain),
        ("instance_id", Plain),
        ("outcome", Plain),
        ("reason", Plain),
        ("attempts", Plain),
        ("occurred_at", Time),
        ("received_at", Time),
        ("payload", Json),
        ("payload_bytes", Bytes),
    ],
};

pub(crate) const CHANGES: Table = Table {
    name: "changes",
    key: "cursor",
    columns: &[
        ("cursor", Plain),
        ("kind", Plain),
        ("clerk_id", Plain),
        ("op", Plain),
        ("at", Time),
        ("data", Json),
    ],
};

/// Every table of mirrored rows, with the column that names the object, or whose it is.
pub(crate) const MIRROR: [(&Table, &str); 8] = [
    (&USERS, "clerk_user_id"),
    (&EMAILS, "clerk_user_id"),
    (&SESSIONS, "clerk_session_id"),
    (&ORGANIZATIONS, "clerk_organization_id"),
    (&MEMBERSHIPS, "clerk_membership_id"),
    (&SUBSCRIPTIONS, "clerk_subscription_id"),
    (&ITEMS, "clerk_subscription_item_id"),
    (&OBJECTS, "clerk_id"),
];

impl Table {
    /// A query that gives each row as one JSON object in `line`.
    pub(crate) fn query(&self, is_postgres: bool, condition: &str) -> String {
        let mut pairs = String::new();
        for (name, holds) in self.columns {
            let value = match (holds, is_postgres) {
                (Plain, _) | (Flag | Json, true) | (Time, false) => (*name).to_owned(),
                (Flag, false) => {
                    format!("json(case {name} when 0 then 'false' when 1 then 'true' end)")
                }
                (Json, false) => format!("json({name})"),
                (Time, true) => format!("(extract(epoch from {name}) * 1000000)::bigint"),
                (Bytes, true) => format!("encode({name}, 'hex')"),
                (Bytes, false) => {
                    format!("case when {name} is not null then lower(hex({name})) end")
                }
            };
            let comma = if pairs.is_empty() { "" } else { ", " };
            let _ = write!(pairs, "{comma}'{name}', {value}");
        }
        let Self { name, key, .. } = self;
        let object = if is_postgres {
            format!("jsonb_build_object({pairs})::text")
        } else {
            format!("json_object({pairs})")
        };
        format!("select {object} as line from {name} where {condition} order by {key}")
    }

    /// A line of [`Table::query`], with times made short.
    pub(crate) fn row(&self, line: &str) -> Value {
        let mut row: Value = serde_json::from_str(line).unwrap();
        for (name, holds) in self.columns {
            if let (Time, Some(micros)) = (holds, row[*name].as_i64()) {
                assert_eq!(micros % 1000, 0, "{name} is not in whole milliseconds");
                row[*name] = json!(micros / 1000 - BASE);
            }
        }
        row
    }
}
