//! Profiles: what counts how much.

use std::sync::Arc;

use domain::OwnedRows;
use domain::workspace::{Profile, ProfilePatch};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::input::given;
use crate::owned::{Exposed, alike};

/// What counts how much for somebody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Profile)]
pub(crate) struct ProfileFields {
    /// What it is called: 200 characters at most.
    #[schema(example = "Long tours", max_length = 200)]
    name: String,
    /// What it is for: 10,000 characters at most.
    #[serde(default)]
    description: Option<String>,
    /// Fields of listings and their weights; one below nothing counts against. Decimals are best written as strings.
    #[serde(default = "nothing")]
    #[schema(value_type = Object, example = json!({"condition": "1", "engine.power": "0.7", "noise": "-0.3"}))]
    weights: Value,
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// A change of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileChanges {
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// As a whole.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    weights: Option<Value>,
}

alike! {
    ProfileFields => Profile { name, description, weights }
    Profile => ProfileFields { name, description, weights }
    ProfileChanges => ProfilePatch { name, description, weights }
}

impl Exposed for Profile {
    const PATH: &'static str = "/profiles";
    const ONE: &'static str = "profile";
    const MANY: &'static str = "profiles";

    type Fields = ProfileFields;
    type Changes = ProfileChanges;

    fn rows(app: &App) -> &Arc<dyn OwnedRows<Self>> {
        &app.workspace.profiles
    }
}
