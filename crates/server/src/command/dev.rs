mod components;
mod demo;
mod greeting;
mod own_settings;

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use emulator::{Emulator, EmulatorConfig, SettingsFormat};
use secrecy::{ExposeSecret as _, SecretString};

use components::Components;
use demo::{Demo, demo};
use greeting::greet;
use own_settings::{OwnSettings, Settings};

use super::emulate::Mishaps;
use super::signals::told_to_stop;
use super::{Failure, output};
use crate::config::environment;
use crate::doctor::chain;
use crate::{Logging, Server, start_logging};

/// Where everything of `dev` is kept, below the folder that it runs in.
const FOLDER: &str = ".clerk-sync";
const SETTINGS_FILE: &str = "settings.env";
const DATABASE_FILE: &str = "clerk-sync.db";
const SECRET_FILE: &str = "webhook-secret";
const TOKEN_FILE: &str = "demo-token";
/// The emulator has no limit unless it is told one.
const EMULATOR_BUDGET: &str = "100000/10s";
/// The gate is closed as in production, and this opens it.
const INVITE_CODE: &str = "offline-clerk";
const METRICS_PORT: u16 = 9464;

#[derive(Debug, Args)]
pub(super) struct Dev {
    /// The service's port; 0 takes one that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The offline Clerk's port
    #[arg(long, default_value_t = 4100)]
    emulator_port: u16,
    #[command(flatten)]
    components: Components,
    #[command(flatten)]
    mishaps: Mishaps,
    #[command(flatten)]
    own: OwnSettings,
    /// Forget all users, sessions and rows first
    #[arg(long)]
    reset: bool,
}

impl Dev {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (lookup, _) = environment(Path::new("."));
        let last_words = start_logging(Logging {
            filter: lookup("RUST_LOG").as_deref(),
            format: lookup("LOG_FORMAT").as_deref(),
            default_filter: "warn",
            collector: lookup("OTEL_EXPORTER_OTLP_ENDPOINT").as_deref(),
        })?;
        let stop = told_to_stop();
        let folder = PathBuf::from(FOLDER);
        if self.reset {
            forget(&folder)?;
        }
        fs::create_dir_all(&folder)
            .map_err(|error| format!("the folder {FOLDER} cannot be made: {error}"))?;
        let secret = secret_in(&folder)?;

        let assets = self.components.folder(&folder).await;
        let emulator = self
            .emulator(&folder, secret.clone(), assets.clone())
            .await
            .map_err(|error| self.advised(error))?;
        // The real port has to be known before the server starts: its own pages' origin is among the settings.
        let port = self.chosen_port()?;
        let metrics = metrics_address(self.port == 0);
        // What is told before the server takes it is told again.
        let origin = format!("http://127.0.0.1:{port}");
        emulator.set_webhook(Some(&format!("{origin}/api/webhooks/clerk")), None)?;
        let demo = demo(&emulator, &origin)?;
        let mut found = settings(port, metrics, &secret, &emulator, &demo);
        if assets.is_none() {
            found.extend(components::plain_pages(&emulator));
        }
        let file = folder.join(DATABASE_FILE);
        let rows = if self.own.has("DATABASE_URL") {
            "where DATABASE_URL says".to_owned()
        } else {
            found.push(("DATABASE_URL", format!("sqlite://{}", file.display())));
            format!("{} (SQLite)", file.display())
        };
        let (all, config) = self.own.beside(found)?;
        keep_settings(&folder, &all)?;
        let server = Server::start(config)
            .await
            .map_err(|error| self.advised(error))?;
        let token_file = keep_token(&folder, &demo.token)?;
        let metrics = server.metrics_address();
        greet(&origin, &rows, metrics, &emulator, &demo, &token_file);
        stop.await;
        output::line("\nstopping");
        server.shutdown().await;
        emulator.shutdown().await?;
        last_words.say().await;
        Ok(())
    }

    async fn emulator(
        &self,
        folder: &Path,
        secret: SecretString,
        assets: Option<PathBuf>,
    ) -> Result<Emulator, emulator::EmulatorError> {
        Emulator::start(EmulatorConfig {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, self.emulator_port)),
            key_path: Some(folder.join("emulator-key.pem")),
            state_path: Some(folder.join("emulator-state.json")),
            webhook_secret: Some(secret),
            assets,
            chaos: self.mishaps.chaos(),
            // Nobody waits five minutes at a desk.
            retry_schedule: [1, 2, 5, 10, 30, 60].map(Duration::from_secs).to_vec(),
            ..EmulatorConfig::default()
        })
        .await
    }

    /// The port, or for 0 one that is free now.
    fn chosen_port(&self) -> Result<u16, Failure> {
        if self.port != 0 {
            return Ok(self.port);
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
        free.map(|address| address.port())
            .map_err(|error| format!("no port is free: {error}").into())
    }

    /// Adds what to do when a port is taken.
    fn advised(&self, error: impl std::error::Error) -> Failure {
        let mut text = chain(&error);
        if text.contains("cannot listen") {
            text.push_str("; choose others with --port and --emulator-port");
        }
        text.into()
    }
}

