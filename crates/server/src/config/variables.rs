//! Reading variables by type, and collecting what is wrong with them.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{ConfigErrors, ConfigFault};

/// The variables of one reading.
pub(super) struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<ConfigFault>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            lookup,
            faults: Vec::new(),
        }
    }

    /// The result, unless something was wrong.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigErrors> {
        if self.faults.is_empty() {
            Ok(value)
        } else {
            Err(ConfigErrors(self.faults))
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn fault(&mut self, variable: &'static str, message: impl Into<String>) {
        let fault = ConfigFault {
            variable,
            message: message.into(),
        };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// A value without the white space around it; empty counts as unset.
    pub(super) fn text(&self, variable: &str) -> Option<String> {
        self.raw(variable).filter(|text| !text.is_empty())
    }

    /// A value without the white space around it, also when nothing is left of it.
    pub(super) fn raw(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|text| text.trim().to_owned())
    }

    /// A secret: from the variable, or from the file that `NAME_FILE` names.
    pub(super) fn secret_text(&mut self, variable: &'static str) -> Option<String> {
        let file = self.text(&format!("{variable}_FILE"));
        match (self.text(variable), file) {
            (Some(_), Some(_)) => {
                self.fault(
                    variable,
                    format!("is set together with {variable}_FILE: keep one of them"),
                );
                None
            }
            (Some(text), None) => Some(text),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
                Err(error) => {
                    self.fault(
                        variable,
                        format!(
                            "the file in {variable}_FILE cannot be read: {}",
                            error.kind()
                        ),
                    );
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// Values separated by commas.
    pub(super) fn list(&self, variable: &str) -> Vec<String> {
        self.text(variable)
            .iter()
            .flat_map(|list| list.split(','))
            .map(|item| item.trim().to_owned())
            .collect()
    }

    pub(super) fn flag(&mut self, variable: &'static str, default: bool) -> bool {
        self.choice(
            variable,
            &[("true", true), ("false", false), ("1", true), ("0", false)],
            default,
        )
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        variable: &'static str,
        choices: &[(&str, T)],
        default: T,
    ) -> T {
        let Some(text) = self.text(variable) else {
            return default;
        };
        match choices
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name))
        {
            Some((_, value)) => *value,
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                self.fault(variable, format!("must be one of {}", names.join(", ")));
                default
            }
        }
    }

    pub(super) fn number<T>(
        &mut self,
        variable: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> T
    where
        T: FromStr + PartialOrd + std::fmt::Display + Copy,
    {
        let Some(text) = self.text(variable) else {
            return default;
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.fault(
                    variable,
                    format!(
                        "must be a whole number from {} to {}",
                        range.start(),
                        range.end()
                    ),
                );
                default
            }
        }
    }
}
