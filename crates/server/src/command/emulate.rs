use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use emulator::{Chaos, Client, Emulator, EmulatorConfig, Reached, Seed, SettingsFormat};
use secrecy::SecretString;
use serde::Deserialize;

use super::assets::Assets;
use super::signals::told_to_stop;
use super::{Failure, output};
use crate::{Logging, start_logging};

#[derive(Debug, Args)]
pub(super) struct Emulate {
    #[command(subcommand)]
    command: Option<EmulatorCommand>,
    /// The port to listen on
    #[arg(long, global = true, default_value_t = 4100)]
    port: u16,
    /// The address to listen on; others than loopback need --allow-non-loopback
    #[arg(long, global = true, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Listen where others can reach it, although everyone who does can mint any token
    #[arg(long)]
    allow_non_loopback: bool,
    /// Keep users and sessions in this file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Keep the signing key in this file, so that tokens and caches survive a restart
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Make ids and times repeatable
    #[arg(long)]
    seed: Option<u64>,
    /// Where webhooks go
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// The secret that signs them, `whsec_…`; generated and printed when absent
    #[arg(long, value_name = "SECRET")]
    webhook_secret: Option<SecretString>,
    /// Serve Clerk's browser components from this folder, laid out as `node_modules/@clerk`; `emulator assets` fetches them
    #[arg(long, value_name = "DIR")]
    clerk_assets: Option<PathBuf>,
    /// Where browsers reach the emulator, when not at the address that it listens on
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// An origin beyond this machine whose pages may use the Frontend API; can be given several times
    #[arg(long, value_name = "ORIGIN")]
    page_origin: Vec<String>,
    /// Make this many users first, without events
    #[arg(long, default_value_t = 0)]
    users: usize,
    /// Make this many organizations first, without events
    #[arg(long, default_value_t = 0)]
    organizations: usize,
    #[command(flatten)]
    mishaps: Mishaps,
}

/// Mishaps of webhooks, each with a probability from 0 to 1.
#[derive(Debug, Args)]
pub(super) struct Mishaps {
    /// Share of events that are never sent
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    drop: f64,
    /// Share of events that are sent twice
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    duplicate: f64,
    /// Share of events that later ones overtake
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    reorder: f64,
    /// Share of events that come late
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    delay: f64,
    /// Share of first attempts with a wrong signature
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    corrupt: f64,
}

impl Mishaps {
    /// The emulator's settings; a share that is none is refused by it.
    pub(super) fn chaos(&self) -> Chaos {
        let Self {
            drop,
            duplicate,
            reorder,
            delay,
            corrupt,
        } = *self;
        Chaos {
            drop,
            duplicate,
            reorder,
            delay,
            corrupt,
            ..Chaos::default()
        }
    }
}

#[derive(Debug, Subcommand)]
enum EmulatorCommand {
    /// Print the settings with which a client works with the emulator; a running one is asked for its secrets
    Env(Env),
    Assets(Assets),
}

#[derive(Debug, Args)]
struct Env {
    /// The client
    #[arg(long = "for", value_name = "CLIENT", default_value = "clerk-sync", value_parser = clients())]
    client: Client,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Dotenv)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// NAME=value, for `.env` files
    Dotenv,
    /// export NAME='value', for `eval "$(…)"`
    Shell,
    /// One object
    Json,
}

fn clients() -> impl TypedValueParser<Value = Client> {
    PossibleValuesParser::new(Client::ALL.map(Client::name)).try_map(|name| name.parse())
}

impl Env {
    /// On standard output nothing but the settings, so that they can be evaluated or kept in a file.
    async fn print(self, origin: &str) {
        let mut secrets = None;
        match ask(origin).await {
            Ok(known) => secrets = Some(known),
            Err(reason) => output::note(format!(
                "no emulator answers at {origin} ({reason}), so what only a running one knows is left out: the webhook secret and the public key"
            )),
        }
        let reached = Reached {
            origin,
            webhook_secret: secrets.as_ref().map(|it| it.webhook_secret.as_str()),
            jwt_key: secrets.as_ref().map(|it| it.jwt_key.as_str()),
        };
        let format = match self.format {
            Format::Dotenv => SettingsFormat::Dotenv,
            Format::Shell => SettingsFormat::Shell,
            Format::Json => SettingsFormat::Json,
        };
        output::line(format.write(&self.client.settings(reached)).trim_end());
    }
}

/// What only a running emulator knows.
#[derive(Deserialize)]
struct Secrets {
    #[serde(rename = "CLERK_WEBHOOK_SECRET")]
    webhook_secret: String,
    #[serde(rename = "CLERK_JWT_KEY")]
    jwt_key: String,
}

async fn ask(origin: &str) -> Result<Secrets, Failure> {
    #[derive(Deserialize)]
    struct Settings {
        python: Secrets,
    }
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()?;
    let answer = client
        .get(format!("{origin}/__emu/settings?client=python"))
        .send()
        .await;
    let answer = answer.map_err(|error| {
        if error.is_timeout() {
            "no answer in 2 s"
        } else {
            "no connection"
        }
    })?;
    let settings: Settings = answer
        .json()
        .await
        .map_err(|_| "something else listens there")?;
    Ok(settings.python)
}

impl Emulate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let bind = SocketAddr::new(self.host, self.port);
        match self.command {
            Some(EmulatorCommand::Env(env)) => {
                env.print(&origin(bind)).await;
                return Ok(());
            }
            Some(EmulatorCommand::Assets(assets)) => return assets.run().await,
            None => {}
        }
        // Nothing is sent anywhere, so that there are no last words.
        let _ = start_logging(Logging {
            default_filter: "warn",
            ..Logging::default()
        })?;
        let stop = told_to_stop();
        let emulator = Emulator::start(EmulatorConfig {
            bind,
            allow_non_loopback: self.allow_non_loopback,
            key_path: self.key,
            state_path: self.state,
            seed: self.seed,
            webhook_url: self.webhook_url,
            webhook_secret: self.webhook_secret,
            chaos: self.mishaps.chaos(),
            assets: self.clerk_assets,
            public_url: self.public_url,
            page_origins: self.page_origin,
            ..EmulatorConfig::default()
        })
        .await?;
        if self.users > 0 || self.organizations > 0 {
            let seed = Seed {
                users: self.users,
                organizations: self.organizations,
                ..Seed::default()
            };
            emulator.seed(seed, true, &emulator::Caller::default())?;
        }
        output::line("Offline Clerk. Not affiliated with Clerk. Stop it with Ctrl-C.\n");
        let (origin, secret) = (emulator.origin(), emulator.webhook_secret());
        let reached = Reached {
            origin: &origin,
            webhook_secret: Some(&secret),
            jwt_key: None,
        };
        let settings = Client::ClerkSync.settings(reached);
        output::line(SettingsFormat::Dotenv.write(&settings).trim_end());
        output::line(format!(
            "\nPage: {origin}/\nFor other clients: clerk-sync emulator env --for next (or another one)"
        ));
        output::line("\nPublic key, for verifiers without a network (CLERK_JWT_KEY):");
        output::line(emulator.jwt_key_pem().trim_end());
        tokio::select! {
            () = stop => {}
            () = emulator.stopped() => {}
        }
        emulator.shutdown().await?;
        Ok(())
    }
}

/// Where clients reach an emulator that listens here: an address that means all is no destination.
fn origin(bind: SocketAddr) -> String {
    let mut reachable = bind;
    if bind.ip().is_unspecified() {
        reachable.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{reachable}")
}
