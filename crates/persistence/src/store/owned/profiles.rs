//! Profiles.

use domain::StoreError;
use domain::workspace::{Owned, Profile};

use super::pieces::Bind;
use super::table::Table;
use super::{Keep, keep_row, owned_row};
use crate::column::Json;
use crate::schema::profiles;

owned_row! {
    ProfileRow of profiles as Profile {
        name: String,
        description: Option<String>,
        weights: Json,
    }
}

impl Keep for Profile {
    keep_row!(ProfileRow);

    const TABLE: Table = Table::named("profiles");

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            name,
            description,
            weights,
        } = self;
        vec![
            ("name", name.as_str().into()),
            ("description", description.as_deref().into()),
            ("weights", weights.into()),
        ]
    }

    fn read(row: ProfileRow) -> Result<Owned<Self>, StoreError> {
        let (head, (name, description, weights)) = row.split();
        Ok(head.with(Self {
            name,
            description,
            weights: weights.0,
        }))
    }
}
