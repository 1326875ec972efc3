//! Every table that is moved, with its columns. A row that is in another's stands after that. What the database makes
//! itself (`users.is_active`) is left out.

use chrono::NaiveDate;

use super::json::{Document, JsonText};
use super::table::{Table, moved};
use crate::column::{Id, Time};
use crate::decimal_column::Exact;

/// Tables that stay behind: who does which job now, tickets that live for seconds, and the databases' own.
#[cfg(test)]
pub(super) const LEFT_BEHIND: &[&str] = &[
    "leases",
    "stream_tickets",
    "__diesel_schema_migrations",
    "sqlite_sequence",
];

moved! {
    users {
        id: Id,
        clerk_user_id: String,
        external_id: Option<String>,
        username: Option<String>,
        email: Option<String>,
        email_verified: bool,
        first_name: Option<String>,
        last_name: Option<String>,
        full_name: Option<String>,
        image_url: Option<String>,
        role: String,
        role_override: Option<String>,
        role_source: Option<String>,
        tier: String,
        tier_override: Option<String>,
        tier_source: Option<String>,
        tier_until: Option<Time>,
        public_metadata: Document,
        preferences: Document,
        banned: bool,
        locked: bool,
        invite_validated_at: Option<Time>,
        deactivated_at: Option<Time>,
        tokens_valid_after: Option<Time>,
        created_at: Time,
        updated_at: Time,
        last_login_at: Option<Time>,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
    user_emails {
        clerk_user_id: String,
        position: i32,
        clerk_email_address_id: Option<String>,
        email_address: String,
        verified: bool,
        is_primary: bool,
    }
    sessions {
        clerk_session_id: String,
        clerk_user_id: Option<String>,
        clerk_client_id: Option<String>,
        status: String,
        end_reason: Option<String>,
        ended_at: Option<Time>,
        last_active_organization_id: Option<String>,
        actor: Option<Document>,
        client_ip: Option<String>,
        user_agent: Option<String>,
        signed_in_at: Option<Time>,
        last_active_at: Option<Time>,
        expire_at: Option<Time>,
        abandon_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        sign_in_precedence: Vec<u8>,
        mirrored_at: Time,
    }
    organizations {
        clerk_organization_id: String,
        name: Option<String>,
        slug: Option<String>,
        image_url: Option<String>,
        public_metadata: Document,
        created_by: Option<String>,
        tier: Option<String>,
        tier_until: Option<Time>,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
    organization_memberships {
        clerk_membership_id: String,
        clerk_organization_id: Option<String>,
        clerk_user_id: Option<String>,
        role: Option<String>,
        permissions: Document,
        public_metadata: Document,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
    subscriptions {
        clerk_subscription_id: String,
        payer_user_id: Option<String>,
        payer_organization_id: Option<String>,
        status: Option<String>,
        active_at: Option<Time>,
        past_due_at: Option<Time>,
        canceled_at: Option<Time>,
        ended_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
    subscription_items {
        clerk_subscription_item_id: String,
        clerk_subscription_id: Option<String>,
        payer_user_id: Option<String>,
        payer_organization_id: Option<String>,
        status: Option<String>,
        clerk_plan_id: Option<String>,
        plan_slug: Option<String>,
        plan_interval: Option<String>,
        is_free_trial: bool,
        period_start: Option<Time>,
        period_end: Option<Time>,
        past_due_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
    clerk_objects {
        kind: String,
        clerk_id: String,
        data: Document,
        deleted_at: Option<Time>,
        version: i64,
        precedence: Vec<u8>,
        mirrored_at: Time,
    }
    webhook_deliveries {
        id: Id,
        svix_id: Option<String>,
        event_type: String,
        object_id: Option<String>,
        instance_id: Option<String>,
        outcome: String,
        reason: Option<String>,
        attempts: i32,
        occurred_at: Option<Time>,
        received_at: Time,
        payload: Option<JsonText>,
        payload_bytes: Option<Vec<u8>>,
    }
    changes {
        cursor: i64,
        kind: String,
        clerk_id: String,
        op: String,
        at: Time,
        data: Document,
    }
    checkpoints {
        name: String,
        word: String,
    }
    invites {
        id: Id,
        code_digest: Vec<u8>,
        max_uses: Option<i64>,
        uses: i64,
        expires_at: Option<Time>,
        revoked_at: Option<Time>,
        note: Option<String>,
        created_by: String,
        created_at: Time,
    }
    invite_redemptions {
        user_id: Id,
        invite_id: Option<Id>,
        redeemed_at: Time,
    }
    invite_attempts {
        id: Id,
        subject: String,
        at: Time,
        alerted: bool,
    }
    usage {
        user_id: Id,
        feature: String,
        month: String,
        used: i64,
        reserved: i64,
    }
    portfolio_counts {
        user_id: Id,
        first_portfolio_id: Option<Id>,
        portfolio_count: i64,
    }
    usage_reservations {
        id: Id,
        user_id: Id,
        feature: String,
        month: String,
        amount: i64,
        expires_at: Time,
    }
    erasures {
        id: Id,
        user_id: Id,
        clerk_user_id: String,
        requested_by: String,
        requested_at: Time,
        due_at: Time,
        cancelled_at: Option<Time>,
        executed_at: Option<Time>,
    }
    audit_log {
        id: Id,
        at: Time,
        actor: String,
        impersonator: Option<String>,
        action: String,
        subject_kind: Option<String>,
        subject_id: Option<String>,
        before: Option<Document>,
        after: Option<Document>,
        reason: Option<String>,
        request_id: Option<String>,
    }
    listings {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        title: String,
        price: Option<Exact>,
        currency: Option<String>,
        condition: Option<String>,
        components: Document,
        status: String,
        created_at: Time,
        updated_at: Time,
    }
    profiles {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        name: String,
        description: Option<String>,
        weights: Document,
        created_at: Time,
        updated_at: Time,
    }
    valuation_rulesets {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        name: String,
        description: Option<String>,
        rules: Document,
        created_at: Time,
        updated_at: Time,
    }
    collections {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        name: String,
        description: Option<String>,
        created_at: Time,
        updated_at: Time,
    }
    collection_items {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        collection_id: Id,
        listing_id: Id,
        note: Option<String>,
        created_at: Time,
        updated_at: Time,
    }
    shares {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        listing_id: Id,
        shared_with: Id,
        permission: String,
        created_at: Time,
        updated_at: Time,
    }
    portfolios {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        name: String,
        description: Option<String>,
        created_at: Time,
        updated_at: Time,
    }
    positions {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        portfolio_id: Id,
        symbol: String,
        quantity: Exact,
        entry_price: Exact,
        entry_date: Option<NaiveDate>,
        created_at: Time,
        updated_at: Time,
    }
    calculation_jobs {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        portfolio_id: Id,
        status: String,
        result: Option<Document>,
        error: Option<String>,
        finished_at: Option<Time>,
        created_at: Time,
        updated_at: Time,
    }
    chat_messages {
        id: Id,
        user_id: Option<Id>,
        organization_id: Option<String>,
        role: String,
        content: String,
        is_partial: bool,
        created_at: Time,
        updated_at: Time,
    }
}
