//! A flood of forged tokens: what it asks of the database, and whether the service grows by it.

use std::time::Duration;

use crate::Failure;
use crate::cases::Work;
use crate::inputs::{Inputs, ME};
use crate::load::load;
use crate::postgres::Postgres;
use crate::subject::Subject;

const CONNECTIONS: usize = 32;
/// More than any memory of tokens holds, at the rates that one machine reaches.
const TIME: Duration = Duration::from_secs(6);
/// Until the service and the allocator are used to it.
const WARM_UP: Duration = Duration::from_secs(2);

pub(crate) struct Flood {
    pub(crate) tokens: f64,
    /// Transactions in the database meanwhile, and in as long a while without it.
    pub(crate) transactions: i64,
    pub(crate) without: i64,
    /// Megabytes that are resident afterwards and were not before.
    pub(crate) growth: f64,
}

impl Flood {
    pub(crate) async fn measure(
        service: &Subject,
        inputs: &Inputs,
        postgres: &Postgres,
        database: &str,
    ) -> Result<Self, Failure> {
        let begin = postgres.transactions(database).await?;
        tokio::time::sleep(TIME).await;
        let quiet = postgres.transactions(database).await?;
        let forged = || inputs.sources(Work::ForgedTokens, ME, CONNECTIONS);
        let is_refused = |status| status == 401;
        load(service.address, forged(), is_refused, WARM_UP).await?;
        let before = service.memory()?.now;
        let start = postgres.transactions(database).await?;
        let seen = load(service.address, forged(), is_refused, TIME).await?;
        if seen.unexpected > 0 {
            return Err(format!("{} forged tokens got no 401", seen.unexpected).into());
        }
        Ok(Self {
            tokens: seen.rate * TIME.as_secs_f64(),
            transactions: postgres.transactions(database).await? - start,
            without: quiet - begin,
            growth: service.memory()?.now - before,
        })
    }

    /// Whether the database was asked no more than without it: background work varies by a few.
    pub(crate) fn asks_nothing(&self) -> bool {
        let more = self.transactions - self.without;
        (more as f64) < self.tokens / 1_000.0
    }
}
