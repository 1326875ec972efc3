//! Positions in portfolios.

use std::sync::Arc;

use chrono::NaiveDate;
use domain::OwnedRows;
use domain::workspace::{Decimal, Position, PositionPatch, Symbol};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::input::given;
use crate::owned::{Exposed, alike};

/// So much of something, in a portfolio.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Position)]
pub(crate) struct PositionFields {
    /// The portfolio, one of the caller's; never changed.
    portfolio_id: Uuid,
    /// The short name under which it is traded: 32 characters at most.
    #[schema(value_type = String, example = "AAPL")]
    symbol: Symbol,
    /// More than nothing: a decimal number, exactly as written. A number is taken too.
    #[schema(value_type = String, example = "10")]
    quantity: Decimal,
    /// What one of it cost: not less than nothing.
    #[schema(value_type = String, example = "150.25")]
    entry_price: Decimal,
    /// Since when.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date, example = "2026-03-31")]
    entry_date: Option<NaiveDate>,
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PositionChanges {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    symbol: Option<Symbol>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    quantity: Option<Decimal>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    entry_price: Option<Decimal>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Date)]
    entry_date: Option<Option<NaiveDate>>,
}

alike! {
    PositionFields => Position { portfolio_id, symbol, quantity, entry_price, entry_date }
    Position => PositionFields { portfolio_id, symbol, quantity, entry_price, entry_date }
    PositionChanges => PositionPatch { symbol, quantity, entry_price, entry_date }
}

impl Exposed for Position {
    const PATH: &'static str = "/positions";
    const ONE: &'static str = "position";
    const MANY: &'static str = "positions";
    const PARENT: Option<&'static str> = Some("portfolio_id");

    type Fields = PositionFields;
    type Changes = PositionChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.positions
    }
}
