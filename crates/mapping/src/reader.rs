//! Reads Clerk's JSON by name, knowing where it is.
//!
//! Clerk's published schemas, samples and client libraries disagree with each other, so nothing is demanded but what a
//! row cannot do without. Absent, `null` and the empty string are one and the same. A scalar of the wrong type counts
//! as absent, with a note; a list or an object of the wrong type stops the mapping, since to read it as empty would
//! wipe what the row holds.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use domain::{ClerkId, from_clerk_millis};
use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use crate::{Notes, nul};

/// An object cannot be mapped: the place, and what is wrong there. Neither shows what the object holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} {fault}")]
pub struct Unmappable {
    place: String,
    fault: String,
}

impl Unmappable {
    /// What is wrong at a place.
    pub fn new(place: impl Into<String>, fault: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            fault: fault.into(),
        }
    }
}

/// An object and the path to it. Keys in paths are ours, so a note never shows what Clerk sent.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The object at `path`.
    ///
    /// # Errors
    /// When it is no object.
    pub fn of(value: &'a Value, path: String) -> Result<Self, Unmappable> {
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            other => Err(Unmappable::new(
                path,
                format!("is {}, not an object", kind_of(other)),
            )),
        }
    }

    /// A copy of the object, without NULs at any depth.
    pub fn map_without_nul(&self, notes: &mut Notes) -> Map<String, Value> {
        if nul::map_holds_nul(self.map) {
            notes.add(format!("{} held NUL characters", self.path));
            nul::map_without_nul(self.map)
        } else {
            self.map.clone()
        }
    }

    /// The first 8 bytes of a digest of all that the object says.
    pub(crate) fn digest(&self) -> [u8; 8] {
        // A map that has been parsed can be written.
        let text = serde_json::to_vec(self.map).unwrap_or_default();
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(Sha256::digest(text)) {
            *to = from;
        }
        first
    }

    /// The path of one of its fields.
    #[must_use]
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// What is there, unless it is `null`.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The id that the mapping cannot do without.
    ///
    /// # Errors
    /// When there is none, or one that is no id.
    pub fn id(&self, key: &str) -> Result<ClerkId, Unmappable> {
        let stop = |fault: String| Unmappable::new(self.path_of(key), fault);
        match self.value(key) {
            None => Err(stop("is missing".to_owned())),
            Some(Value::String(text)) => {
                ClerkId::parse(text.as_str()).map_err(|fault| stop(unusable(fault)))
            }
            Some(other) => Err(stop(format!("is {}, not a string", kind_of(other)))),
        }
    }

    /// An id that may be missing.
    pub fn optional_id(&self, key: &str, notes: &mut Notes) -> Option<ClerkId> {
        let text = self.str(key, notes)?;
        ClerkId::parse(text)
            .inspect_err(|fault| self.note(key, &unusable(fault), notes))
            .ok()
    }

    /// A text that may be missing, without NULs.
    pub fn text(&self, key: &str, notes: &mut Notes) -> Option<String> {
        let text = self.str(key, notes)?;
        if !text.contains('\0') {
            return Some(text.to_owned());
        }
        self.note(key, "held NUL characters", notes);
        Some(nul::without_nul(text)).filter(|text| !text.is_empty())
    }

    /// A text that may be missing, without NULs and of at most `limit` characters.
    pub fn text_within(&self, key: &str, limit: usize, notes: &mut Notes) -> Option<String> {
        let mut text = self.text(key, notes)?;
        if let Some((end, _)) = text.char_indices().nth(limit) {
            text.truncate(end);
            self.note(key, &format!("was cut to {limit} characters"), notes);
        }
        Some(text)
    }

    /// A flag; `false` where it is missing.
    pub fn flag(&self, key: &str, notes: &mut Notes) -> bool {
        match self.value(key) {
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.note_kind(key, other, "neither true nor false", notes);
                false
            }
            None => false,
        }
    }

    /// A flag that takes rights away: to read anything else as `false` would give them back.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub fn deciding_flag(&self, key: &str) -> Result<bool, Unmappable> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(Unmappable::new(
                self.path_of(key),
                format!("is {}, neither true nor false", kind_of(other)),
            )),
        }
    }

    /// A time in milliseconds since 1970.
    pub fn time(&self, key: &str, notes: &mut Notes) -> Option<DateTime<Utc>> {
        self.time_as(key, from_clerk_millis, notes)
    }

    /// A time that `read` makes of a whole number.
    pub fn time_as(
        &self,
        key: &str,
        read: impl FnOnce(i64) -> Option<DateTime<Utc>>,
        notes: &mut Notes,
    ) -> Option<DateTime<Utc>> {
        let value = self.value(key)?;
        let Value::Number(number) = value else {
            self.note_kind(key, value, "not a number", notes);
            return None;
        };
        let time = whole(number).and_then(read);
        if time.is_none() {
            self.note(key, "is not a time", notes);
        }
        time
    }

    /// A list; empty where it is missing.
    ///
    /// # Errors
    /// When it is no list.
    pub fn list(&self, key: &str) -> Result<&'a [Value], Unmappable> {
        match self.value(key) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(Unmappable::new(
                self.path_of(key),
                format!("is {}, not a list", kind_of(other)),
            )),
        }
    }

    /// The texts of a list, without NULs; anything else in the list is left out with a note.
    ///
    /// # Errors
    /// When it is no list.
    pub fn texts(&self, key: &str, notes: &mut Notes) -> Result<Vec<String>, Unmappable> {
        let mut texts = Vec::new();
        for (index, value) in self.list(key)?.iter().enumerate() {
            match value {
                Value::String(text) => texts.push(nul::without_nul(text)),
                other => {
                    let fault = format!("[{index}] is {}, not a string", kind_of(other));
                    notes.add(format!("{}{fault}", self.path_of(key)));
                }
            }
        }
        Ok(texts)
    }

    /// The objects of a list; a `null` in it counts as absent.
    ///
    /// # Errors
    /// When it is no list, or something in it no object.
    pub fn objects(&self, key: &str) -> Result<Vec<Fields<'a>>, Unmappable> {
        let entries = self.list(key)?.iter().enumerate();
        entries
            .filter(|(_, entry)| !entry.is_null())
            .map(|(index, entry)| Fields::of(entry, format!("{}[{index}]", self.path_of(key))))
            .collect()
    }

    /// An object that may be missing.
    ///
    /// # Errors
    /// When it is no object.
    pub fn object(&self, key: &str) -> Result<Option<Fields<'a>>, Unmappable> {
        self.value(key)
            .map(|value| Fields::of(value, self.path_of(key)))
            .transpose()
    }

    /// An object that may be missing and from which nothing is wiped when it is read as missing: anything else than an
    /// object only earns a note.
    pub fn minor_object(&self, key: &str, notes: &mut Notes) -> Option<Fields<'a>> {
        self.object(key)
            .inspect_err(|fault| notes.add(fault.to_string()))
            .ok()
            .flatten()
    }

    /// Whether any of these fields is there.
    #[must_use]
    pub fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.value(key).is_some())
    }

    /// Notes what was odd about a field.
    pub fn note(&self, key: &str, fault: &str, notes: &mut Notes) {
        notes.add(format!("{} {fault}", self.path_of(key)));
    }

    fn note_kind(&self, key: &str, value: &Value, wanted: &str, notes: &mut Notes) {
        self.note(key, &format!("is {}, {wanted}", kind_of(value)), notes);
    }

    fn str(&self, key: &str, notes: &mut Notes) -> Option<&'a str> {
        match self.value(key)? {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            other => {
                self.note_kind(key, other, "not a string", notes);
                None
            }
        }
    }
}

/// The number where it is a whole one, however it is written: a decimal column gives `1.7e12` back as `1700000000000`, and
/// must not thereby change what was read.
fn whole(number: &Number) -> Option<i64> {
    let integer = number.as_f64().filter(|value| value.fract() == 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "far outside what is a time, the nearest integer is not one either"
    )]
    number.as_i64().or(integer.map(|value| value as i64))
}

fn unusable(fault: impl Display) -> String {
    format!("is no usable id: {fault}")
}

/// What a value is, in words.
#[must_use]
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
