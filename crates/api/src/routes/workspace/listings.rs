//! Listings.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{Condition, Decimal, Listing, ListingPatch, ListingStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::input::given;
use crate::owned::{Exposed, alike};

/// Something that has a price and a condition, and parts of its own.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Listing)]
pub(crate) struct ListingFields {
    /// What it is called: 200 characters at most.
    #[schema(example = "Touring bicycle", max_length = 200)]
    title: String,
    /// What it costs, not less than nothing: a decimal number, exactly as written. A number is taken too.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "1250.00")]
    price: Option<Decimal>,
    /// ISO 4217. There is one when there is a price.
    #[serde(default)]
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// `new`, `like_new`, `good`, `fair`, `poor` or `broken`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "good")]
    condition: Option<Condition>,
    /// Its parts and qualities: an object of any shape, 64 KiB at most.
    #[serde(default = "nothing")]
    #[schema(value_type = Object)]
    components: Value,
    /// `draft`, `active`, `sold` or `archived`.
    #[serde(default = "draft")]
    #[schema(value_type = String, example = "active")]
    status: ListingStatus,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

fn draft() -> ListingStatus {
    ListingStatus::Draft
}

/// A change of a listing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListingChanges {
    #[serde(default)]
    title: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    price: Option<Option<Decimal>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    currency: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    condition: Option<Option<Condition>>,
    /// As a whole.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    components: Option<Value>,
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "sold")]
    status: Option<ListingStatus>,
}

alike! {
    ListingFields => Listing { title, price, currency, condition, components, status }
    Listing => ListingFields { title, price, currency, condition, components, status }
    ListingChanges => ListingPatch { title, price, currency, condition, components, status }
}

impl Exposed for Listing {
    const PATH: &'static str = "/listings";
    const ONE: &'static str = "listing";
    const MANY: &'static str = "listings";

    type Fields = ListingFields;
    type Changes = ListingChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.listings
    }
}
