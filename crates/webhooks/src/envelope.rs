//! What every event has around its `data`.

use chrono::{DateTime, Utc};
use domain::from_clerk_seconds_or_millis;
use mapping::{Fields, Notes, Unmappable, kind_of, visible};
use serde_json::Value;

/// The longest event type and instance id that are kept, in visible ASCII characters.
pub(crate) const MAX_NAME: usize = 128;

/// An event's outer object, as far as it can be read.
pub(crate) struct Envelope<'a> {
    root: Fields<'a>,
    /// The Clerk instance that sent it.
    pub(crate) instance_id: Option<String>,
    /// Its timestamp.
    pub(crate) stated: Option<DateTime<Utc>>,
}

impl<'a> Envelope<'a> {
    /// Reads a body, which must be an object and no more.
    pub(crate) fn read(body: &'a Value, notes: &mut Notes) -> Result<Self, Unmappable> {
        let root = Fields::of(body, String::new()).map_err(|_| {
            Unmappable::new("the body", format!("is {}, not an object", kind_of(body)))
        })?;
        let instance_id = root
            .text("instance_id", notes)
            .map(|id| visible(id.as_bytes(), MAX_NAME))
            .filter(|id| !id.is_empty());
        let stated = root.time_as("timestamp", from_clerk_seconds_or_millis, notes);
        Ok(Self {
            root,
            instance_id,
            stated,
        })
    }

    /// The event's type as it came.
    pub(crate) fn type_name(&self) -> Result<&'a str, Unmappable> {
        match self.root.value("type") {
            Some(Value::String(name)) => Ok(name),
            Some(other) => Err(Unmappable::new(
                "type",
                format!("is {}, not a string", kind_of(other)),
            )),
            None => Err(Unmappable::new("type", "is missing")),
        }
    }

    /// The object that the event is about.
    pub(crate) fn data(&self) -> Result<Fields<'a>, Unmappable> {
        self.root
            .object("data")?
            .ok_or_else(|| Unmappable::new("data", "is missing"))
    }

    /// The request that caused the event; a job or a call of the Backend API has none.
    pub(crate) fn http_request(&self, notes: &mut Notes) -> Option<Fields<'a>> {
        self.root
            .minor_object("event_attributes", notes)?
            .minor_object("http_request", notes)
    }
}
