//! Sweeps by the clock: when one is due, what it looks at, and what is kept of it.

use std::sync::Arc;

use api::SyncStatus;
use chrono::Utc;
use domain::{
    Directory, DueSweep, Housekeeping, MaxAbsent, Mirror, MirrorRows, ReconcileOptions, StoreError,
    SweepLog, SweepPlan, SweepSummary, reconcile,
};

use super::Tools;
use super::asked::{AskedSweeps, Latest};
use crate::config::SyncConfig;

/// Which sweeps there have been, as JSON.
const SCHEDULE: &str = "reconcile:schedule";
/// What the last one found, as JSON.
const REPORT: &str = "reconcile:report";

pub(super) struct Sweeps {
    housekeeping: Arc<dyn Housekeeping>,
    mirror: Arc<dyn Mirror>,
    rows: Arc<dyn MirrorRows>,
    directory: Option<Arc<dyn Directory>>,
    status: Arc<SyncStatus>,
    asked: Arc<AskedSweeps>,
    plan: Option<SweepPlan>,
    max_absent: MaxAbsent,
}

impl Sweeps {
    pub(super) fn new(tools: Tools, config: &SyncConfig) -> Self {
        let Tools {
            housekeeping,
            mirror,
            rows,
            directory,
            tickets: _,
            erasures: _,
            enrichment: _,
            status,
            asked,
        } = tools;
        Self {
            housekeeping,
            mirror,
            rows,
            directory,
            status,
            asked,
            plan: config.reconcile_interval.map(|interval| SweepPlan {
                interval,
                full_interval: config.full_interval,
            }),
            max_absent: config.max_absent,
        }
    }

    /// Reads what the last sweep found, whichever replica made it.
    pub(super) async fn learn(&self) -> Result<(), StoreError> {
        let kept = self.housekeeping.checkpoint(REPORT).await?;
        // What cannot be read was kept by another version; the next sweep replaces it.
        self.status
            .set(kept.and_then(|text| serde_json::from_str(&text).ok()));
        Ok(())
    }

    /// Holds the mirror against Clerk and puts it right, if it is time.
    pub(super) async fn sweep_if_due(&self) -> Result<(), StoreError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let began = Utc::now();
        let log = self.log().await?;
        let asked = self.asked.begin(began).await?;
        let by_clock = |plan: &SweepPlan| log.due(plan, began);
        let due = match &asked {
            Some(_) => Some(DueSweep::Full),
            None => self.plan.as_ref().and_then(by_clock),
        };
        let Some(due) = due else {
            return Ok(());
        };
        // Whoever takes over knows that one has begun, and whether it has ended.
        let log = log.begun(began);
        self.keep(&log).await?;
        let options = ReconcileOptions {
            repair: true,
            max_absent: self.max_absent,
            since: due.since(),
            ..Default::default()
        };
        let latest = Latest::default();
        let told = |progress| latest.tell(progress);
        let swept = reconcile(
            &**directory,
            &*self.mirror,
            &*self.rows,
            &options,
            &told,
            &Utc::now,
        );
        let swept = async {
            let Some(asked) = asked else {
                return swept.await;
            };
            let swept = tokio::select! {
                swept = swept => swept,
                never = self.asked.follow(asked, &latest) => match never {},
            };
            self.asked.ended().await?;
            swept
        };
        let report = match Box::pin(swept).await {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!(%error, "the mirror could not be held against Clerk");
                return Ok(());
            }
        };
        tracing::info!(
            whole = due == DueSweep::Full,
            drift = report.drift,
            repaired = report.repaired,
            stopped = report.stopped(),
            "held the mirror against Clerk"
        );
        let summary = SweepSummary::of(&report, Utc::now());
        self.publish(summary.following(self.status.last().as_deref()))
            .await?;
        self.keep(&log.ended(began, &report)).await
    }

    async fn publish(&self, summary: SweepSummary) -> Result<(), StoreError> {
        // Names and numbers: this cannot fail.
        let text = serde_json::to_string(&summary).unwrap_or_default();
        self.housekeeping
            .keep_checkpoint(REPORT, Some(text))
            .await?;
        self.status.set(Some(summary));
        Ok(())
    }

    async fn log(&self) -> Result<SweepLog, StoreError> {
        let kept = self.housekeeping.checkpoint(SCHEDULE).await?;
        let log = kept.and_then(|text| serde_json::from_str(&text).ok());
        Ok(log.unwrap_or_default())
    }

    async fn keep(&self, log: &SweepLog) -> Result<(), StoreError> {
        let text = serde_json::to_string(log).unwrap_or_default();
        self.housekeeping
            .keep_checkpoint(SCHEDULE, Some(text))
            .await
    }
}
