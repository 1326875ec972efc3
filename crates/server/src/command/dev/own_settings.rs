//! Settings that somebody gives `dev`, besides those that it finds by itself.

use std::cell::RefCell;
use std::collections::BTreeSet;

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
    /// What was given for a setting.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.given.iter().filter(|(given, _)| given == name);
        named.next_back().map(|(_, value)| value.as_str())
    }

    /// The settings that there are in all, and what the service reads of them.
    ///
    /// # Errors
    /// When something was given that `dev` finds by itself, or that is no setting; every fault that the service finds.
    pub(super) fn beside<'a>(
        &'a self,
        found: Settings<'a>,
    ) -> Result<(Settings<'a>, Config), Failure> {
        let mut all = found;
        for (name, _) in &self.given {
            if all.iter().any(|(found, _)| found == name) {
                return Err(format!("--set {name}: `dev` gives this one itself").into());
            }
        }
        let names: BTreeSet<&str> = self.given.iter().map(|(name, _)| name.as_str()).collect();
        all.extend(names.iter().filter_map(|name| {
            let value = self.get(name)?;
            Some((*name, value.to_owned()))
        }));
        let asked = RefCell::new(BTreeSet::new());
        let config = Config::read(|name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            let setting = all.iter().find(|(known, _)| *known == name);
            setting.map(|(_, value)| value.clone())
        })?;
        let asked = asked.into_inner();
        match names.into_iter().find(|name| !asked.contains(*name)) {
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
