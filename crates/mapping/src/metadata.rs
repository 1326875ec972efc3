//! Metadata: objects of the team's own, in whatever shape.

use serde_json::{Map, Value};

use crate::{Fields, Notes, Unmappable};

/// The metadata that the team's own backend writes and everybody may see; empty where it is missing.
pub(crate) fn public_metadata(
    data: &Fields<'_>,
    notes: &mut Notes,
) -> Result<Map<String, Value>, Unmappable> {
    Ok(match data.object("public_metadata")? {
        Some(metadata) => metadata.map_without_nul(notes),
        None => Map::new(),
    })
}
