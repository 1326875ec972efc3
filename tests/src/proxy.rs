//! The way to the database, which a test can cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How the way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections break, new ones at once.
    Cut,
    /// Connections stay, and nothing comes through.
    Silent,
}

/// Passes bytes on to an address for as long as it is let.
pub struct Proxy {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Proxy {
    /// Listens on a free port for connections to `target`, such as `127.0.0.1:5432`.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let way = Arc::new(watch::Sender::new(Way::Open));
        let state = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, target.clone(), state.subscribe()));
            }
        });
        Self { address, way }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection, and each new one.
    pub fn cut(&self) {
        self.way.send_replace(Way::Cut);
    }

    /// Lets nothing through, and keeps connections open.
    pub fn silence(&self) {
        self.way.send_replace(Way::Silent);
    }

    /// Lets new connections through again. Those that were silenced stay so: their bytes are lost.
    pub fn restore(&self) {
        self.way.send_replace(Way::Open);
    }
}

async fn pass(mut from: TcpStream, target: String, mut way: watch::Receiver<Way>) {
    let begun = *way.borrow_and_update();
    if begun == Way::Open
        && let Ok(mut to) = TcpStream::connect(target).await
    {
        tokio::select! {
            // The way first: nothing passes once it is cut.
            biased;
            _ = way.changed() => {}
            _ = tokio::io::copy_bidirectional(&mut from, &mut to) => return,
        }
    }
    // Dropping the streams breaks the connection; a silent one is held until the way is cut.
    if *way.borrow_and_update() == Way::Silent {
        let _ = way.wait_for(|way| *way == Way::Cut).await;
    }
}
