//! The way to a server, which a test can cut, silence or make long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
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
    delay: Arc<watch::Sender<Duration>>,
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
        let delay = Arc::new(watch::Sender::new(Duration::ZERO));
        let (state, pause) = (Arc::clone(&way), Arc::clone(&delay));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let way = state.subscribe();
                tokio::spawn(pass(stream, target.clone(), way, pause.subscribe()));
            }
        });
        Self {
            address,
            way,
            delay,
        }
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

    /// Holds whatever the server says back for so long, on connections of before too; zero lets it through at once again.
    pub fn delay(&self, time: Duration) {
        self.delay.send_replace(time);
    }

    /// Lets new connections through again. Those that were silenced stay so: their bytes are lost.
    pub fn restore(&self) {
        self.way.send_replace(Way::Open);
    }
}

async fn pass(
    mut from: TcpStream,
    target: String,
    mut way: watch::Receiver<Way>,
    delay: watch::Receiver<Duration>,
) {
    let begun = *way.borrow_and_update();
    if begun == Way::Open
        && let Ok(mut to) = TcpStream::connect(target).await
    {
        let (mut from_read, mut from_write) = from.split();
        let (mut to_read, mut to_write) = to.split();
        let at_once = watch::Sender::new(Duration::ZERO);
        tokio::select! {
            // The way first: nothing passes once it is cut.
            biased;
            _ = way.changed() => {}
            // Whichever side ends first ends both, as neither program here speaks on after it has been left.
            _ = copy(&mut from_read, &mut to_write, at_once.subscribe()) => return,
            _ = copy(&mut to_read, &mut from_write, delay) => return,
        }
    }
    // Dropping the streams breaks the connection; a silent one is held until the way is cut.
    if *way.borrow_and_update() == Way::Silent {
        let _ = way.wait_for(|way| *way == Way::Cut).await;
    }
}

/// Passes on what is read, each piece after the pause that holds then.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    pause: watch::Receiver<Duration>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        let pause = *pause.borrow();
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        to.write_all(bytes.get(..count).unwrap_or_default()).await?;
    }
}
