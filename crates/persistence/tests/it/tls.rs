//! TLS to PostgreSQL: a door before the server that speaks it, with certificates of the test's own making.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use domain::StoreError;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::facts::user;
use crate::store::{TestStore, open};

/// What a client asks before it speaks TLS (the protocol's `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    fn acceptor_for(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn write_to(&self, path: &Path) {
        std::fs::write(path, &self.pem).unwrap();
    }
}

/// Listens on a free port, speaks TLS there and passes on what it hears. Answers the port.
async fn door(server: SocketAddr, acceptor: TlsAcceptor) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, server, acceptor.clone()));
        }
    });
    port
}

async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    acceptor: TlsAcceptor,
) -> std::io::Result<()> {
    let mut request = [0; SSL_REQUEST.len()];
    client.read_exact(&mut request).await?;
    assert_eq!(request, SSL_REQUEST, "the client speaks in plain text");
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(server).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// A store's database, reached through a door whose certificate is for `name`.
async fn url_through_door(store: &TestStore, authority: &Authority, name: &str) -> Url {
    let mut url = Url::parse(store.database.url()).unwrap();
    let server = url.socket_addrs(|| None).unwrap()[0];
    let port = door(server, authority.acceptor_for(name)).await;
    url.set_host(Some("localhost")).unwrap();
    url.set_port(Some(port)).unwrap();
    url
}

async fn outcome(url: &Url, query: &str) -> Result<(), StoreError> {
    let mut url = url.clone();
    url.set_query(Some(query));
    let receipt = open(url.as_str()).mirror.apply(user("user_1").into()).await;
    receipt.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_named_authority_is_reached() {
    let (store, authority, folder) = (
        TestStore::postgres().await,
        Authority::new(),
        tempfile::tempdir().unwrap(),
    );
    let url = url_through_door(&store, &authority, "localhost").await;
    let path = folder.path().join("ca.pem");
    authority.write_to(&path);
    for mode in ["require", "verify-ca", "verify-full"] {
        let query = format!("sslmode={mode}&sslrootcert={}", path.display());
        outcome(&url, &query).await.unwrap();
    }
    assert_eq!(store.user("user_1").await["clerk_user_id"], "user_1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_trusted_whatever_the_mode() {
    let (store, authority, folder) = (
        TestStore::postgres().await,
        Authority::new(),
        tempfile::tempdir().unwrap(),
    );
    let path = |name: &str| folder.path().join(name);
    authority.write_to(&path("ca.pem"));
    Authority::new().write_to(&path("other.pem"));
    std::fs::write(path("empty.pem"), "").unwrap();
    std::fs::write(
        path("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let right = url_through_door(&store, &authority, "localhost").await;
    let misnamed = url_through_door(&store, &authority, "db.example.com").await;
    for mode in ["require", "verify-ca", "verify-full"] {
        let of = |file: &str| format!("sslmode={mode}&sslrootcert={}", path(file).display());
        for (what, url, query) in [
            ("another authority", &right, of("other.pem")),
            (
                "the system's authorities alone",
                &right,
                format!("sslmode={mode}"),
            ),
            ("another name", &misnamed, of("ca.pem")),
            ("no authority", &right, of("empty.pem")),
            ("a broken authority", &right, of("broken.pem")),
            ("no file", &right, of("absent.pem")),
        ] {
            let refused = outcome(url, &query).await;
            assert!(
                matches!(refused, Err(StoreError::Unavailable(_))),
                "{what}, {mode}: {refused:?}"
            );
        }
    }
    assert!(store.everything().await.is_empty());
}
