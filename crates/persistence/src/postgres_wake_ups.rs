//! PostgreSQL's `NOTIFY`, heard on a connection of its own. What is sent, and when, stands in `postgres.rs`.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use domain::{WakeUpError, WakeUps};
use futures_util::future::{Either, select};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Client, Connection};

use crate::postgres_url::PostgresTarget;

/// The channel's name.
pub(crate) const CHANNEL: &str = "clerk_sync_changes";

/// How long to wait for the server's handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How soon a peer that is silently gone is noticed.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// Hears the commits of every process on one database.
pub(crate) struct PostgresWakeUps {
    url: SecretString,
}

impl PostgresWakeUps {
    pub(crate) fn new(url: SecretString) -> Self {
        Self { url }
    }
}

#[async_trait]
impl WakeUps for PostgresWakeUps {
    async fn listen(&self, woken: &(dyn Fn() + Send + Sync)) -> Result<Infallible, WakeUpError> {
        let PostgresTarget { mut config, tls } =
            PostgresTarget::parse(self.url.expose_secret()).map_err(deaf)?;
        config.application_name("clerk-sync listen");
        config
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        match tls {
            None => {
                let (client, connection) =
                    config.connect(tokio_postgres::NoTls).await.map_err(deaf)?;
                hear(&client, connection, woken).await
            }
            Some(roots) => {
                let connector = crate::postgres_tls::connector(&roots).map_err(deaf)?;
                let (client, connection) = config.connect(connector).await.map_err(deaf)?;
                hear(&client, connection, woken).await
            }
        }
    }

    fn wake(&self) {
        // Sent within the transaction.
    }
}

async fn hear<S, T>(
    client: &Client,
    mut connection: Connection<S, T>,
    woken: &(dyn Fn() + Send + Sync),
) -> Result<Infallible, WakeUpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let messages = async {
        loop {
            match std::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(_))) => woken(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return deaf(error),
                None => return WakeUpError("the connection was closed".into()),
            }
        }
    };
    let listen = async {
        client.batch_execute(&format!("listen {CHANNEL}")).await?;
        // What was committed before is told by nobody.
        woken();
        Ok::<_, tokio_postgres::Error>(())
    };
    // The connection works only while it is polled, the statement's sending included.
    match select(pin!(messages), pin!(listen)).await {
        Either::Left((error, _)) => Err(error),
        Either::Right((Err(error), _)) => Err(deaf(error)),
        Either::Right((Ok(()), messages)) => Err(messages.await),
    }
}

fn deaf(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WakeUpError {
    WakeUpError(error.into())
}
