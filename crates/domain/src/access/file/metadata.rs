//! Rules about `public_metadata`, and the refusal of what users write themselves.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::lines::Faults;
use super::section::{At, Section, texts};
use crate::access::rules::MetadataRule;

/// Deeper than anybody nests.
const DEEPEST_PATH: usize = 8;

/// Reads `public_metadata`, a path of keys, and `values`, what each value there stands for. Without `values`, each of
/// `all` stands for itself.
pub(super) fn rule<T: Clone>(
    section: &mut Section<'_, '_>,
    all: &[T],
    name: impl Fn(&T) -> &str,
    known: impl Fn(At<&str>, &mut Faults<'_>) -> Option<T>,
    faults: &mut Faults<'_>,
) -> Option<MetadataRule<T>> {
    let why = "name the key that decides";
    let path = section.required("public_metadata", why, path, faults);
    let own = section.entries("values", faults);
    let values: BTreeMap<String, T> = match own {
        None => all
            .iter()
            .map(|item| (name(item).to_owned(), item.clone()))
            .collect(),
        Some(entries) if entries.is_empty() => {
            let message = "`values` is empty: list what each value stands for, or leave it out";
            faults.add(section.at(), message);
            return None;
        }
        Some(entries) => {
            let mut values = BTreeMap::new();
            for (value, meaning) in entries {
                let at = meaning.span().start;
                match meaning.get_ref().as_str() {
                    Some(text) => {
                        if let Some(meaning) = known(At { value: text, at }, faults) {
                            values.insert(value.value.to_owned(), meaning);
                        }
                    }
                    None => faults.add(at, "`values` wants text in quotes on both sides"),
                }
            }
            values
        }
    };
    Some(MetadataRule {
        path: path?,
        values,
    })
}

/// `"role"`, `"access.role"`, or `["keys", "with.dots"]`.
fn path(
    section: &mut Section<'_, '_>,
    key: &'static str,
    faults: &mut Faults<'_>,
) -> Option<Vec<String>> {
    let value = section.value(key)?;
    let at = value.span().start;
    let keys: Vec<String> = match value.get_ref() {
        DeValue::String(text) => text.split('.').map(str::to_owned).collect(),
        DeValue::Array(items) => texts(items, "`public_metadata`", faults)
            .into_iter()
            .map(|key| key.value.to_owned())
            .collect(),
        other => {
            let found = other.type_str();
            faults.add(
                at,
                format!("`public_metadata` must be a path, as \"role\" or \"access.role\"; this is: {found}"),
            );
            return None;
        }
    };
    if keys.is_empty() || keys.len() > DEEPEST_PATH || keys.iter().any(String::is_empty) {
        faults.add(
            at,
            format!(
                "`public_metadata` must be a path of 1 to {DEEPEST_PATH} keys, none of them empty"
            ),
        );
        return None;
    }
    for key in &keys {
        if let Some(message) = refusal(key) {
            faults.add(at, message);
            return None;
        }
    }
    Some(keys)
}

/// Why a piece of metadata can decide nothing.
fn refusal(key: &str) -> Option<&'static str> {
    match key {
        "unsafe_metadata" | "unsafeMetadata" => Some(
            "`unsafe_metadata` can decide nothing: users write it themselves, so each would choose his own role; let \
             your backend write `public_metadata`",
        ),
        "private_metadata" | "privateMetadata" => Some(
            "`private_metadata` can decide nothing: it is never kept here; let your backend write `public_metadata`",
        ),
        _ => None,
    }
}

/// Refuses such metadata wherever it is named as a key.
pub(super) fn refuse_unsafe(table: &DeTable<'_>, faults: &mut Faults<'_>) {
    for (key, value) in table {
        if let Some(message) = refusal(key.get_ref()) {
            faults.add(key.span().start, message);
        }
        refuse_unsafe_in(value.get_ref(), faults);
    }
}

fn refuse_unsafe_in(value: &DeValue<'_>, faults: &mut Faults<'_>) {
    match value {
        DeValue::Table(table) => refuse_unsafe(table, faults),
        DeValue::Array(items) => {
            for item in items {
                refuse_unsafe_in(item.get_ref(), faults);
            }
        }
        _ => {}
    }
}
