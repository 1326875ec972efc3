//! The owned tables, once for both databases. Each begins and ends with the same columns.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::wildcard_imports,
    reason = "`table!` makes everything public and undocumented, and imports by wildcard"
)]

use diesel::table;

table! {
    use diesel::sql_types::*;
    use crate::column::{DbJson, DbTime, DbUuid};
    use crate::decimal_column::DbDecimal;

    listings (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        title -> Text,
        price -> Nullable<DbDecimal>,
        currency -> Nullable<Text>,
        condition -> Nullable<Text>,
        components -> DbJson,
        status -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbJson, DbTime, DbUuid};

    profiles (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        name -> Text,
        description -> Nullable<Text>,
        weights -> DbJson,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbJson, DbTime, DbUuid};

    valuation_rulesets (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        name -> Text,
        description -> Nullable<Text>,
        rules -> DbJson,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbTime, DbUuid};

    collections (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        name -> Text,
        description -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbTime, DbUuid};

    collection_items (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        collection_id -> DbUuid,
        listing_id -> DbUuid,
        note -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbTime, DbUuid};

    shares (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        listing_id -> DbUuid,
        shared_with -> DbUuid,
        permission -> Text,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbTime, DbUuid};

    portfolios (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        name -> Text,
        description -> Nullable<Text>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbTime, DbUuid};
    use crate::decimal_column::DbDecimal;

    positions (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        portfolio_id -> DbUuid,
        symbol -> Text,
        quantity -> DbDecimal,
        entry_price -> DbDecimal,
        entry_date -> Nullable<Date>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbJson, DbTime, DbUuid};

    calculation_jobs (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        portfolio_id -> DbUuid,
        status -> Text,
        result -> Nullable<DbJson>,
        error -> Nullable<Text>,
        finished_at -> Nullable<DbTime>,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}

table! {
    use diesel::sql_types::*;
    use crate::column::{DbTime, DbUuid};

    chat_messages (id) {
        id -> DbUuid,
        user_id -> Nullable<DbUuid>,
        organization_id -> Nullable<Text>,
        role -> Text,
        content -> Text,
        is_partial -> Bool,
        created_at -> DbTime,
        updated_at -> DbTime,
    }
}
