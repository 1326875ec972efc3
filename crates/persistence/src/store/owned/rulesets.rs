//! Valuation rulesets.

use domain::StoreError;
use domain::workspace::{Owned, ValuationRuleset};

use super::pieces::Bind;
use super::table::Table;
use super::{Keep, keep_row, owned_row};
use crate::column::Json;
use crate::schema::valuation_rulesets;

owned_row! {
    RulesetRow of valuation_rulesets as ValuationRuleset {
        name: String,
        description: Option<String>,
        rules: Json,
    }
}

impl Keep for ValuationRuleset {
    keep_row!(RulesetRow);

    const TABLE: Table = Table::named("valuation_rulesets");

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            name,
            description,
            rules,
        } = self;
        vec![
            ("name", name.as_str().into()),
            ("description", description.as_deref().into()),
            ("rules", rules.into()),
        ]
    }

    fn read(row: RulesetRow) -> Result<Owned<Self>, StoreError> {
        let (head, (name, description, rules)) = row.split();
        Ok(head.with(Self {
            name,
            description,
            rules: rules.0,
        }))
    }
}
