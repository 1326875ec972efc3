//! Where Redis is, and with which password.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

/// `redis://[[user]:password@]host[:port][/database]`, or `rediss://…` for TLS with the server's certificate verified.
#[derive(Clone)]
pub struct RedisUrl(pub(crate) ConnectionInfo);

/// Why a text is no such URL. It holds nothing of the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// It begins with something else.
    #[error("must begin with redis:// or, for TLS, rediss://")]
    Scheme,
    /// The driver cannot read it.
    #[error("is no Redis URL: write redis://:password@host:6379/0")]
    Unreadable,
    /// TLS without looking at the certificate.
    #[error("asks not to verify the server's certificate, which is no TLS at all")]
    Insecure,
}

/// Why Redis cannot even be tried. It shows no password.
#[derive(Debug, thiserror::Error)]
#[error("no connection to Redis can be set up")]
pub struct RedisLinkError(#[from] redis::RedisError);

impl FromStr for RedisUrl {
    type Err = RedisUrlError;

    fn from_str(text: &str) -> Result<Self, RedisUrlError> {
        if !text.starts_with("redis://") && !text.starts_with("rediss://") {
            return Err(RedisUrlError::Scheme);
        }
        if text.contains('#') {
            return Err(RedisUrlError::Insecure);
        }
        let info = text
            .into_connection_info()
            .map_err(|_| RedisUrlError::Unreadable)?;
        // Only this version tells of messages on a connection that is used for other things.
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        Ok(Self(info.set_redis_settings(settings)))
    }
}

/// Without the password.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({})", self.0.addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_and_its_password_never_shown() {
        for text in [
            "redis://localhost",
            "redis://:hunter2@localhost:6380/3",
            "rediss://app:hunter2@redis.example.com",
        ] {
            let url: RedisUrl = text.parse().unwrap();
            assert_eq!(url.0.redis_settings().protocol(), ProtocolVersion::RESP3);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_shown() {
        for (text, error) in [
            ("", RedisUrlError::Scheme),
            ("http://localhost", RedisUrlError::Scheme),
            ("localhost:6379", RedisUrlError::Scheme),
            ("redis://", RedisUrlError::Unreadable),
            ("redis://localhost/hunter2", RedisUrlError::Unreadable),
            ("rediss://localhost/#insecure", RedisUrlError::Insecure),
        ] {
            let found = text.parse::<RedisUrl>().unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("hunter2"));
        }
    }
}
