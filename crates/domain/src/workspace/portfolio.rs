//! Portfolios and the positions in them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fields::Fields;
use super::{Decimal, FieldProblem, ImportedPosition, Resource, Symbol};

/// What its owner says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Portfolio {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortfolioPatch {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
}

impl Resource for Portfolio {
    type Patch = PortfolioPatch;
    const KIND: &'static str = "portfolio";

    fn patched(self, patch: PortfolioPatch) -> Self {
        Self {
            name: patch.name.unwrap_or(self.name),
            description: patch.description.unwrap_or(self.description),
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.title("name", &self.name);
        fields.text("description", self.description.as_deref());
        fields.problems()
    }
}

/// So much of something, in a portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Position {
    /// In which portfolio; never changed.
    pub portfolio_id: Uuid,
    /// What it is of.
    pub symbol: Symbol,
    /// How much: more than nothing.
    pub quantity: Decimal,
    /// What one of it cost: not less than nothing.
    pub entry_price: Decimal,
    /// Since when, if that is known.
    pub entry_date: Option<NaiveDate>,
}

impl Position {
    /// A position of a file, in a portfolio.
    #[must_use]
    pub fn imported(portfolio_id: Uuid, from: ImportedPosition) -> Self {
        let ImportedPosition {
            symbol,
            quantity,
            entry_price,
            entry_date,
        } = from;
        Self {
            portfolio_id,
            symbol,
            quantity,
            entry_price,
            entry_date,
        }
    }
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PositionPatch {
    /// What it is of.
    pub symbol: Option<Symbol>,
    /// How much.
    pub quantity: Option<Decimal>,
    /// What one of it cost.
    pub entry_price: Option<Decimal>,
    /// Since when.
    pub entry_date: Option<Option<NaiveDate>>,
}

impl Resource for Position {
    type Patch = PositionPatch;
    const KIND: &'static str = "position";

    fn patched(self, patch: PositionPatch) -> Self {
        Self {
            portfolio_id: self.portfolio_id,
            symbol: patch.symbol.unwrap_or(self.symbol),
            quantity: patch.quantity.unwrap_or(self.quantity),
            entry_price: patch.entry_price.unwrap_or(self.entry_price),
            entry_date: patch.entry_date.unwrap_or(self.entry_date),
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        if !self.quantity.is_positive() {
            fields.problem("quantity", "is not more than nothing");
        }
        if self.entry_price.is_negative() {
            fields.problem("entry_price", "is less than nothing");
        }
        fields.problems()
    }
}

/// What is told of a user's portfolios at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PortfolioSummary {
    /// His oldest: the smallest id, as ids grow with time.
    pub first: Option<Uuid>,
    /// How many he has.
    pub count: u64,
}
