//! Everybody who is measured.

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// Bare axum: the same bytes as the service.
    Bytes,
    /// Bare axum: the same body, without the service's headers.
    Body,
    /// Bare axum: the signature, and the same bytes.
    Verify,
    /// Bare axum: a pool and one prepared select.
    Select,
    /// Bare axum: a pool, one prepared upsert and commit.
    Upsert,
    /// The service with default settings.
    Service,
    /// The service with a small memory for tokens.
    Forgetful,
    /// The service that remembers few tokens and no users.
    Uncached,
    /// The service as a role that row-level security binds, and as one that it does not.
    Bound,
    Unbound,
    /// Prepared SQL, likewise.
    BoundSql,
    BareSql,
    /// What teams run today.
    Fastify,
    FastifyClerk,
    FastApi,
}

impl Who {
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Fastify | Self::FastifyClerk | Self::FastApi)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "axum, the same bytes",
            Self::Body => "axum, the same body",
            Self::Verify => "axum, RSA verify, the same bytes",
            Self::Select => "axum, pool, one prepared select",
            Self::Upsert => "axum, pool, one prepared upsert and commit",
            Self::Service => "clerk-sync",
            Self::Forgetful => "clerk-sync, memory for 1,000 tokens",
            Self::Uncached => "clerk-sync, memory for 1,000 tokens and no user",
            Self::Bound => "clerk-sync, its role bound by policies",
            Self::Unbound => "the same, its role not bound",
            Self::BoundSql => "prepared SQL, told who acts, bound by policies",
            Self::BareSql => "the bare prepared query, role not bound",
            Self::Fastify => "Fastify, fast-jwt",
            Self::FastifyClerk => "Fastify, Clerk's SDK",
            Self::FastApi => "FastAPI",
        }
    }
}
