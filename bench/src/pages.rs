//! A page of a user's rows, with row-level security and without: the route by two services on one database, of which only one
//! has a role that policies bind; and the query by SQL.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use crate::Failure;
use crate::load::{LATEST, Measurement};
use crate::postgres::{Postgres, Service, client};
use crate::subject::Subject;
use crate::tokens::{Signer, user_id};

pub(crate) const PATH: &str = "/api/v1/listings?limit=50";

const ROLE: &str = "bench_bound";

/// Rows of the user whose page is read and of everybody else, in no order, as they come.
const FILL: &str = "insert into listings (id, user_id, title, components, status, created_at, updated_at)
    select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7000'
            || substr(md5(random()::text), 1, 16))::uuid,
        owner, 'Touring bicycle', '{\"frame\": \"steel\", \"gears\": 27}', 'active', now(), now()
    from (select id as owner from users, generate_series(1, case when clerk_user_id = $1 then 10000 else 100 end)
        order by random()) as mixed";
const PAGE: &str = "select id, user_id, organization_id, title, price::text, currency, condition, components::text, status,
    created_at::text, updated_at::text from listings where user_id = $1 order by id desc limit 51";
/// As the service tells it, in the transaction that reads.
const TELL: &str = "select set_config('app.current_user_id', $1, true), set_config('app.current_org_id', $2, true),
    set_config('app.admin_proof', $3, true), set_config('request.jwt.claims', $4, true)";

pub(crate) struct Pages {
    pub(crate) bound: Subject,
    pub(crate) unbound: Subject,
    bound_url: String,
    bare_url: String,
    owner: Uuid,
}

impl Pages {
    /// On a database that has users.
    pub(crate) async fn start(
        postgres: &Postgres,
        program: &Path,
        signer: &Signer,
        database: &str,
    ) -> Result<Self, Failure> {
        let bare_url = postgres.url(database);
        let bound_url = postgres.role(ROLE, database).await?;
        let mut service = Service {
            program,
            signer,
            url: &bare_url,
            migrates: None,
            tokens: None,
            users: None,
        };
        let unbound = service.start().await?;
        let client = client(&bare_url).await?;
        let user = user_id(0);
        client.execute(FILL, &[&user]).await?;
        client.batch_execute("vacuum analyze listings").await?;
        let owner = "select id from users where clerk_user_id = $1";
        let owner: Uuid = client.query_one(owner, &[&user]).await?.get(0);
        service.url = &bound_url;
        service.migrates = Some(&bare_url);
        let bound = service.start().await?;
        Ok(Self {
            bound,
            unbound,
            bound_url,
            bare_url,
            owner,
        })
    }

    /// The page by SQL for a while, on so many connections.
    pub(crate) async fn read(
        &self,
        is_bound: bool,
        connections: usize,
        time: Duration,
    ) -> Result<Measurement, Failure> {
        let url = if is_bound {
            &self.bound_url
        } else {
            &self.bare_url
        };
        let mut readers = Vec::new();
        for _ in 0..connections {
            readers.push(Reader::open(url, self.owner).await?);
        }
        let begin = Instant::now();
        let mut reading = tokio::task::JoinSet::new();
        for reader in readers {
            reading.spawn(async move {
                let mut times = Vec::new();
                while begin.elapsed() < time {
                    let sent = Instant::now();
                    let rows = if is_bound {
                        reader.bound().await?
                    } else {
                        reader.bare().await?
                    };
                    if rows != 51 {
                        return Err(Failure::from(format!("a page has {rows} rows")));
                    }
                    times.push(sent.elapsed());
                }
                Ok(times)
            });
        }
        let mut times = Vec::new();
        let all = async {
            while let Some(read) = reading.join_next().await {
                times.extend(read??);
            }
            Ok::<_, Failure>(())
        };
        let read = tokio::time::timeout(time + LATEST, all).await;
        read.map_err(|_| "PostgreSQL has stopped answering")??;
        Ok(Measurement::of(times, begin.elapsed().as_secs_f64()))
    }
}

struct Reader {
    client: Client,
    begin: Statement,
    tell: Statement,
    page: Statement,
    commit: Statement,
    owner: Uuid,
}

impl Reader {
    async fn open(url: &str, owner: Uuid) -> Result<Self, Failure> {
        let client = client(url).await?;
        Ok(Self {
            begin: client.prepare("begin read only").await?,
            tell: client.prepare(TELL).await?,
            page: client.prepare(PAGE).await?,
            commit: client.prepare("commit").await?,
            client,
            owner,
        })
    }

    async fn bare(&self) -> Result<usize, Failure> {
        Ok(self.client.query(&self.page, &[&self.owner]).await?.len())
    }

    /// All that a transaction needs is sent together, as the service does.
    async fn bound(&self) -> Result<usize, Failure> {
        let (owner, claims) = (self.owner.to_string(), "{\"sub\": \"user_bench00000000\"}");
        let (client, nothing) = (&self.client, "");
        let (told, asked): ([&(dyn ToSql + Sync); 4], [&(dyn ToSql + Sync); 1]) =
            ([&owner, &nothing, &nothing, &claims], [&self.owner]);
        let (_, _, rows, _) = try_join!(
            client.execute(&self.begin, &[]),
            client.query(&self.tell, &told),
            client.query(&self.page, &asked),
            client.execute(&self.commit, &[]),
        )?;
        Ok(rows.len())
    }
}
