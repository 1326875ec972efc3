//! What the system tells a running command: to end, or to read its settings again.

use std::pin::Pin;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears Ctrl-C, and the system's wish that the process end, from the call on: the future returns once either came, also
/// when that was before it was asked. So no wish that comes just when a service has started cuts what is under way.
pub(super) fn told_to_stop() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    #[cfg(unix)]
    {
        if let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) {
            return Box::pin(async move {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            });
        }
    }
    Box::pin(async {
        // Without a way to be told there is nothing to wait for but the end of the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Wishes that the settings be read again (SIGHUP). From the call on, the signal does not end the process any more.
pub(super) fn hangups() -> Hangups {
    Hangups {
        #[cfg(unix)]
        signal: signal(SignalKind::hangup()).ok(),
    }
}

/// See [`hangups`].
pub(super) struct Hangups {
    #[cfg(unix)]
    signal: Option<Signal>,
}

impl Hangups {
    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
