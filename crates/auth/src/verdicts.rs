//! Verified tokens, remembered, so that the second request with a token costs a hash in place of a signature.
//!
//! Only what depends on nothing but the bytes of the token and on the key is remembered: shape, signature, and the rules
//! whose answer cannot change. Time, the authorized party and whether the key still counts are judged on every use, so that
//! a verdict from memory is the one that a fresh verification would give. Refusals are never remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use cached::ShardedLruCache;

use crate::claims::{Feature, SessionClaims};
use crate::config::ConfigFault;
use crate::shared_lists::SharedLists;
use crate::verifying_key::KeyId;

/// The most verdicts that may be kept, far beyond what fits into memory comfortably: a larger number is a slip.
pub(crate) const MAX_CAPACITY: usize = 10_000_000;

/// What a token is remembered by: SHA-256 of all of its bytes. Whoever finds two tokens of one digest can forge
/// signatures too, since these are over SHA-256 as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// A token that was good, and by which key.
#[derive(Clone)]
pub(crate) struct Verdict {
    pub(crate) claims: Arc<SessionClaims>,
    pub(crate) key: KeyId,
}

/// One verifier's memory; never shared, since what is good for one configuration need not be for another.
pub(crate) struct Verdicts {
    /// Bounded by count; the least recently used goes first. None when switched off.
    kept: Option<ShardedLruCache<TokenDigest, Verdict>>,
    permissions: SharedLists<String>,
    features: SharedLists<Feature>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How well a verifier remembers, for metrics. The counts are since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerdictCounts {
    /// Tokens decided from memory.
    pub hits: u64,
    /// Tokens verified afresh, refused ones included.
    pub misses: u64,
    /// Verdicts kept now. Those of expired tokens count until they are looked at, swept or displaced.
    pub entries: usize,
}

impl Verdicts {
    pub(crate) fn new(capacity: usize) -> Result<Self, ConfigFault> {
        let kept = match capacity {
            0 => None,
            1..=MAX_CAPACITY => Some(
                ShardedLruCache::builder()
                    .max_size(capacity)
                    .build()
                    .map_err(|_| ConfigFault::TokenCache)?,
            ),
            _ => return Err(ConfigFault::TokenCache),
        };
        Ok(Self {
            kept,
            permissions: SharedLists::new(),
            features: SharedLists::new(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// None when nothing is remembered at all, so that nobody hashes in vain.
    pub(crate) fn digest(&self, token: &str) -> Option<TokenDigest> {
        self.kept.as_ref().map(|_| TokenDigest::of(token))
    }

    pub(crate) fn get(&self, token: &TokenDigest) -> Option<Verdict> {
        self.kept.as_ref()?.get(token)
    }

    /// Puts lists in place that other verdicts have too.
    pub(crate) fn share_lists(&self, claims: &mut SessionClaims) {
        self.features.share(&mut claims.features);
        if let Some(organization) = &mut claims.organization {
            self.permissions.share(&mut organization.permissions);
        }
    }

    pub(crate) fn insert(&self, token: TokenDigest, verdict: Verdict) {
        if let Some(kept) = &self.kept {
            kept.set(token, verdict);
        }
    }

    pub(crate) fn remove(&self, token: &TokenDigest) {
        if let Some(kept) = &self.kept {
            kept.delete(token);
        }
    }

    /// Forgets the tokens that `expired` finds so.
    pub(crate) fn sweep(&self, expired: impl Fn(&SessionClaims) -> bool) {
        if let Some(kept) = &self.kept {
            kept.retain(|_, verdict| !expired(&verdict.claims));
        }
    }

    pub(crate) fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> VerdictCounts {
        VerdictCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.kept.as_ref().map_or(0, ShardedLruCache::len),
        }
    }
}
