//! Collections of listings.

use serde::Serialize;
use uuid::Uuid;

use super::fields::Fields;
use super::{FieldProblem, Resource};

/// What its owner says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectionPatch {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
}

impl Resource for Collection {
    type Patch = CollectionPatch;
    const KIND: &'static str = "collection";

    fn patched(self, patch: CollectionPatch) -> Self {
        Self {
            name: patch.name.unwrap_or(self.name),
            description: patch.description.unwrap_or(self.description),
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.title("name", &self.name);
        fields.text("description", self.description.as_deref());
        fields.problems()
    }
}

/// A listing in a collection: once, however often it is put there. It may be another's that is shared, and stays when the
/// share ends; the listing itself is then not seen any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionItem {
    /// The collection; never changed.
    pub collection_id: Uuid,
    /// The listing; never changed.
    pub listing_id: Uuid,
    /// What its owner notes of it there.
    pub note: Option<String>,
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CollectionItemPatch {
    /// What its owner notes of it there.
    pub note: Option<Option<String>>,
}

impl Resource for CollectionItem {
    type Patch = CollectionItemPatch;
    const KIND: &'static str = "collection_item";

    fn patched(self, patch: CollectionItemPatch) -> Self {
        Self {
            note: patch.note.unwrap_or(self.note),
            ..self
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.text("note", self.note.as_deref());
        fields.problems()
    }
}
