use std::path::Path;

use chrono::Utc;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use uuid::Uuid;

use super::{Failure, dev, output};
use crate::config::environment;

#[derive(Debug, Args)]
pub(super) struct Send {
    /// The event's type, such as user.created
    event_type: String,
    /// The endpoint
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8080/api/webhooks/clerk"
    )]
    to: String,
    /// Set a value in the event: data.first_name=Ann; a value that is JSON is taken as JSON. May be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    changes: Vec<String>,
    /// The message id; the same id again makes a duplicate
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The signing secret; without it CLERK_WEBHOOK_SECRET, else that of `clerk-sync dev` in this folder
    #[arg(long, value_name = "SECRET")]
    secret: Option<SecretString>,
}

impl Send {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let now = Utc::now();
        let mut event = emulator::sample_event_at(&self.event_type, now.timestamp_millis())
            .ok_or_else(|| {
                format!(
                    "{} is no event type of Clerk's; there are: {}",
                    self.event_type,
                    emulator::EVENT_TYPES.join(", ")
                )
            })?;
        for change in &self.changes {
            let (path, value) = change
                .split_once('=')
                .ok_or_else(|| format!("--set {change}: write PATH=VALUE"))?;
            set(&mut event, path, parsed(value))
                .map_err(|reason| format!("--set {change}: {reason}"))?;
        }
        let secret = self.secret.clone().map_or_else(known_secret, Ok)?;
        let id = self
            .id
            .unwrap_or_else(|| format!("msg_{}", Uuid::now_v7().simple()));
        let (timestamp, body) = (now.timestamp(), event.to_string());
        let signature = emulator::sign(secret.expose_secret(), &id, timestamp, body.as_bytes())?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let answer = client
            .post(&self.to)
            .header("content-type", "application/json")
            .header("svix-id", &id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", signature)
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        output::line(format!("{status}  {} as {id}", self.event_type));
        if status.is_success() {
            Ok(())
        } else {
            Err(format!("the endpoint did not take it: {text}").into())
        }
    }
}

fn known_secret() -> Result<SecretString, Failure> {
    let (lookup, _) = environment(Path::new("."));
    let list = lookup("CLERK_WEBHOOK_SECRET").or_else(|| lookup("CLERK_WEBHOOK_SIGNING_SECRET"));
    let first = list
        .as_deref()
        .and_then(|list| list.split(',').next())
        .map(str::trim)
        .filter(|text| !text.is_empty());
    match first {
        Some(secret) => Ok(secret.to_owned().into()),
        None => dev::kept_secret().ok_or_else(|| {
            "no signing secret: give --secret, set CLERK_WEBHOOK_SECRET, or run this where `clerk-sync dev` ran".into()
        }),
    }
}

fn parsed(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()))
}

/// Sets the value at a path of names and list places, making objects on the way where nothing is.
fn set(event: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let mut place = event;
    for name in path.split('.') {
        place = match place {
            Value::Array(list) => {
                let length = list.len();
                name.parse::<usize>()
                    .ok()
                    .and_then(|index| list.get_mut(index))
                    .ok_or_else(|| format!("{name} is no place in a list of {length}"))?
            }
            other => {
                if other.is_null() {
                    *other = Value::Object(serde_json::Map::new());
                }
                let Value::Object(map) = other else {
                    return Err(format!("{name} is inside a value that is no object"));
                };
                map.entry(name).or_insert(Value::Null)
            }
        };
    }
    *place = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_set_by_path() {
        let mut event = json!({"data": {"first_name": "Ann", "emails": [{"a": 1}]}, "n": 1});
        set(&mut event, "data.first_name", parsed("Grace")).unwrap();
        set(&mut event, "data.emails.0.a", parsed("[2]")).unwrap();
        set(&mut event, "data.public_metadata.role", parsed("admin")).unwrap();
        assert_eq!(
            event,
            json!({"data": {"first_name": "Grace", "emails": [{"a": [2]}], "public_metadata": {"role": "admin"}}, "n": 1})
        );
        assert!(set(&mut event, "data.emails.7", json!(1)).is_err());
        assert!(set(&mut event, "n.x", json!(1)).is_err());
    }
}
