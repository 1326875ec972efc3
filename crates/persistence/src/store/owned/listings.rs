//! Listings.

use domain::StoreError;
use domain::workspace::{Condition, Listing, ListingStatus, Owned};

use super::pieces::Bind;
use super::table::{Reference, Table};
use super::{Keep, keep_row, owned_row, unreadable};
use crate::column::Json;
use crate::decimal_column::Exact;
use crate::schema::listings;

/// Those whom a listing is shared with see it.
pub(super) const READ_ALSO: &str = "exists (select 1 from shares where shares.listing_id = listings.id \
                                    and shares.shared_with = ?)";

/// A listing that somebody may see.
pub(super) const SEEN: Reference = Reference {
    column: "listing_id",
    table: "listings",
    read_also: Some(READ_ALSO),
};

owned_row! {
    ListingRow of listings as Listing {
        title: String,
        price: Option<Exact>,
        currency: Option<String>,
        condition: Option<String>,
        components: Json,
        status: String,
    }
}

impl Keep for Listing {
    keep_row!(ListingRow);

    const TABLE: Table = Table {
        read_also: Some(READ_ALSO),
        children: &[("shares", "listing_id")],
        ..Table::named("listings")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            title,
            price,
            currency,
            condition,
            components,
            status,
        } = self;
        vec![
            ("title", title.as_str().into()),
            ("price", (*price).into()),
            ("currency", currency.as_deref().into()),
            ("condition", condition.map(Condition::as_str).into()),
            ("components", components.into()),
            ("status", status.as_str().into()),
        ]
    }

    fn read(row: ListingRow) -> Result<Owned<Self>, StoreError> {
        let (head, (title, price, currency, condition, components, status)) = row.split();
        let condition = condition
            .map(|word| {
                Condition::parse(&word).ok_or_else(|| unreadable("listings.condition", &word))
            })
            .transpose()?;
        Ok(head.with(Self {
            title,
            price: price.map(|price| price.0),
            currency,
            condition,
            components: components.0,
            status: ListingStatus::parse(&status)
                .ok_or_else(|| unreadable("listings.status", &status))?,
        }))
    }
}
