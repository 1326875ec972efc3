//! Collections, and the listings in them.

use domain::StoreError;
use domain::workspace::{Collection, CollectionItem, Owned};

use super::listings::SEEN;
use super::pieces::Bind;
use super::table::{Reference, Table};
use super::{Keep, keep_row, owned_row};
use crate::column::Id;
use crate::schema::{collection_items, collections};

owned_row! {
    CollectionRow of collections as Collection {
        name: String,
        description: Option<String>,
    }
}

impl Keep for Collection {
    keep_row!(CollectionRow);

    const TABLE: Table = Table {
        children: &[("collection_items", "collection_id")],
        ..Table::named("collections")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self { name, description } = self;
        vec![
            ("name", name.as_str().into()),
            ("description", description.as_deref().into()),
        ]
    }

    fn read(row: CollectionRow) -> Result<Owned<Self>, StoreError> {
        let (head, (name, description)) = row.split();
        Ok(head.with(Self { name, description }))
    }
}

owned_row! {
    ItemRow of collection_items as CollectionItem {
        collection_id: Id,
        listing_id: Id,
        note: Option<String>,
    }
}

impl Keep for CollectionItem {
    keep_row!(ItemRow);

    const TABLE: Table = Table {
        parent: Some(Reference {
            column: "collection_id",
            table: "collections",
            read_also: None,
        }),
        names: Some(SEEN),
        on_conflict: " on conflict (collection_id, listing_id) do update set note = excluded.note, \
                      updated_at = excluded.updated_at",
        ..Table::named("collection_items")
    };

    fn columns(&self) -> Vec<(&'static str, Bind)> {
        let Self {
            collection_id,
            listing_id,
            note,
        } = self;
        vec![
            ("collection_id", (*collection_id).into()),
            ("listing_id", (*listing_id).into()),
            ("note", note.as_deref().into()),
        ]
    }

    fn read(row: ItemRow) -> Result<Owned<Self>, StoreError> {
        let (head, (collection_id, listing_id, note)) = row.split();
        Ok(head.with(Self {
            collection_id: collection_id.0,
            listing_id: listing_id.0,
            note,
        }))
    }
}
