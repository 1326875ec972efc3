//! A row that belongs to somebody, as it is shown.

use chrono::{DateTime, Utc};
use domain::workspace::Owned;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Exposed;

/// A row that belongs to somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnedRow<F: ToSchema> {
    /// Ours; grows with time.
    id: Uuid,
    /// Whose it is, by our id; null for a row from before there were owners, which only admins see.
    owner_id: Option<Uuid>,
    /// The organization that was active when it was made, by Clerk's id. It gives nobody a right to it.
    organization_id: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[serde(flatten)]
    fields: F,
}

impl<F: ToSchema> OwnedRow<F> {
    /// A row with what is shown of its own.
    pub(crate) fn of<R: Into<F>>(row: Owned<R>) -> Self {
        let Owned {
            id,
            user_id,
            organization_id,
            created_at,
            updated_at,
            body,
        } = row;
        Self {
            id,
            owner_id: user_id,
            organization_id,
            created_at,
            updated_at,
            fields: body.into(),
        }
    }
}

/// How a resource's rows are shown.
pub(super) type Shown<R> = OwnedRow<<R as Exposed>::Fields>;
