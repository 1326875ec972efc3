//! The running service with its Clerk and its database.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use clerk_sync::{Config, Server};
use domain::{Caller, ClerkId, DeliveryRecord};
use emulator::{Emulator, EmulatorConfig, SigningKey, TokenRequest};
use persistence::Store;
use reqwest::Client;
use serde_json::json;
use testdb::TestDatabase;

use crate::patience::{PATIENCE, within};
use crate::visitor;
use crate::{Answer, Event, Message, PARTY, Visitor, WEBHOOKS, settings};

/// Making a key takes time, so the tests of one process share it.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().expect("an RSA key"));

/// Callers' tokens outlive every test.
const TOKEN_SECONDS: i64 = 3600;

/// A real server on a free port, an offline Clerk that sends it webhooks, and a database of its own.
pub struct World {
    server: Server,
    clerk: Emulator,
    client: Client,
    database: TestDatabase,
}

impl World {
    /// Starts everything with the usual settings.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn start(database: TestDatabase) -> Self {
        Self::with(database, &[]).await
    }

    /// Starts everything with settings of the test's own besides the usual ones; see [`settings`].
    ///
    /// # Panics
    /// When something does not start.
    pub async fn with(database: TestDatabase, own: &[(&str, &str)]) -> Self {
        Self::of(Self::new_clerk().await, database, own).await
    }

    /// The same with an offline Clerk that is there already.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn of(clerk: Emulator, database: TestDatabase, own: &[(&str, &str)]) -> Self {
        let server = Self::new_server(database.url(), &clerk, own).await;
        let world = Self {
            server,
            clerk,
            client: visitor::client(),
            database,
        };
        world.connect();
        world
    }

    /// An offline Clerk that sends webhooks to nobody yet, and repeats failed ones soon and often.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn new_clerk() -> Emulator {
        let config = EmulatorConfig {
            key: Some(KEY.clone()),
            retry_schedule: vec![Duration::from_millis(250); 100],
            ..EmulatorConfig::on_free_port()
        };
        Emulator::start(config).await.expect("an emulator")
    }

    /// A server on this database that believes this Clerk.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn new_server(database_url: &str, clerk: &Emulator, own: &[(&str, &str)]) -> Server {
        Self::server_of(settings(database_url, clerk, own)).await
    }

    /// A server with exactly these settings.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn server_of(settings: Vec<(String, String)>) -> Server {
        let lookup = |name: &str| {
            let found = settings.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let config = Config::read(lookup).unwrap_or_else(|errors| panic!("{errors}"));
        let started = Server::start(config).await;
        started.unwrap_or_else(|error| panic!("the server does not start: {error:?}"))
    }

    /// Stops the server; leaves its Clerk and its database.
    pub async fn stop(self) -> (Emulator, TestDatabase) {
        self.server.shutdown().await;
        (self.clerk, self.database)
    }

    /// The offline Clerk.
    #[must_use]
    pub fn clerk(&self) -> &Emulator {
        &self.clerk
    }

    /// The server's store, with every port.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.server.store()
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Where Prometheus asks, where the settings say so.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.server.metrics_address()
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Lets Clerk send its webhooks here; so it is from the start.
    ///
    /// # Panics
    /// Never: the URL is our own.
    pub fn connect(&self) {
        let url = self.url(WEBHOOKS);
        self.clerk.set_webhook(Some(&url), None).expect("a URL");
    }

    /// Lets Clerk send its webhooks nowhere.
    ///
    /// # Panics
    /// Never: there is nothing to refuse.
    pub fn disconnect(&self) {
        self.clerk.set_webhook(None, None).expect("no URL");
    }

    /// Waits until every webhook has come home.
    ///
    /// # Panics
    /// When one does not, or not within [`PATIENCE`].
    pub async fn settled(&self) {
        let lost = within(PATIENCE, "all webhooks", self.clerk.undelivered()).await;
        assert!(lost.is_empty(), "undelivered: {lost:?}");
    }

    /// Somebody without a token.
    #[must_use]
    pub fn anonymous(&self) -> Visitor {
        Visitor::new(self.client.clone(), self.address())
    }

    /// A person who has just signed up at Clerk as `name@example.com`, with a session and its token, and of whom the
    /// webhooks have told the server.
    ///
    /// # Panics
    /// When Clerk refuses, or the webhooks do not arrive.
    pub async fn caller(&self, name: &str) -> Visitor {
        let caller = self.newcomer(name);
        self.settled().await;
        caller
    }

    /// A person who has just signed up at Clerk, whether or not the server has been told.
    ///
    /// # Panics
    /// When Clerk refuses.
    #[must_use]
    pub fn newcomer(&self, name: &str) -> Visitor {
        let params = json!({"email_address": [format!("{name}@example.com")], "first_name": name});
        let signed_up = self
            .clerk
            .create_user(params, &emulator::Caller::default())
            .expect("a new user");
        let session = self.clerk.new_session(&signed_up.id).expect("a session");
        let token = self.token(TokenRequest::for_session(&session.id));
        self.anonymous()
            .bearer(&token)
            .known_as(&signed_up.id, &session.id)
    }

    /// A token that lives long and was issued to [`PARTY`], unless the request says otherwise.
    ///
    /// # Panics
    /// When Clerk cannot mint it.
    #[must_use]
    pub fn token(&self, mut request: TokenRequest) -> String {
        request.expires_in = request.expires_in.or(Some(TOKEN_SECONDS));
        if !request.claims.contains_key("azp") {
            request = request.authorized_party(PARTY);
        }
        self.clerk.mint(request).expect("a token")
    }

    /// The body, signed as Clerk would sign it now, under a new message id.
    #[must_use]
    pub fn signed(&self, body: impl Into<Vec<u8>>) -> Message {
        Message::signed(&self.clerk.webhook_secret(), body)
    }

    /// Sends a signed event.
    pub async fn deliver(&self, event: Event) -> Answer {
        self.send(self.signed(event)).await
    }

    /// Sends a message as it stands.
    pub async fn send(&self, message: Message) -> Answer {
        self.anonymous().send(message).await
    }

    /// The ledger's line of a message.
    ///
    /// # Panics
    /// When the ledger cannot be read.
    pub async fn delivery(&self, message_id: &str) -> Option<DeliveryRecord> {
        let found = self.store().deliveries.find(message_id).await;
        found.expect("the ledger")
    }

    /// What is known of a user and one of his sessions.
    ///
    /// # Panics
    /// When the store cannot be read or the ids are none.
    pub async fn known(&self, user_id: &str, session_id: &str) -> Option<Caller> {
        let id = |text| ClerkId::parse(text).expect("an id");
        let known = self
            .store()
            .users
            .caller(&id(user_id), &id(session_id))
            .await;
        known.expect("the users")
    }
}
