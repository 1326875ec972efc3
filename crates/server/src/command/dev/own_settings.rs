//! Settings that somebody gives `dev`, besides those that it finds by itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use crate::command::Failure;
use crate::config::Config;

/// Names and values.
pub(super) type Settings<'a> = Vec<(&'a str, String)>;

/// Neither the environment nor `.env` is asked: what stands there is often meant for a service in production.
#[derive(Debug, Args)]
pub(super) struct OwnSettings {
    /// A setting of the service, as `.env.example` lists them; may be given several times. The environment and `.env` do
    /// not count here
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = name_and_value)]
    given: Vec<(String, String)>,
}

impl OwnSettings {
    /// Whether something was given for a setting; nothing at all is its default.
    pub(super) fn has(&self, name: &str) -> bool {
        self.last().get(name).is_some_and(|value| !value.is_empty())
    }

    /// What counts of a setting that was given more than once.
    fn last(&self) -> BTreeMap<&str, &str> {
        let given = self.given.iter();
        given.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// The settings that there are in all, and what the service reads of them.
    ///
    /// # Errors
    /// When something was given that `dev` finds by itself, or that is no setting; every fault that the service finds.
    pub(super) fn beside<'a>(
        &'a self,
        found: Settings<'a>,
    ) -> Result<(Settings<'a>, Config), Failure> {
        let given = self.last();
        if let Some((name, _)) = found.iter().find(|(name, _)| given.contains_key(name)) {
            return Err(format!("--set {name}: `dev` gives this one itself").into());
        }
        let mut all = found;
        all.extend(
            given
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let asked = RefCell::new(BTreeSet::new());
        let config = Config::read(|name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            let setting = all.iter().find(|(known, _)| *known == name);
            setting.map(|(_, value)| value.clone())
        })?;
        let asked = asked.into_inner();
        match given.into_keys().find(|name| !asked.contains(*name)) {
            Some(name) => {
                Err(format!("--set {name}: there is no such setting; see .env.example").into())
            }
            None => Ok((all, config)),
        }
    }
}

fn name_and_value(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not NAME=VALUE"),
    }
}
