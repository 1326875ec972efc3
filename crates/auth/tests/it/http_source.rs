//! The HTTP adapter against servers that behave and servers that do not.

use std::time::Duration;

use auth::{
    AuthConfig, ConfigFault, HttpKeySource, JwksSource, KeyCacheSettings, KeySource,
    KeySourceError, Verifier,
};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::minting::{FIRST, after, claims, config, jwks, now};

const TTL: i64 = 5 * 60;

async fn serve(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/jwks.json"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

fn config_for(server: &MockServer) -> AuthConfig {
    let key_cache = KeyCacheSettings {
        fetch_timeout: Duration::from_secs(2),
        patience: Duration::from_millis(50),
        ..KeyCacheSettings::default()
    };
    AuthConfig {
        jwks: Some(JwksSource {
            url: format!("{}/jwks.json", server.uri()),
            bearer: None,
        }),
        key_cache,
        ..config()
    }
}

async fn fetch(server: &MockServer) -> Result<bytes::Bytes, KeySourceError> {
    let config = config_for(server);
    HttpKeySource::new(&config.jwks.unwrap(), &config.key_cache)
        .unwrap()
        .fetch()
        .await
}

fn good() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(jwks(&[&FIRST]))
}

fn faults() -> Vec<(&'static str, ResponseTemplate)> {
    vec![
        ("error", ResponseTemplate::new(500)),
        (
            "not found",
            ResponseTemplate::new(404).set_body_string(jwks(&[&FIRST])),
        ),
        ("no content", ResponseTemplate::new(204)),
        (
            "garbage",
            ResponseTemplate::new(200).set_body_bytes([0xff, 0x00, 0x7b]),
        ),
        ("empty", ResponseTemplate::new(200)),
        ("hanging", good().set_delay(Duration::from_secs(60))),
        (
            "18 MB",
            ResponseTemplate::new(200).set_body_bytes(vec![b' '; 18 << 20]),
        ),
    ]
}

#[tokio::test]
async fn the_set_is_fetched_once_and_used() {
    let server = serve(good()).await;
    let verifier = Verifier::new(&config_for(&server)).unwrap();
    for _ in 0..3 {
        verifier
            .verify(&FIRST.token(&claims()), now())
            .await
            .unwrap();
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_any_set_a_fault_means_unavailable() {
    for (name, answer) in faults() {
        let server = serve(answer).await;
        let verifier = Verifier::new(&config_for(&server)).unwrap();
        let refusal = verifier
            .verify(&FIRST.token(&claims()), now())
            .await
            .unwrap_err();
        assert_eq!(refusal.code(), "keys_unavailable", "{name}");
    }
}

#[tokio::test]
async fn known_keys_work_through_every_fault() {
    for (name, answer) in faults() {
        let server = serve(good()).await;
        let verifier = Verifier::new(&config_for(&server)).unwrap();
        verifier
            .verify(&FIRST.token(&claims()), now())
            .await
            .unwrap();
        server.reset().await;
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        for seconds in [TTL, TTL + 60] {
            let verdict = verifier
                .verify(&FIRST.token_at(seconds), after(seconds))
                .await;
            assert!(verdict.is_ok(), "{name}: {verdict:?}");
        }
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = serve(good()).await;
    let target = format!("{}/jwks.json", elsewhere.uri());
    for status in [301, 302, 303, 307, 308] {
        let server =
            serve(ResponseTemplate::new(status).insert_header("location", target.as_str())).await;
        assert!(
            matches!(fetch(&server).await, Err(KeySourceError::Status(found)) if found == status)
        );
    }
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn the_bearer_secret_is_sent_and_not_shown() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Bearer sk_test_secret"))
        .respond_with(good())
        .mount(&server)
        .await;
    let mut config = config_for(&server);
    config.jwks.as_mut().unwrap().bearer = Some(SecretString::from("sk_test_secret"));
    let source = HttpKeySource::new(config.jwks.as_ref().unwrap(), &config.key_cache).unwrap();
    assert!(!source.fetch().await.unwrap().is_empty());
    assert!(!format!("{config:?} {source:?}").contains("sk_test_secret"));
    config.jwks.as_mut().unwrap().bearer = Some(SecretString::from("sk\nsplit"));
    assert_eq!(
        Verifier::new(&config).err().unwrap().faults,
        [ConfigFault::JwksBearer]
    );
}

#[tokio::test]
async fn a_declared_length_beyond_the_limit_is_not_read() {
    let server = serve(ResponseTemplate::new(200).set_body_bytes(vec![b' '; (1 << 20) + 1])).await;
    assert!(
        matches!(fetch(&server).await, Err(KeySourceError::TooLarge { limit }) if limit == 1 << 20)
    );
    let server = serve(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 1 << 20])).await;
    assert_eq!(fetch(&server).await.unwrap().len(), 1 << 20);
}

/// A server that sends chunks until the other side has had enough.
#[tokio::test]
async fn a_body_without_length_and_end_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /jwks.json"));
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await
            .unwrap();
        let chunk = [&b"10000\r\n"[..], &[b' '; 0x10000], b"\r\n"].concat();
        let mut sent = 0_usize;
        while stream.write_all(&chunk).await.is_ok() {
            sent += 0x10000;
        }
        sent
    });
    let source = HttpKeySource::new(
        &JwksSource { url, bearer: None },
        &KeyCacheSettings::default(),
    )
    .unwrap();
    assert!(matches!(
        source.fetch().await,
        Err(KeySourceError::TooLarge { .. })
    ));
    drop(source);
    // Beyond the limit lies only what the kernel buffers.
    assert!(server.await.unwrap() < 64 << 20);
}

#[tokio::test]
async fn nobody_listening_is_a_transport_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let source = HttpKeySource::new(
        &JwksSource { url, bearer: None },
        &KeyCacheSettings::default(),
    )
    .unwrap();
    assert!(matches!(
        source.fetch().await,
        Err(KeySourceError::Transport(_))
    ));
}

#[test]
fn plain_http_is_for_loopback() {
    let source = JwksSource {
        url: "http://clerk.example.com/jwks.json".to_owned(),
        bearer: None,
    };
    assert_eq!(
        HttpKeySource::new(&source, &KeyCacheSettings::default()).err(),
        Some(ConfigFault::JwksUrl)
    );
}

#[test]
fn a_verifier_names_every_fault_of_its_configuration_at_once() {
    let config = AuthConfig {
        issuer: "clerk.example.com".to_owned(),
        jwks: Some(JwksSource {
            url: "http://clerk.example.com/jwks.json".to_owned(),
            bearer: None,
        }),
        jwt_key: Some("nonsense".to_owned()),
        authorized_parties: Vec::new(),
        ..config()
    };
    let error = Verifier::new(&config).err().unwrap();
    assert_eq!(error.faults.len(), 4, "{error}");
    for named in ["issuer", "JWKS URL", "PEM", "authorized parties"] {
        assert!(error.to_string().contains(named), "{error}");
    }
}
