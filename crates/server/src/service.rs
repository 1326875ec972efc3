//! The service: adapters put behind the ports, migrations run, sockets opened, background work started.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{ApiSettings, App, CorsOrigins, Leaving, LegacyBridge, Parts, ServiceTokens, SyncStatus};
use assistant::{AssistantConfig, AssistantConfigError, ChatCompletions};
use auth::Authenticator;
use auth::legacy::LegacyVerifier;
use cache::{CacheParts, CacheSettings, Caches, RedisLinkError};
use chrono::Utc;
use clerk::ClerkApi;
use domain::{
    Assistant, Directory, DirectoryHealth, Enrichment, NoEnrichment, NoWriteBacks, Policies,
    UserStore, WriteBacks,
};
use imports::CsvPositions;
use persistence::{DatabaseUrl, MigrationError, SharedSessions, Store, StoreSettings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webhooks::Receiver;

use crate::config::{BridgeConfig, Config, ConfigErrors, DatabaseConfig};
use crate::enrichment::Enricher;
use crate::http::{self, Connections};
use crate::metrics::{self, Reloads, Watched};
use crate::start_error::StartError;
use crate::upkeep::{AskedSweeps, Tools, Upkeep};
use crate::write_backs::{Means, Teller};

/// How often the keys are looked at; they are fetched only when that is due.
const KEY_LOOK: Duration = Duration::from_secs(10);
/// Connections to the metrics at one time.
const SCRAPERS: usize = 64;

/// A running service.
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    policy: Arc<Policies>,
    cors_origins: CorsOrigins,
    reloads: Arc<Reloads>,
    store: Store,
    leaving: Leaving,
    /// Between the two.
    delay: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Whether connections are sessions of their own: before anything is done that would not hold else.
///
/// # Errors
/// When they are not, or the database cannot be reached or refuses.
pub(crate) async fn check_sessions(database: &DatabaseConfig) -> Result<(), MigrationError> {
    let urls = [
        ("DATABASE_URL", Some(&database.url)),
        ("DATABASE_MIGRATION_URL", database.migration_url.as_ref()),
    ];
    for (variable, url) in urls {
        if let Some(url) = url
            && persistence::sessions_are_shared(url).await?
        {
            return Err(SharedSessions { variable }.into());
        }
    }
    Ok(())
}

/// Brings the schema up to date, by the owner where there is one, who then lets the service's own role in.
///
/// # Errors
/// As [`check_sessions`].
pub(crate) async fn migrate(database: &DatabaseConfig) -> Result<Vec<String>, MigrationError> {
    check_sessions(database).await?;
    let DatabaseConfig {
        url, migration_url, ..
    } = database;
    let ran = persistence::migrate_up(migration_url.as_ref().unwrap_or(url)).await?;
    if let Some(owner) = migration_url {
        persistence::let_in(owner, url).await?;
    }
    Ok(ran)
}

impl Server {
    /// Starts everything and answers once requests are taken.
    ///
    /// # Errors
    /// When the service cannot work with this configuration here and now.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let Config {
            is_development,
            bind,
            database,
            auth,
            cache,
            console,
            legacy,
            webhooks,
            clerk_api,
            sync,
            service_tokens,
            policy,
            invites,
            administration,
            workspace,
            edges,
            jit_provisioning,
            webhook_body_limit,
            request_timeout,
        } = config;
        // The port first: it is the likeliest thing to be taken, and nothing is changed yet.
        let (listener, address) = listen(bind, "BIND_ADDR").await?;
        let metrics_listener = match edges.metrics {
            Some(wanted) => Some(listen(wanted, "METRICS_ADDR").await?),
            None => None,
        };
        let receiver = Receiver::new(webhooks)?;
        let authenticator = Arc::new(Authenticator::new(&auth)?);
        for name in migrate(&database)
            .await
            .map_err(|source| failed(&database.url, source))?
        {
            tracing::info!(name, "migrated");
        }
        check_row_security(&database.url, is_development).await?;
        let policy = Arc::new(Policies::new(policy));
        let cors_origins = CorsOrigins::new(&edges.cors_origins);
        let settings = StoreSettings {
            pool_size: database.pool_size,
            policy: Arc::clone(&policy),
        };
        let store = Store::open(&database.url, settings)?;
        let caches = Arc::new(caches(cache, &store)?);
        let clerk = match &clerk_api {
            Some(config) => {
                let clerk = ClerkApi::new(config)?.sharing(caches.shared_budget());
                Some(Arc::new(clerk))
            }
            None => None,
        };
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let leaving = Leaving::default();
        let enrichment: Arc<dyn Enrichment> = match &clerk {
            Some(clerk) => Enricher::start(clerk, &store.mirror, &tasks, &stop),
            None => Arc::new(NoEnrichment),
        };
        let directory_health = clerk.clone();
        let directory_health = directory_health.map(|clerk| -> Arc<dyn DirectoryHealth> { clerk });
        let directory = clerk.map(|clerk| -> Arc<dyn Directory> { clerk });
        let write_backs: Arc<dyn WriteBacks> = match &directory {
            Some(directory) => {
                let means = Means {
                    directory: Arc::clone(directory),
                    overview: Arc::clone(&store.overview),
                    audit: Arc::clone(&store.audit),
                    policy: Arc::clone(&policy),
                };
                Teller::start(means, &tasks, &stop)
            }
            None => Arc::new(NoWriteBacks),
        };
        let sync_status = Arc::new(SyncStatus::new(Utc::now()));
        let (housekeeping, audit) = (Arc::clone(&store.housekeeping), Arc::clone(&store.audit));
        let asked_sweeps = Arc::new(AskedSweeps::new(housekeeping, audit));
        let legacy = legacy.map(|BridgeConfig { tokens, sunset }| {
            let verifier =
                LegacyVerifier::new(&tokens, authenticator.issuer()).map_err(StartError::Legacy)?;
            let users = Arc::clone(&store.external_ids);
            Ok::<_, StartError>(LegacyBridge::new(verifier, users, sunset))
        });
        let app = App::new(Parts {
            mirror: Arc::clone(&store.mirror),
            users: caches.users.clone(),
            enrichment: Arc::clone(&enrichment),
            directory: directory.clone(),
            directory_health,
            write_backs,
            changes: Arc::clone(&store.changes),
            feed_tail: Arc::clone(&store.feed_tail),
            feed_pulse: caches.watch.clone(),
            cache_health: caches.clone(),
            tickets: Arc::clone(&store.tickets),
            invites: Arc::clone(&store.invites),
            usage: Arc::clone(&store.usage),
            audit: Arc::clone(&store.audit),
            administration: Arc::clone(&store.administration),
            erasures: Arc::clone(&store.erasures),
            overview: Arc::clone(&store.overview),
            workspace: store.workspace.clone(),
            position_reader: Arc::new(CsvPositions),
            assistant: assistant(workspace.assistant.as_ref())?,
            deliveries: Arc::clone(&store.deliveries),
            store_health: Arc::clone(&store.health),
            receiver,
            legacy: legacy.transpose()?,
            authenticator: Arc::clone(&authenticator),
            service_tokens: ServiceTokens::new(service_tokens),
            policy: Arc::clone(&policy),
            sync_status: Arc::clone(&sync_status),
            sweeps: asked_sweeps.clone(),
            leaving: leaving.clone(),
            settings: ApiSettings {
                jit_provisioning,
                webhook_body_limit,
                import_body_limit: workspace.import_body_limit,
                import: workspace.import,
                request_timeout,
                clerk_configured: clerk_api.is_some(),
                invites,
                role_write_back: administration.role_write_back,
                erasure_hold_days: administration.erasure_hold_days,
                max_requests: edges.max_requests,
                rate_limits: edges.rate_limits,
                trusted_proxies: edges.trusted_proxies,
                cors_origins: cors_origins.clone(),
                origins: auth.authorized_parties,
            },
            stop: stop.clone(),
        });
        let tools = Tools::of(&store, directory, enrichment, sync_status, asked_sweeps);
        let upkeep = Upkeep::new(tools, &sync);
        let reloads = Arc::<Reloads>::default();
        let endpoint = api::router(app.clone(), console.map(console::pages))?;
        let connections = Connections::at_most(http::MAX_CONNECTIONS);
        let metrics_address = metrics_listener.as_ref().map(|(_, address)| *address);
        if let Some((listener, _)) = metrics_listener {
            let watched = Watched {
                app,
                endpoint: endpoint.clone(),
                connections: Arc::clone(&connections),
                store: Arc::clone(&store.health),
                caches: caches.clone(),
                authenticator: Arc::clone(&authenticator),
                leads: upkeep.leads(),
                reloads: Arc::clone(&reloads),
                since: Utc::now(),
            };
            let few = Connections::at_most(SCRAPERS);
            let routes = metrics::routes(watched);
            tasks.spawn(http::serve(listener, few, routes, stop.clone()));
        }
        tasks.spawn(http::serve(listener, connections, endpoint, stop.clone()));
        tasks.spawn(first_look(Arc::clone(&store.users)));
        tasks.spawn(Arc::clone(&caches).run(stop.clone()));
        tasks.spawn(keep_keys(authenticator, stop.clone()));
        tasks.spawn(upkeep.run(stop.clone()));
        tasks.close();
        let metrics = metrics_address.map(tracing::field::display);
        tracing::info!(%address, metrics, database = database.url.product(), "ready");
        Ok(Self {
            address,
            metrics_address,
            policy,
            cors_origins,
            reloads,
            store,
            leaving,
            delay: edges.shutdown_delay,
            stop,
            tasks,
        })
    }

    /// Where it listens, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where Prometheus asks, with the real port, unless that is nowhere.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// The store that it works with.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Puts the policy and the origins of pages in the place of those in force; the rest of the settings is for the next
    /// start. With a fault anywhere, nothing changes. Answers what could not be done.
    ///
    /// # Errors
    /// When the settings are faulty, or the origins cannot be exchanged.
    pub fn reload(&self, read: Result<Config, ConfigErrors>) -> Result<(), String> {
        let done = read.map_err(|errors| errors.to_string()).and_then(|config| {
            self.policy.replace(config.policy);
            if self.cors_origins.replace(&config.edges.cors_origins) {
                return Ok(());
            }
            Err("CORS_ORIGINS was empty when the service started: start it again for pages to be let in".to_owned())
        });
        self.reloads.count(done.is_ok());
        done
    }

    /// Says that it is not ready any more, and goes on for as long as whoever sends requests here takes to notice. Then takes
    /// no new ones, lets those under way finish, and stops.
    pub async fn shutdown(self) {
        self.leaving.begin();
        tokio::time::sleep(self.delay).await;
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

async fn listen(
    wanted: SocketAddr,
    variable: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Bind {
        address: wanted,
        variable,
        source,
    };
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Whether row-level security binds the role that the service works as: outside development it has to.
async fn check_row_security(url: &DatabaseUrl, is_development: bool) -> Result<(), StartError> {
    let problem = persistence::row_security_problem(url)
        .await
        .map_err(|source| failed(url, source))?;
    match problem {
        Some(problem) if problem.is_open() && !is_development => Err(problem.into()),
        Some(problem) => {
            tracing::warn!("{problem}");
            Ok(())
        }
        None => Ok(()),
    }
}

fn assistant(
    config: Option<&AssistantConfig>,
) -> Result<Option<Arc<dyn Assistant>>, AssistantConfigError> {
    let client = config.map(ChatCompletions::new).transpose()?;
    Ok(client.map(|client| -> Arc<dyn Assistant> { Arc::new(client) }))
}

/// Puts the caches before the store.
fn caches(settings: CacheSettings, store: &Store) -> Result<Caches, RedisLinkError> {
    let parts = CacheParts {
        users: Arc::clone(&store.users),
        feed_tail: Arc::clone(&store.feed_tail),
        commits: Arc::clone(&store.commits),
        wake_ups: Arc::clone(&store.wake_ups),
        housekeeping: Arc::clone(&store.housekeeping),
    };
    Caches::new(settings, parts)
}

fn failed(url: &DatabaseUrl, source: MigrationError) -> StartError {
    match source {
        MigrationError::Shared(shared) => StartError::Sessions(shared),
        source => StartError::Migration {
            product: url.product(),
            source,
        },
    }
}

/// Asks for somebody whom there is not, so that the first caller finds a connection that knows the question.
async fn first_look(users: Arc<dyn UserStore>) {
    if let Err(error) = users.caller("user_0", "sess_0").await {
        tracing::debug!(%error, "the first look for a caller failed");
    }
}

/// Keeps the signing keys fresh, so that no request waits for them.
async fn keep_keys(authenticator: Arc<Authenticator>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = authenticator.verifier().keys().refresh_if_due(Utc::now()) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(KEY_LOOK) => {}
        }
    }
}
