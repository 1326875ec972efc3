//! The password in a URL is never shown, whatever goes wrong.

use std::error::Error;
use std::net::TcpListener;

use domain::StoreError;
use persistence::{DatabaseUrl, migrate_up};

use crate::store::open;

const PASSWORD: &str = "hunter2";

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?} / {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(" / {error:?} / {error}"));
        cause = error.source();
    }
    text
}

#[test]
fn a_url_is_not_shown() {
    for text in [
        "postgres://u:hunter2@localhost/db",
        "postgres://localhost/db?user=u&password=hunter2",
    ] {
        let url: DatabaseUrl = text.parse().unwrap();
        assert!(!format!("{url:?} {url:#?}").contains(PASSWORD));
    }
}

#[test]
fn a_bad_url_is_not_quoted() {
    for text in [
        "postgres://u:hunter2@h:99999/db",
        "postgres://u:hunter2@[::1/db",
        "postgres://u:hunter2@h/db?connect_timeout=hunter2",
        "postgres://u:hunter2@h/db?colour=hunter2",
        "postgres://u:hunter2@h/db?sslmode=hunter2",
        "postgres://u:hunter2@h1:1,h2:2/db",
        "postgres://u:hunter2#@h/db?x=y",
        "postgres://u:hunter2@h/db?target_session_attrs=hunter2",
        "postgres//u:hunter2@h/db",
        "host=h user=u password=hunter2",
    ] {
        if let Err(error) = text.parse::<DatabaseUrl>() {
            let shown = chain(&error);
            assert!(!shown.contains(PASSWORD), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_connect_does_not_show_it() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("postgres://u:{PASSWORD}@127.0.0.1:{closed}/db");
    let error = open(&url).health.report().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!chain(&error).contains(PASSWORD), "{}", chain(&error));
    let error = migrate_up(&url.parse().unwrap()).await.unwrap_err();
    assert!(!chain(&error).contains(PASSWORD), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_shown() {
    let database = testdb::TestDatabase::postgres().await;
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_password(Some(PASSWORD)).unwrap();
    let error = open(url.as_str()).health.report().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!chain(&error).contains(PASSWORD), "{}", chain(&error));
}
