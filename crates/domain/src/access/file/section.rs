//! One table of the file: values by name and type, and at the end the names that nobody asked for.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lines::{Faults, listed};

/// A value and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<T> {
    pub(super) value: T,
    /// Byte of the file.
    pub(super) at: usize,
}

/// A table that is being read.
pub(super) struct Section<'t, 'i> {
    /// How a message calls it; empty for the whole file.
    name: String,
    at: usize,
    table: &'t DeTable<'i>,
    known: Vec<&'static str>,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn root(table: &'t DeTable<'i>) -> Self {
        Self {
            name: String::new(),
            at: 0,
            table,
            known: Vec::new(),
        }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn called(&self, key: &str) -> String {
        if self.name.is_empty() {
            format!("`{key}`")
        } else {
            format!("`{key}` of {}", self.name)
        }
    }

    /// Whatever stands under this key.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    /// A value that can be read so, or else a fault that says what is `wanted`.
    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        take: impl FnOnce(&'t DeValue<'i>) -> Option<T>,
        faults: &mut Faults<'_>,
    ) -> Option<At<T>> {
        let value = self.value(key)?;
        let at = value.span().start;
        match take(value.get_ref()) {
            Some(value) => Some(At { value, at }),
            None => {
                let found = value.get_ref().type_str();
                let called = self.called(key);
                faults.add(at, format!("{called} must be {wanted}; this is: {found}"));
                None
            }
        }
    }

    pub(super) fn text(
        &mut self,
        key: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<At<&'t str>> {
        self.typed(key, "text in quotes", DeValue::as_str, faults)
    }

    pub(super) fn flag(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<bool> {
        self.typed(key, "true or false", DeValue::as_bool, faults)
            .map(|found| found.value)
    }

    /// A whole number from 0 to `most`.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        most: u32,
        faults: &mut Faults<'_>,
    ) -> Option<u32> {
        let wanted = format!("a whole number from 0 to {most}");
        self.typed(key, &wanted, |value| number(value, most), faults)
            .map(|found| found.value)
    }

    /// A table under this key.
    pub(super) fn section(
        &mut self,
        key: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Section<'t, 'i>> {
        let table = self.typed(key, "a table", DeValue::as_table, faults)?;
        Some(Section {
            name: format!("[{key}]"),
            at: table.at,
            table: table.value,
            known: Vec::new(),
        })
    }

    /// A table whose keys are the writer's own, with the place of each key.
    pub(super) fn entries(
        &mut self,
        key: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Vec<(At<&'t str>, &'t Spanned<DeValue<'i>>)>> {
        let table = self.typed(key, "a table", DeValue::as_table, faults)?;
        let mut entries: Vec<_> = table
            .value
            .iter()
            .map(|(key, value)| (placed(key, key.get_ref().as_ref()), value))
            .collect();
        // As written: the parser sorts them by name.
        entries.sort_by_key(|(key, _)| key.at);
        Some(entries)
    }

    /// A list of tables, each called by what it is and its number.
    pub(super) fn sections(
        &mut self,
        key: &'static str,
        each: &str,
        faults: &mut Faults<'_>,
    ) -> Vec<Section<'t, 'i>> {
        let wanted = format!("a list of tables: write [[{key}]] above each");
        let Some(list) = self.typed(key, &wanted, DeValue::as_array, faults) else {
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (number, item) in (1..).zip(list.value.iter()) {
            let at = item.span().start;
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section {
                    name: format!("{each} {number}"),
                    at,
                    table,
                    known: Vec::new(),
                }),
                None => faults.add(at, format!("`{key}` must be {wanted}")),
            }
        }
        sections
    }

    /// A list of texts; an item that is none is a fault.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Vec<At<&'t str>>> {
        let list = self.typed(key, "a list of texts", DeValue::as_array, faults)?;
        let called = self.called(key);
        Some(texts(list.value.iter(), &called, faults))
    }

    /// Like the other readers, for what must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        why: &str,
        read: impl FnOnce(&mut Self, &'static str, &mut Faults<'_>) -> Option<T>,
        faults: &mut Faults<'_>,
    ) -> Option<T> {
        if self.demand(key, why, faults) {
            read(self, key, faults)
        } else {
            None
        }
    }

    /// Whether something stands under this key; else a fault that says why it must.
    pub(super) fn demand(&mut self, key: &'static str, why: &str, faults: &mut Faults<'_>) -> bool {
        let is_there = self.value(key).is_some();
        if !is_there {
            let called = self.called(key);
            faults.add(self.at, format!("{called} is missing: {why}"));
        }
        is_there
    }

    /// Names every key that nobody asked for.
    pub(super) fn finish(&mut self, faults: &mut Faults<'_>) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let called = self.called(name);
                let known = listed(self.known.iter().copied());
                faults.add(
                    key.span().start,
                    format!("{called} is not known: use one of {known}"),
                );
            }
        }
    }
}

fn placed<T, U>(spanned: &Spanned<T>, value: U) -> At<U> {
    At {
        value,
        at: spanned.span().start,
    }
}

/// A whole number from 0 to `most`.
pub(super) fn number(value: &DeValue<'_>, most: u32) -> Option<u32> {
    let integer = value.as_integer()?;
    let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    (number <= most).then_some(number)
}

/// The texts of a list.
pub(super) fn texts<'t, 'i: 't>(
    items: impl IntoIterator<Item = &'t Spanned<DeValue<'i>>>,
    called: &str,
    faults: &mut Faults<'_>,
) -> Vec<At<&'t str>> {
    let mut texts = Vec::new();
    for item in items {
        match item.get_ref().as_str() {
            Some(text) => texts.push(placed(item, text)),
            None => faults.add(
                item.span().start,
                format!(
                    "{called} must be a list of texts; this is: {}",
                    item.get_ref().type_str()
                ),
            ),
        }
    }
    texts
}
