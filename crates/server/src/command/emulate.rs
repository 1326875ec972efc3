use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use emulator::{Chaos, Emulator, EmulatorConfig, Seed};
use secrecy::SecretString;

use super::signals::told_to_stop;
use super::{Failure, output};
use crate::{Logging, start_logging};

#[derive(Debug, Args)]
pub(super) struct Emulate {
    #[command(subcommand)]
    command: Option<EmulatorCommand>,
    /// The port to listen on
    #[arg(long, default_value_t = 4100)]
    port: u16,
    /// The address to listen on; others than loopback need --allow-non-loopback
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
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
    /// Print the variables that this service needs to work with the emulator
    Env,
}

impl Emulate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let bind = SocketAddr::new(self.host, self.port);
        if let Some(EmulatorCommand::Env) = self.command {
            for line in variables(&format!("http://{bind}")) {
                output::line(line);
            }
            return Ok(());
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
        for line in variables(&emulator.origin()) {
            output::line(line);
        }
        output::line(format!(
            "CLERK_WEBHOOK_SECRET={}",
            emulator.webhook_secret()
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

/// What a service or client needs to be told; the same at every start.
fn variables(origin: &str) -> Vec<String> {
    vec![
        format!("CLERK_PUBLISHABLE_KEY={}", emulator::publishable_key()),
        format!("CLERK_SECRET_KEY={}", emulator::SECRET_KEY),
        format!("CLERK_API_URL={origin}"),
        format!("CLERK_JWKS_URL={origin}/.well-known/jwks.json"),
        format!("CLERK_ISSUER={}", emulator::ISSUER),
        "CLERK_SYNC_ENV=development".to_owned(),
    ]
}
