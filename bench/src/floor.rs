//! The least that could answer the same: bare axum routes, with nothing around them that a service needs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use serde_json::Value;
use tokio_postgres::{Client, NoTls, Statement};

use crate::Failure;
use crate::answer::Answer;
use crate::tokens::user_id;

const CONNECTIONS: usize = 10;

const TABLE: &str = "create table people (id text primary key, first_name text, data text, version bigint not null)";
const FILL: &str = "insert into people select id, 'Some', $2, 0 from unnest($1::text[]) as id";
const UPSERT: &str = "insert into people (id, first_name, data, version) values ($1, $2, $3, $4)
    on conflict (id) do update set first_name = excluded.first_name, data = excluded.data, version = excluded.version
    where people.version < excluded.version";
const SELECT: &str = "select data from people where id = $1";

/// What the bare server is started with.
#[derive(clap::Args)]
pub(crate) struct Floor {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// The database
    #[arg(long)]
    postgres: String,
    /// The file with the service's answer of `/me`, head and body
    #[arg(long)]
    answer: PathBuf,
    /// The file with the public key, as PKCS#1 DER
    #[arg(long)]
    public_key: PathBuf,
    /// How many users there are, whose rows `/select` reads in turn
    #[arg(long)]
    users: usize,
}

struct Shared {
    pool: Pool<Connections>,
    answer: Answer,
    key: ParsedPublicKey,
    /// The users whose rows there are, and whose turn it is.
    users: Vec<String>,
    next: AtomicUsize,
}

/// Makes the table of a bare server, with a row for each of so many users that holds the answer of `/me`.
pub(crate) async fn fill(url: &str, users: usize, answer: &str) -> Result<(), Failure> {
    let client = crate::postgres::client(url).await?;
    client.batch_execute(TABLE).await?;
    let ids: Vec<String> = (0..users).map(user_id).collect();
    client.execute(FILL, &[&ids, &answer]).await?;
    client.batch_execute("vacuum analyze people").await?;
    Ok(())
}

impl Floor {
    pub(crate) async fn serve(self) -> Result<(), Failure> {
        let pool = Pool::builder(Connections(self.postgres))
            .max_size(CONNECTIONS)
            .build()?;
        let answer = Answer::read(&std::fs::read(&self.answer)?)?;
        let key = ParsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA256,
            std::fs::read(&self.public_key)?,
        )?;
        let routes = Router::new()
            .route("/me", get(me))
            .route("/body", get(body))
            .route("/verify", get(verify))
            .route("/select", get(select))
            .route("/hook", post(upsert))
            .with_state(Arc::new(Shared {
                pool,
                answer,
                key,
                users: (0..self.users).map(user_id).collect(),
                next: AtomicUsize::new(0),
            }));
        let listener = tokio::net::TcpListener::bind(self.listen).await?;
        axum::serve(listener, routes).await?;
        Ok(())
    }
}

/// The same bytes as the service.
async fn me(State(shared): State<Arc<Shared>>) -> Response {
    shared.answer.whole()
}

/// The same body.
async fn body(State(shared): State<Arc<Shared>>) -> Response {
    shared.answer.body_alone()
}

/// The signature of the token, and the same bytes.
async fn verify(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(StatusCode::UNAUTHORIZED)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    shared
        .key
        .verify_sig(signed.as_bytes(), &signature)
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    Ok(shared.answer.whole())
}

/// One prepared select, of another user each time; nothing is verified.
async fn select(State(shared): State<Arc<Shared>>) -> Result<impl IntoResponse, StatusCode> {
    let turn = shared.next.fetch_add(1, Ordering::Relaxed) % shared.users.len().max(1);
    let id = shared.users.get(turn).ok_or(StatusCode::NOT_FOUND)?;
    let connection = shared
        .pool
        .get()
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let row = connection
        .client
        .query_opt(&connection.select, &[id])
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?
        .ok_or(StatusCode::NOT_FOUND)?;
    Ok((
        [(CONTENT_TYPE, "application/json")],
        row.get::<_, String>(0),
    ))
}

/// One prepared upsert, committed; no signature, no bookkeeping.
async fn upsert(State(shared): State<Arc<Shared>>, body: Bytes) -> Result<StatusCode, StatusCode> {
    let event: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let field = |name: &str| event.get("data").and_then(|data| data.get(name));
    let (Some(id), Some(version)) = (
        field("id").and_then(Value::as_str),
        field("updated_at").and_then(Value::as_i64),
    ) else {
        return Err(StatusCode::BAD_REQUEST);
    };
    let name = field("first_name").and_then(Value::as_str);
    let data = field("public_metadata").map(Value::to_string);
    let connection = shared
        .pool
        .get()
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    connection
        .client
        .execute(&connection.upsert, &[&id, &name, &data, &version])
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the pool's connections; the string is the database's URL.
struct Connections(String);

/// A connection with its statements prepared.
struct Connection {
    client: Client,
    select: Statement,
    upsert: Statement,
}

impl Manager for Connections {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        tokio::spawn(connection);
        Ok(Connection {
            select: client.prepare(SELECT).await?,
            upsert: client.prepare(UPSERT).await?,
            client,
        })
    }

    async fn recycle(
        &self,
        _: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        Ok(())
    }
}
