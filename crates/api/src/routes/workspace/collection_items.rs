//! Listings in collections.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{CollectionItem, CollectionItemPatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::input::given;
use crate::owned::{Exposed, alike};

/// A listing in a collection: once, however often it is put there.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CollectionItem)]
pub(crate) struct CollectionItemFields {
    /// The collection, one of the caller's; never changed.
    collection_id: Uuid,
    /// The listing, the caller's own or shared with him; never changed.
    listing_id: Uuid,
    /// 10,000 characters at most.
    #[serde(default)]
    note: Option<String>,
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectionItemChanges {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
}

alike! {
    CollectionItemFields => CollectionItem { collection_id, listing_id, note }
    CollectionItem => CollectionItemFields { collection_id, listing_id, note }
    CollectionItemChanges => CollectionItemPatch { note }
}

impl Exposed for CollectionItem {
    const PATH: &'static str = "/collection-items";
    const ONE: &'static str = "listing in a collection";
    const MANY: &'static str = "listings in collections";
    const PARENT: Option<&'static str> = Some("collection_id");

    type Fields = CollectionItemFields;
    type Changes = CollectionItemChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.collection_items
    }
}
