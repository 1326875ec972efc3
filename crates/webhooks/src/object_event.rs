//! Every other object: kept as it came.

use domain::ObjectWrite;
use serde_json::Value;

use crate::{
    event_types::EventType,
    notes::Notes,
    nul::map_without_nul,
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
    let kept = map_without_nul(data.map());
    if kept != *data.map() {
        notes.add("data held NUL characters");
    }
    Ok(ObjectWrite {
        kind: event_type.kind,
        clerk_id,
        data: Value::Object(kept),
        deleted_at: is_deletion.then(|| placing.happened_at()),
        precedence: if is_deletion {
            place.into_final()
        } else {
            place
        },
    })
}
