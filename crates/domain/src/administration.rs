//! What the team itself decides about users, and what becomes of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{ClerkId, User};

/// What became of a decision about a user.
#[derive(Debug, Clone, PartialEq)]
pub enum Decided {
    /// The row has changed, and is in the feed and the audit log.
    Changed {
        /// As it was in the same transaction.
        before: Box<User>,
        /// As it is.
        user: Box<User>,
    },
    /// The row was so already; nothing was written.
    Unchanged(Box<User>),
    /// There is no such user.
    Unknown,
    /// The user is deleted, and nothing is decided about him any more.
    Deleted,
    /// Nobody would be admin afterwards; nothing was written.
    LastAdmin,
    /// The user is to be forgotten, which is to be called off first; nothing was written.
    Erasing(Box<Erasure>),
}

/// What became of a patch of preferences.
#[derive(Debug, Clone, PartialEq)]
pub enum PreferencesOutcome {
    /// They are as the row shows them.
    Written(Box<User>),
    /// There is no such user, or he is deleted.
    Unknown,
    /// They would be what is not kept; nothing was written.
    Refused(PreferencesError),
}

/// Why preferences are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreferencesError {
    /// The patch is not a JSON object.
    #[error("preferences are changed by a JSON object")]
    NotAnObject,
    /// More than [`MAX_PREFERENCES_BYTES`] after the patch.
    #[error("preferences have at most {MAX_PREFERENCES_BYTES} bytes, these would have {bytes}")]
    TooLarge {
        /// As compact JSON.
        bytes: usize,
    },
    /// Deeper than [`MAX_PREFERENCES_DEPTH`] after the patch.
    #[error("preferences are at most {MAX_PREFERENCES_DEPTH} levels deep")]
    TooDeep,
    /// A text holds U+0000, which PostgreSQL does not keep.
    #[error("preferences hold no NUL characters")]
    NulCharacter,
}

/// The size of preferences at most, in bytes of compact JSON.
pub const MAX_PREFERENCES_BYTES: usize = 16 * 1024;
/// How deep preferences may be: the object itself is the first level.
pub const MAX_PREFERENCES_DEPTH: usize = 8;

/// Applies a JSON merge patch (RFC 7396) to preferences.
///
/// # Errors
/// When the patch is no object, or the result is too large, too deep or cannot be kept.
pub fn patched_preferences(preferences: &Value, patch: &Value) -> Result<Value, PreferencesError> {
    if !patch.is_object() {
        return Err(PreferencesError::NotAnObject);
    }
    let mut patched = preferences.clone();
    merge_patch(&mut patched, patch);
    if depth(&patched) > MAX_PREFERENCES_DEPTH {
        return Err(PreferencesError::TooDeep);
    }
    if has_nul(&patched) {
        return Err(PreferencesError::NulCharacter);
    }
    let bytes = patched.to_string().len();
    if bytes > MAX_PREFERENCES_BYTES {
        return Err(PreferencesError::TooLarge { bytes });
    }
    Ok(patched)
}

/// Applies a JSON merge patch (RFC 7396, section 2). No deeper than the patch, which a parser has bounded.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge_patch(target.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// How many objects and lists stand within one another.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether a text or a key holds U+0000, which PostgreSQL does not keep.
pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Array(list) => list.iter().any(has_nul),
        _ => false,
    }
}

/// A request to forget a person, which is held back until it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// Ours.
    pub id: Uuid,
    /// Who is to be forgotten: our id.
    pub user_id: Uuid,
    /// Clerk's id of him.
    pub clerk_user_id: ClerkId,
    /// Who asked: a Clerk id or `system`.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// When it is to be done.
    pub due_at: DateTime<Utc>,
    /// When it was called off.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// When it was done.
    pub executed_at: Option<DateTime<Utc>>,
}

/// What became of a wish about an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasureOutcome {
    /// As this says.
    Done(Erasure),
    /// Another request is open, or the person is forgotten already.
    Already(Erasure),
    /// There is no such user, or no open request.
    Unknown,
    /// Nobody would be admin afterwards; nothing was written.
    LastAdmin,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples of RFC 7396, appendix A, whose patch is an object.
    #[test]
    fn patches_as_the_standard_says() {
        for (original, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            assert_eq!(
                patched_preferences(&original, &patch),
                Ok(result),
                "{original} {patch}"
            );
        }
    }

    #[test]
    fn what_is_not_kept_is_named() {
        let refused = |patch: Value| patched_preferences(&json!({}), &patch).unwrap_err();
        for patch in [json!(null), json!([]), json!("a"), json!(1)] {
            assert_eq!(refused(patch), PreferencesError::NotAnObject);
        }
        let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert!(patched_preferences(&json!({}), &nested(8)).is_ok());
        assert_eq!(refused(nested(9)), PreferencesError::TooDeep);
        assert_eq!(
            refused(json!({"a": ["b\0"]})),
            PreferencesError::NulCharacter
        );
        assert_eq!(refused(json!({"\0": 1})), PreferencesError::NulCharacter);
        // `{"a":"…"}` has eight bytes besides the text.
        let sized = |bytes: usize| json!({"a": "x".repeat(bytes - 8)});
        assert!(patched_preferences(&json!({}), &sized(16_384)).is_ok());
        assert_eq!(
            refused(sized(16_385)),
            PreferencesError::TooLarge { bytes: 16_385 }
        );
    }

    #[test]
    fn what_takes_away_makes_room() {
        let full = json!({"a": "x".repeat(16_000)});
        let patch = json!({"a": null, "b": "y".repeat(16_000)});
        assert!(patched_preferences(&full, &patch).is_ok());
        assert!(matches!(
            patched_preferences(&full, &json!({"b": "y".repeat(1000)})),
            Err(PreferencesError::TooLarge { .. })
        ));
    }
}
