use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap::Args;
use domain::{DeliveryFilter, ObjectKind, Outcome};
use webhooks::Arrival;

use super::job::Source;
use super::{Failure, output};

/// Deliveries that are read at once.
const PAGE: u32 = 100;

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// One delivery: the ledger's id, or Svix's (msg_…)
    #[arg(long)]
    id: Option<String>,
    /// Those received since this time, such as 2026-05-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Those about this kind of object, such as user or membership
    #[arg(long, value_parser = kind)]
    kind: Option<ObjectKind>,
    /// Those in quarantine
    #[arg(long)]
    quarantined: bool,
    #[command(flatten)]
    source: Source,
}

fn kind(name: &str) -> Result<ObjectKind, String> {
    ObjectKind::parse(name).ok_or_else(|| {
        let names: Vec<&str> = ObjectKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("there are {}", names.join(", "))
    })
}

impl Replay {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self {
            id,
            since,
            kind,
            quarantined,
            source,
        } = self;
        if id.is_none() && since.is_none() && kind.is_none() && !quarantined {
            return Err("say which: --id, --since, --kind or --quarantined".into());
        }
        let outcome = quarantined.then_some(Outcome::Quarantined);
        let filter = DeliveryFilter {
            id,
            since,
            kind,
            outcome,
        };
        let job = source.open().await?;
        let instance_id = job.config.instance_id.as_deref();
        let mut outcomes: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = job.store.deliveries.stored(&filter, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.record.id);
            for stored in page {
                let line = stored.record.id;
                // Rejected lines, which alone have no message id, are never among the stored.
                let message_id = stored.record.svix_id.unwrap_or_default();
                let arrival = Arrival::new(message_id.as_bytes(), stored.record.received_at);
                let delivery = webhooks::read_event(arrival, stored.payload, instance_id);
                let receipt = job.store.mirror.replay(line, delivery, Utc::now()).await?;
                *outcomes.entry(receipt.outcome.as_str()).or_default() += 1;
            }
        }
        if outcomes.is_empty() {
            output::line("no stored delivery fits");
        }
        for (outcome, count) in outcomes {
            output::line(format!("{count} {outcome}"));
        }
        Ok(())
    }
}
