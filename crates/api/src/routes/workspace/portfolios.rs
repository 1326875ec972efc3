//! Portfolios.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{Portfolio, PortfolioPatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::current_user::CurrentUser;
use crate::input::given;
use crate::owned::{Exposed, alike};
use crate::problem::Kind;

/// Positions that belong together.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Portfolio)]
pub(crate) struct PortfolioFields {
    /// What it is called: 200 characters at most.
    #[schema(example = "Savings", max_length = 200)]
    name: String,
    /// What it is for: 10,000 characters at most.
    #[serde(default)]
    description: Option<String>,
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortfolioChanges {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
}

alike! {
    PortfolioFields => Portfolio { name, description }
    Portfolio => PortfolioFields { name, description }
    PortfolioChanges => PortfolioPatch { name, description }
}

impl Exposed for Portfolio {
    const PATH: &'static str = "/portfolios";
    const ONE: &'static str = "portfolio";
    const MANY: &'static str = "portfolios";
    const LIMIT_REACHED: Option<Kind> = Some(Kind::PortfolioLimitReached);

    type Fields = PortfolioFields;
    type Changes = PortfolioChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.portfolios
    }

    fn limit(caller: &CurrentUser) -> Option<u64> {
        Some(caller.entitlements.limits.max_portfolios.into())
    }
}
