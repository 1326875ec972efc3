//! Profiles: the weights by which somebody scores listings.

use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use super::{FieldProblem, Resource, Weights};

/// What its owner says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What counts how much: an object of decimals as [`Weights`] says.
    pub weights: Value,
}

/// A change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProfilePatch {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// What counts how much, as a whole.
    pub weights: Option<Value>,
}

impl Resource for Profile {
    type Patch = ProfilePatch;
    const KIND: &'static str = "profile";

    fn patched(self, patch: ProfilePatch) -> Self {
        Self {
            name: patch.name.unwrap_or(self.name),
            description: patch.description.unwrap_or(self.description),
            weights: patch.weights.unwrap_or(self.weights),
        }
    }

    fn problems(&self) -> Vec<FieldProblem> {
        let mut fields = Fields::default();
        fields.title("name", &self.name);
        fields.text("description", self.description.as_deref());
        fields.json("weights", &self.weights);
        if let Err(error) = Weights::read(&self.weights) {
            fields.problem("weights", error.to_string());
        }
        fields.problems()
    }
}
