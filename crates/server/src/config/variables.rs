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

    pub(super) fn is_faulty(&self, variable: &str) -> bool {
        self.faults.iter().any(|fault| fault.variable == variable)
    }

    /// Notes what is wrong with a variable. The first fault stands: the others follow from it, or will show once it is
    /// mended.
    pub(super) fn fault(&mut self, variable: &'static str, message: impl Into<String>) {
        if !self.is_faulty(variable) {
            self.faults.push(ConfigFault {
                variable,
                message: message.into(),
            });
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
                Ok(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
                Ok(_) => {
                    self.fault(variable, format!("the file in {variable}_FILE is empty"));
                    None
                }
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

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::tests::{faulty, good, read, with};

    #[test]
    fn a_secret_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "  sk_live_from_a_file\n").unwrap();
        let path = path.to_str().unwrap();
        let config = read(&with(&[("CLERK_SECRET_KEY_FILE", path)])).unwrap();
        let api = config.clerk_api.unwrap();
        assert_eq!(api.secret_key.expose_secret(), "sk_live_from_a_file");
    }

    #[test]
    fn a_secret_is_in_one_place_that_can_be_read_and_holds_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (full, empty) = (path("full", "sqlite://a.db"), path("empty", " \n"));
        for (variable, file) in [
            ("CLERK_SECRET_KEY", "CLERK_SECRET_KEY_FILE"),
            ("CLERK_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET_FILE"),
            ("DATABASE_URL", "DATABASE_URL_FILE"),
            ("DATABASE_MIGRATION_URL", "DATABASE_MIGRATION_URL_FILE"),
        ] {
            let both = with(&[(variable, "sqlite://b.db"), (file, &full)]);
            assert_eq!(faulty(&both), [variable]);
            for bad in [empty.as_str(), "/no/such/file"] {
                assert_eq!(faulty(&with(&[(variable, ""), (file, bad)])), [variable]);
            }
        }
    }

    #[test]
    fn white_space_alone_is_unset() {
        let settings = with(&[("DATABASE_POOL_SIZE", " "), ("JIT_PROVISIONING", "")]);
        let (config, usual) = (read(&settings).unwrap(), read(&good()).unwrap());
        assert_eq!(config.database.pool_size, usual.database.pool_size);
        assert!(config.jit_provisioning);
    }
}
