//! Collections of listings.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{Collection, CollectionPatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::input::given;
use crate::owned::{Exposed, alike};

/// Listings that belong together.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Collection)]
pub(crate) struct CollectionFields {
    /// What it is called: 200 characters at most.
    #[schema(example = "Spring sale", max_length = 200)]
    name: String,
    /// What it is for: 10,000 characters at most.
    #[serde(default)]
    description: Option<String>,
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectionChanges {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
}

alike! {
    CollectionFields => Collection { name, description }
    Collection => CollectionFields { name, description }
    CollectionChanges => CollectionPatch { name, description }
}

impl Exposed for Collection {
    const PATH: &'static str = "/collections";
    const ONE: &'static str = "collection";
    const MANY: &'static str = "collections";

    type Fields = CollectionFields;
    type Changes = CollectionChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.collections
    }
}
