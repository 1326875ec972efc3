//! Remembers who calls, so that a request with a known token asks nobody, and forgets in step with the change feed.
//!
//! Users and sessions stand in this process's memory ([`CachedUsers`]); behind it, where one is configured, in a Redis
//! that several processes share. What is remembered is used only while [`FeedWatch`] has looked at the feed a moment
//! ago: that look, and no message, is what keeps a session that is over from living on. Messages (PostgreSQL's NOTIFY,
//! Redis) only make the look come sooner. Redis is never believed on what may have changed since.
//!
//! This crate knows ports and Redis. It will never know SQL, HTTP or tokens.

mod budget;
mod caches;
mod callers;
mod gate;
mod memory;
mod ping;
mod redis_link;
mod redis_url;
mod remembered;
mod seal;
mod shared;
mod watch;

pub use caches::{CacheParts, CacheSettings, Caches};
pub use callers::CachedUsers;
pub use ping::{PingError, ping};
pub use redis_url::{RedisLinkError, RedisUrl, RedisUrlError};
pub use watch::FeedWatch;
