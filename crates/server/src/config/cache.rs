//! What is remembered of callers, here and in Redis.

use std::time::Duration;

use cache::{CacheSettings, RedisUrl};

use super::variables::Variables;

const CAPACITY: usize = 100_000;
const MOST: usize = 100_000_000;
const SECONDS: u64 = 300;
const REDIS: &str = "REDIS_URL";

/// How many verified tokens are remembered; 0 verifies each again.
pub(super) fn tokens(vars: &mut Variables<'_>) -> usize {
    vars.number("TOKEN_CACHE_CAPACITY", CAPACITY, 0..=MOST)
}

pub(super) fn read(vars: &mut Variables<'_>) -> CacheSettings {
    // As many sessions: a user has one, or a few of which one is in use.
    let capacity = vars.number("USER_CACHE_CAPACITY", CAPACITY, 0..=MOST);
    CacheSettings {
        users: capacity,
        sessions: capacity,
        lifetime: Duration::from_secs(vars.number("USER_CACHE_SECONDS", SECONDS, 1..=86_400)),
        redis: redis(vars),
    }
}

fn redis(vars: &mut Variables<'_>) -> Option<RedisUrl> {
    let text = vars.secret_text(REDIS)?;
    text.parse()
        .map_err(|error| vars.fault(REDIS, format!("{error}")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn redis_is_used_where_it_is_named_and_its_password_is_never_shown() {
        assert!(read(&good()).unwrap().cache.redis.is_none());
        let named = with(&[("REDIS_URL", "rediss://app:hunter2@redis.example.com/1")]);
        let config = read(&named).unwrap();
        assert!(config.cache.redis.is_some());
        assert!(!format!("{config:?}").contains("hunter2"));
        for text in ["localhost:6379", "http://localhost", "redis://host/hunter2"] {
            assert_eq!(faulty(&with(&[("REDIS_URL", text)])), ["REDIS_URL"]);
        }
    }

    #[test]
    fn how_much_is_remembered_can_be_set() {
        let settings = with(&[
            ("USER_CACHE_CAPACITY", "0"),
            ("USER_CACHE_SECONDS", "60"),
            ("TOKEN_CACHE_CAPACITY", "7"),
        ]);
        let config = read(&settings).unwrap();
        assert_eq!((config.cache.users, config.cache.sessions), (0, 0));
        assert_eq!(config.cache.lifetime.as_secs(), 60);
        assert_eq!(config.auth.token_cache_capacity, 7);
        for (name, value) in [
            ("USER_CACHE_CAPACITY", "-1"),
            ("USER_CACHE_SECONDS", "0"),
            ("TOKEN_CACHE_CAPACITY", "many"),
        ] {
            assert_eq!(faulty(&with(&[(name, value)])), [name]);
        }
    }
}
