//! Shares. `shares.user_id` is who shares, as in every owned table; `shares.shared_with` is the other.

use domain::StoreError;
use domain::workspace::{Owned, Share, SharePermission};

use super::pieces::Bind;
use super::table::{Reference, Table};
use super::{Keep, keep_row, owned_row, unreadable};
use crate::column::Id;
use crate::schema::shares;

/// The other sees the share too, and may do without it.
const THE_OTHER: &str = "shares.shared_with = ?";

owned_row! {
    ShareRow of shares as Share {
        listing_id: Id,
        shared_with: Id,
        permission: String,
    }
}

impl Keep for Share {
    keep_row!(ShareRow);

    const TABLE: Table = Table {
        parent: Some(Reference {
            column: "listing_id",
            table: "listings",
            read_also: None,
        }),
        read_also: Some(THE_OTHER),
        delete_also: Some(THE_OTHER),
        on_conflict: " on conflict (listing_id, shared_with) do update set permission = excluded.permission, \
                      updated_at = excluded.updated_at",
        ..Table::named("shares")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            listing_id,
            user_id,
            permission,
        } = self;
        vec![
            ("listing_id", (*listing_id).into()),
            ("shared_with", (*user_id).into()),
            ("permission", permission.as_str().into()),
        ]
    }

    fn read(row: ShareRow) -> Result<Owned<Self>, StoreError> {
        let (head, (listing_id, shared_with, permission)) = row.split();
        Ok(head.with(Self {
            listing_id: listing_id.0,
            user_id: shared_with.0,
            permission: SharePermission::parse(&permission)
                .ok_or_else(|| unreadable("shares.permission", &permission))?,
        }))
    }
}
