//! Shares of listings.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{Share, SharePatch, SharePermission};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::owned::{Exposed, alike};

/// A listing that its owner lets another user see: once with each, however often it is shared.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Share)]
pub(crate) struct ShareFields {
    /// The listing, one of the caller's; never changed.
    listing_id: Uuid,
    /// With whom, by our id; never changed. Whether there is such a user is not told.
    user_id: Uuid,
    /// `read` or `comment`.
    #[schema(value_type = String, example = "read")]
    permission: SharePermission,
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareChanges {
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "comment")]
    permission: Option<SharePermission>,
}

alike! {
    ShareFields => Share { listing_id, user_id, permission }
    Share => ShareFields { listing_id, user_id, permission }
    ShareChanges => SharePatch { permission }
}

impl Exposed for Share {
    const PATH: &'static str = "/shares";
    const ONE: &'static str = "share";
    const MANY: &'static str = "shares";
    const PARENT: Option<&'static str> = Some("listing_id");

    type Fields = ShareFields;
    type Changes = ShareChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.shares
    }
}
