//! Every other object: kept as it came.

use domain::ObjectWrite;
use serde_json::Value;

use crate::{
    event_types::EventType,
    notes::Notes,
    placing::Placing,
    reader::{Fields, Unmappable},
};

/// Reads an object's id and place; the rest is only copied.
pub(crate) fn write(
    data: &Fields<'_>,
    event_type: EventType,
    placing: &Placing,
    notes: &mut Notes,
) -> Result<ObjectWrite, Unmappable> {
    let clerk_id = data.id("id")?;
    let place = placing.place(placing.past_time(data, "updated_at", notes));
    let is_deletion = event_type.is_deletion();
    Ok(ObjectWrite {
        kind: event_type.kind,
        clerk_id,
        data: Value::Object(data.map_without_nul(notes)),
        deleted_at: is_deletion.then(|| placing.happened_at()),
        precedence: if is_deletion {
            place.into_final()
        } else {
            place
        },
    })
}