/// The settings of `dev` in this folder, for other commands.
pub(super) fn kept_settings() -> Result<HashMap<String, String>, Failure> {
    let path = Path::new(FOLDER).join(SETTINGS_FILE);
    let lines = dotenvy::from_path_iter(&path).map_err(|_| {
        format!(
            "{} is not there: start `clerk-sync dev` in this folder first",
            path.display()
        )
    })?;
    lines.collect::<Result<_, _>>().map_err(|_| {
        format!(
            "{} is damaged: start `clerk-sync dev` again",
            path.display()
        )
        .into()
    })
}

/// Keeps the settings where other commands find them. The secrets in it are the emulator's.
fn keep_settings(folder: &Path, settings: &[(&str, String)]) -> Result<(), Failure> {
    let lines = SettingsFormat::Dotenv.write(settings);
    keep(&folder.join(SETTINGS_FILE), &lines)
}

/// Writes a file whole or not at all, for its owner only.
fn keep(path: &Path, text: &str) -> Result<(), Failure> {
    emulator::replace_file(path, text.as_bytes())
        .map_err(|error| format!("{} cannot be written: {error}", path.display()).into())
}

/// The secret that `dev` in this folder signs with.
pub(super) fn kept_secret() -> Option<SecretString> {
    let text = fs::read_to_string(Path::new(FOLDER).join(SECRET_FILE)).ok()?;
    Some(text.trim().to_owned().into())
        .filter(|secret: &SecretString| !secret.expose_secret().is_empty())
}

fn secret_in(folder: &Path) -> Result<SecretString, Failure> {
    if let Some(secret) = kept_secret() {
        return Ok(secret);
    }
    let secret = emulator::generate_webhook_secret();
    keep(&folder.join(SECRET_FILE), &secret)?;
    Ok(secret.into())
}

/// Keeps the token where the printed lines find it from any folder.
fn keep_token(folder: &Path, token: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(TOKEN_FILE);
    keep(&path, token)?;
    fs::canonicalize(path).map_err(|error| format!("{FOLDER} cannot be read: {error}").into())
}

fn forget(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", folder.display()).into())
        }
        _ => Ok(()),
    }
}

/// The usual port, or another where that is taken or any will do: metrics must not keep a second `dev` from starting.
fn metrics_address(any_will_do: bool) -> String {
    let usual = (Ipv4Addr::LOCALHOST, METRICS_PORT);
    let is_usual = !any_will_do && TcpListener::bind(usual).is_ok();
    let port = if is_usual { METRICS_PORT } else { 0 };
    format!("127.0.0.1:{port}")
}

/// What an operator would set by hand.
fn settings(
    port: u16,
    metrics: String,
    secret: &SecretString,
    emulator: &Emulator,
    demo: &Demo,
) -> Settings<'static> {
    vec![
        ("CLERK_PROXY_URL", components::frontend_api(emulator)),
        ("ADMIN_USER_IDS", demo.user_id.clone()),
        ("CLERK_SYNC_ENV", "development".to_owned()),
        ("BIND_ADDR", format!("127.0.0.1:{port}")),
        ("METRICS_ADDR", metrics),
        ("CLERK_PUBLISHABLE_KEY", emulator.publishable_key()),
        ("CLERK_SECRET_KEY", emulator.secret_key().to_owned()),
        ("CLERK_JWKS_URL", emulator.jwks_url()),
        ("CLERK_API_URL", emulator.origin()),
        ("CLERK_API_BUDGET", EMULATOR_BUDGET.to_owned()),
        ("CLERK_WEBHOOK_SECRET", secret.expose_secret().to_owned()),
        (
            "ASSISTANT_URL",
            format!("{}/assistant/v1", emulator.origin()),
        ),
        ("ASSISTANT_MODEL", "emulator".to_owned()),
        ("BETA_INVITE_CODE", INVITE_CODE.to_owned()),
        (
            "CLERK_AUTHORIZED_PARTIES",
            format!("http://127.0.0.1:{port},http://localhost:{port}"),
        ),
    ]
}
