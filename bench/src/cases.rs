//! What is measured, and beside what.

/// A piece of work that both servers do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One token again and again.
    HotToken,
    /// A thousand tokens of a thousand users in turn.
    RotatingTokens,
    /// Tokens of which each has been forgotten when it comes again.
    FreshTokens,
    /// Tokens with a wrong signature.
    ForgedTokens,
    /// Webhooks.
    Webhooks,
}

/// One line of the table.
pub(crate) struct Case {
    pub(crate) work: Work,
    pub(crate) connections: usize,
    /// The bare route.
    pub(crate) floor: &'static str,
    /// What the table calls the work, and what the bare route does of it.
    pub(crate) name: &'static str,
    pub(crate) beside: &'static str,
    /// What is wanted.
    pub(crate) goal: Goal,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Answers a second, as a multiple of the bare route's: at least this.
    Rate(f64),
    /// The median time, as a multiple of the bare route's: at most this.
    Median(f64),
}

pub(crate) const CASES: &[Case] = &[
    Case {
        work: Work::HotToken,
        connections: 32,
        floor: "/me",
        name: "`/api/auth/me`, one hot token",
        beside: "fixed bytes",
        goal: Goal::Rate(0.93),
    },
    Case {
        work: Work::RotatingTokens,
        connections: 32,
        floor: "/me",
        name: "`/api/auth/me`, 1,000 tokens and users in turn",
        beside: "fixed bytes",
        goal: Goal::Rate(0.93),
    },
    Case {
        work: Work::FreshTokens,
        connections: 32,
        floor: "/verify",
        name: "`/api/auth/me`, every token new",
        beside: "RSA verify, fixed bytes",
        goal: Goal::Rate(0.87),
    },
    Case {
        work: Work::FreshTokens,
        connections: 32,
        floor: "/me",
        name: "`/api/auth/me`, every token new",
        beside: "fixed bytes",
        goal: Goal::Rate(0.48),
    },
    Case {
        work: Work::ForgedTokens,
        connections: 32,
        floor: "/me",
        name: "`/api/auth/me`, forged tokens (401)",
        beside: "fixed bytes",
        goal: Goal::Rate(0.50),
    },
    Case {
        work: Work::Webhooks,
        connections: 128,
        floor: "/hook",
        name: "webhooks, 128 connections",
        beside: "one prepared upsert and commit",
        goal: Goal::Rate(2.0),
    },
    Case {
        work: Work::Webhooks,
        connections: 32,
        floor: "/hook",
        name: "webhooks, 32 connections",
        beside: "one prepared upsert and commit",
        goal: Goal::Rate(1.8),
    },
    Case {
        work: Work::Webhooks,
        connections: 1,
        floor: "/hook",
        name: "webhooks, one connection: median time",
        beside: "one prepared upsert and commit",
        goal: Goal::Median(1.1),
    },
];
