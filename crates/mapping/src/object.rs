//! Every other object: kept as it came.

use domain::{ObjectKind, ObjectWrite};
use serde_json::Value;

use crate::{Fields, Notes, Placing, Unmappable, withheld};

/// Reads an object's id and place; the rest is only copied, without what must not lie around.
///
/// # Errors
/// When it has no usable id.
pub fn read_object(
    data: &Fields<'_>,
    kind: ObjectKind,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<ObjectWrite, Unmappable> {
    let clerk_id = data.id("id")?;
    let precedence = placing.place(placing.past_time(data, "updated_at", notes));
    let mut copy = Value::Object(data.map_without_nul(notes));
    withheld::take_credentials(&mut copy, Some(kind));
    withheld::take_private_metadata(&mut copy);
    Ok(ObjectWrite {
        kind,
        clerk_id,
        data: copy,
        precedence,
    })
}
