//! What is measured, who is measured at it, and which ratios are wanted.

use crate::who::Who;

/// A piece of work that several servers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// One token again and again.
    HotToken,
    /// A thousand tokens of a thousand users in turn.
    RotatingTokens,
    /// Tokens of which each has been forgotten when it comes again.
    FreshTokens,
    /// Tokens with a wrong signature, each another one.
    ForgedTokens,
    /// Webhooks.
    Webhooks,
    /// The first page of a user's listings, over HTTP.
    Page,
    /// The same page as SQL.
    PageInSql,
}

/// The variants of Node, of which the best counts.
pub(crate) const NODE: &[Who] = &[Who::Fastify, Who::FastifyClerk];
const FASTAPI: &[Who] = &[Who::FastApi];

/// A work with all who do it, one after the other, in each round.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    pub(crate) connections: usize,
    pub(crate) who: &'static [Who],
}

/// One line of a table: ours beside the best of others at one work.
pub(crate) struct Row {
    /// By which `notes.md` speaks of it.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) work: Work,
    pub(crate) connections: usize,
    pub(crate) ours: Who,
    pub(crate) beside: &'static [Who],
    pub(crate) beside_name: &'static str,
    pub(crate) goal: Goal,
}

impl Row {
    /// Whether it is about what teams run today.
    pub(crate) fn is_about_peers(&self) -> bool {
        self.beside.iter().any(|who| who.is_peer())
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Answers a second, as a multiple of the other's: at least this.
    Rate(f64),
    /// The median time, as a multiple of the other's: at most this.
    Median(f64),
    /// Answers a second, with nothing promised.
    Told,
}

pub(crate) const GROUPS: &[Group] = &[
    Group {
        name: "/me, one hot token",
        work: Work::HotToken,
        connections: 32,
        who: &[
            Who::Bytes,
            Who::Body,
            Who::Service,
            Who::Fastify,
            Who::FastifyClerk,
            Who::FastApi,
        ],
    },
    Group {
        name: "/me, 1,000 tokens in turn",
        work: Work::RotatingTokens,
        connections: 32,
        who: &[
            Who::Bytes,
            Who::Service,
            Who::Fastify,
            Who::FastifyClerk,
            Who::FastApi,
        ],
    },
    Group {
        name: "/me, every token new",
        work: Work::FreshTokens,
        connections: 32,
        who: &[
            Who::Bytes,
            Who::Forgetful,
            Who::Verify,
            Who::Select,
            Who::Uncached,
        ],
    },
    Group {
        name: "forged tokens",
        work: Work::ForgedTokens,
        connections: 32,
        who: &[Who::Bytes, Who::Service],
    },
    Group {
        name: "webhooks, 128 connections",
        work: Work::Webhooks,
        connections: 128,
        who: &[Who::Upsert, Who::Service],
    },
    Group {
        name: "webhooks, 32 connections",
        work: Work::Webhooks,
        connections: 32,
        who: &[
            Who::Upsert,
            Who::Service,
            Who::Fastify,
            Who::FastifyClerk,
            Who::FastApi,
        ],
    },
    Group {
        name: "webhooks, one connection",
        work: Work::Webhooks,
        connections: 1,
        who: &[Who::Upsert, Who::Service],
    },
    Group {
        name: "a page of listings",
        work: Work::Page,
        connections: 10,
        who: &[Who::Unbound, Who::Bound],
    },
    Group {
        name: "a page of listings, by SQL",
        work: Work::PageInSql,
        connections: 10,
        who: &[Who::BareSql, Who::BoundSql],
    },
];

pub(crate) const ROWS: &[Row] = &[
    Row {
        key: "me-hot",
        name: "`/api/auth/me`, one hot token",
        work: Work::HotToken,
        connections: 32,
        ours: Who::Service,
        beside: &[Who::Bytes],
        beside_name: "axum, the same bytes",
        goal: Goal::Rate(0.93),
    },
    Row {
        key: "me-hot-body",
        name: "the same, beside its body alone",
        work: Work::HotToken,
        connections: 32,
        ours: Who::Service,
        beside: &[Who::Body],
        beside_name: "axum, the same body",
        goal: Goal::Told,
    },
    Row {
        key: "me-rotating",
        name: "`/api/auth/me`, 1,000 tokens and users in turn",
        work: Work::RotatingTokens,
        connections: 32,
        ours: Who::Service,
        beside: &[Who::Bytes],
        beside_name: "axum, the same bytes",
        goal: Goal::Rate(0.93),
    },
    Row {
        key: "me-new",
        name: "`/api/auth/me`, every token new",
        work: Work::FreshTokens,
        connections: 32,
        ours: Who::Forgetful,
        beside: &[Who::Bytes],
        beside_name: "axum, the same bytes",
        goal: Goal::Rate(0.48),
    },
    Row {
        key: "me-new-verify",
        name: "the same, held against its RSA verify",
        work: Work::FreshTokens,
        connections: 32,
        ours: Who::Forgetful,
        beside: &[Who::Verify],
        beside_name: "axum, RSA verify, the same bytes",
        goal: Goal::Told,
    },
    Row {
        key: "me-new-select",
        name: "`/api/auth/me`, every token new, every user read",
        work: Work::FreshTokens,
        connections: 32,
        ours: Who::Uncached,
        beside: &[Who::Select],
        beside_name: "axum, pool, one prepared select",
        goal: Goal::Rate(0.80),
    },
    Row {
        key: "forged",
        name: "`/api/auth/me`, forged tokens (401)",
        work: Work::ForgedTokens,
        connections: 32,
        ours: Who::Service,
        beside: &[Who::Bytes],
        beside_name: "axum, the same bytes",
        goal: Goal::Rate(0.50),
    },
    Row {
        key: "webhooks-128",
        name: "webhooks, 128 connections",
        work: Work::Webhooks,
        connections: 128,
        ours: Who::Service,
        beside: &[Who::Upsert],
        beside_name: "axum, pool, one prepared upsert and commit",
        goal: Goal::Rate(2.0),
    },
    Row {
        key: "webhooks-32",
        name: "webhooks, 32 connections",
        work: Work::Webhooks,
        connections: 32,
        ours: Who::Service,
        beside: &[Who::Upsert],
        beside_name: "axum, pool, one prepared upsert and commit",
        goal: Goal::Rate(1.8),
    },
    Row {
        key: "webhooks-1",
        name: "webhooks, one connection: median time",
        work: Work::Webhooks,
        connections: 1,
        ours: Who::Service,
        beside: &[Who::Upsert],
        beside_name: "axum, pool, one prepared upsert and commit",
        goal: Goal::Median(1.1),
    },
    Row {
        key: "rls-page",
        name: "a page of 50 of 10,000 listings, under policies",
        work: Work::Page,
        connections: 10,
        ours: Who::Bound,
        beside: &[Who::Unbound],
        beside_name: "the same route and query, role not bound",
        goal: Goal::Rate(0.80),
    },
    Row {
        key: "rls-sql",
        name: "the same page as SQL, context told each time",
        work: Work::PageInSql,
        connections: 10,
        ours: Who::BoundSql,
        beside: &[Who::BareSql],
        beside_name: "the bare query, no context, role not bound",
        goal: Goal::Told,
    },
    Row {
        key: "node-hot",
        name: "`/api/auth/me`, one hot token",
        work: Work::HotToken,
        connections: 32,
        ours: Who::Service,
        beside: NODE,
        beside_name: "the better Fastify",
        goal: Goal::Rate(10.0),
    },
    Row {
        key: "node-rotating",
        name: "`/api/auth/me`, 1,000 tokens and users in turn",
        work: Work::RotatingTokens,
        connections: 32,
        ours: Who::Service,
        beside: NODE,
        beside_name: "the better Fastify",
        goal: Goal::Rate(10.0),
    },
    Row {
        key: "fastapi-hot",
        name: "`/api/auth/me`, one hot token",
        work: Work::HotToken,
        connections: 32,
        ours: Who::Service,
        beside: FASTAPI,
        beside_name: "FastAPI",
        goal: Goal::Rate(75.0),
    },
    Row {
        key: "fastapi-rotating",
        name: "`/api/auth/me`, 1,000 tokens and users in turn",
        work: Work::RotatingTokens,
        connections: 32,
        ours: Who::Service,
        beside: FASTAPI,
        beside_name: "FastAPI",
        goal: Goal::Rate(75.0),
    },
    Row {
        key: "node-webhooks",
        name: "webhooks, 32 connections",
        work: Work::Webhooks,
        connections: 32,
        ours: Who::Service,
        beside: NODE,
        beside_name: "the better Fastify",
        goal: Goal::Told,
    },
    Row {
        key: "fastapi-webhooks",
        name: "webhooks, 32 connections",
        work: Work::Webhooks,
        connections: 32,
        ours: Who::Service,
        beside: FASTAPI,
        beside_name: "FastAPI",
        goal: Goal::Told,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stands_in_a_row_is_measured_at_its_work() {
        for row in ROWS {
            let group = GROUPS
                .iter()
                .find(|group| group.work == row.work && group.connections == row.connections);
            let measured = group.map_or(&[][..], |group| group.who);
            assert!(measured.contains(&row.ours), "{}", row.key);
            assert!(
                row.beside.iter().all(|who| measured.contains(who)),
                "{}",
                row.key
            );
        }
    }

    #[test]
    fn keys_are_said_once() {
        let mut keys: Vec<_> = ROWS.iter().map(|row| row.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ROWS.len());
    }
}
