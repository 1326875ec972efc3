//! Events: the bodies of webhooks, before anybody signs them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// An event that a test may change before it is delivered.
#[derive(Debug, Clone)]
pub struct Event(pub Value);

/// A realistic event of this type that happens now.
///
/// # Panics
/// When Clerk documents no such type.
#[must_use]
pub fn sample(event_type: &str) -> Event {
    let now = chrono::Utc::now().timestamp_millis();
    let event = emulator::sample_event_at(event_type, now);
    Event(event.unwrap_or_else(|| panic!("{event_type} is no event type of Clerk's")))
}

/// The types that Clerk's published examples are there of.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn fixture_types() -> Vec<String> {
    let entries = fs::read_dir(folder()).expect("the folder of examples");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut types: Vec<String> = names
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    types.sort();
    types
}

/// The very bytes of Clerk's published example of this type.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn fixture(event_type: &str) -> Vec<u8> {
    let path = folder().join(format!("{event_type}.json"));
    fs::read(path).expect("an example of this type")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/events")
}

impl Event {
    /// Sets the member at a path such as `data.id`, also when it was not there; null is a value.
    ///
    /// # Panics
    /// When the path leads through something that is no object.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        let mut place = &mut self.0;
        for name in path.split('.') {
            place = &mut place[name];
        }
        *place = value.into();
        self
    }

    /// Shifts Clerk's times of the object and of the event by as many milliseconds.
    ///
    /// # Panics
    /// When the object has no `updated_at`.
    #[must_use]
    pub fn shifted(self, millis: i64) -> Self {
        let at = |path| {
            let value = self.0.pointer(path).and_then(Value::as_i64);
            value.expect("a time in milliseconds") + millis
        };
        let (updated, stated) = (at("/data/updated_at"), at("/timestamp"));
        self.set("data.updated_at", updated)
            .set("timestamp", stated)
    }

    /// `data.id`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn object_id(&self) -> String {
        let id = self.0.pointer("/data/id").and_then(Value::as_str);
        id.expect("an id").to_owned()
    }
}
