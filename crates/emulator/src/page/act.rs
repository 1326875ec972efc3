//! What the buttons do: each is an operation of the instance, and the page comes back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::chaos::Preset;
use super::frame::{self, Said};
use super::html;
use super::view::View;
use crate::billing::Payer;
use crate::instance::{BillingStep, Caller, Instance, Seed, Terms};
use crate::params::invalid;
use crate::refusal::Refusal;
use crate::session::SessionStatus;
use crate::token::TokenRequest;

/// A day, as Svix gives a secret that was rotated out.
const GRACE: Duration = Duration::from_secs(86_400);
/// More at once would make somebody wait who only tries buttons.
const MANY: usize = 10_000;

/// A form's fields.
#[derive(Clone)]
struct Fields(HashMap<String, String>);

impl Fields {
    /// Empty when absent.
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The fields of these names as parameters of the Backend API. An empty one is null.
    fn params(&self, names: &[&str]) -> Value {
        let given = names.iter().filter_map(|name| {
            let text = self.0.get(*name)?;
            let value = if text.is_empty() {
                Value::Null
            } else {
                text.as_str().into()
            };
            Some(((*name).to_owned(), value))
        });
        Value::Object(given.collect())
    }

    fn number(&self, name: &str) -> Result<usize, Refusal> {
        let number = self.get(name).parse().ok().filter(|it| *it <= MANY);
        number.ok_or_else(|| invalid(name, "a number up to 10000"))
    }
}

/// Where to go next, when it is not back.
enum Next {
    Back,
    To(View),
    Show(Said),
}

pub(super) async fn act(
    State(instance): State<Arc<Instance>>,
    Path(action): Path<String>,
    headers: HeaderMap,
    caller: Caller,
    form: Result<Form<HashMap<String, String>>, axum::extract::rejection::FormRejection>,
) -> Response {
    let (fields, done) = match form {
        Err(error) => {
            let reason = error.body_text();
            (Fields(HashMap::new()), Err(Refusal::BodyInvalid { reason }))
        }
        Ok(Form(fields)) => {
            let fields = Fields(fields);
            let given = fields.clone();
            let of = Arc::clone(&instance);
            // Many users take seconds, which other requests should not wait for.
            let doing = move || perform(&of, &action, &given, &caller);
            let done = tokio::task::spawn_blocking(doing).await;
            let broken = |_| {
                let reason = "the emulator stopped half-way".to_owned();
                Err(Refusal::BodyInvalid { reason })
            };
            (fields, done.unwrap_or_else(broken))
        }
    };
    let back = View::at(fields.get("back"));
    match done {
        Ok(Next::Back) => to(&back),
        Ok(Next::To(view)) => to(&view),
        Ok(Next::Show(said)) => html(
            StatusCode::OK,
            frame::draw(&instance, &back, &headers, said),
        ),
        Err(refusal) => {
            let said = Said::Refused(refusal.to_string());
            let drawn = frame::draw(&instance, &back, &headers, said);
            html(StatusCode::UNPROCESSABLE_ENTITY, drawn)
        }
    }
}

fn to(view: &View) -> Response {
    let address = view.address();
    let mark = if address.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{address}{mark}done=1")).into_response()
}

fn perform(
    instance: &Instance,
    action: &str,
    fields: &Fields,
    caller: &Caller,
) -> Result<Next, Refusal> {
    if let Some(next) = with_users(instance, action, fields, caller)? {
        return Ok(next);
    }
    if let Some(next) = with_organizations(instance, action, fields, caller)? {
        return Ok(next);
    }
    let id = fields.get("id");
    match action {
        "end-session" => {
            let status = match fields.get("status") {
                "revoked" => SessionStatus::Revoked,
                "removed" => SessionStatus::Removed,
                _ => SessionStatus::Ended,
            };
            instance.end_session(id, status, caller)?;
        }
        "bill" => bill(instance, fields, caller)?,
        "replay" => drop(instance.replay(id)?),
        "emit" => drop(instance.emit_event(fields.get("type"), None, None, caller)?),
        "endpoint" => {
            let url = Some(fields.get("url").trim()).filter(|it| !it.is_empty());
            instance.set_webhook(url, None)?;
        }
        "rotate" => drop(instance.rotate_webhook_secret(None, GRACE)?),
        "chaos" => {
            let wanted = fields.get("preset");
            let mut presets = Preset::ALL.iter();
            let preset = presets.find(|it| it.key == wanted);
            let preset = preset.ok_or_else(|| invalid("preset", "one of the page's"))?;
            instance.set_chaos(preset.chaos())?;
        }
        "seed" => {
            let seed = Seed {
                users: fields.number("users")?,
                organizations: fields.number("organizations")?,
                ..Seed::default()
            };
            instance.seed(seed, false, caller)?;
        }
        "reset" => instance.reset(),
        _ => {
            return Err(Refusal::NotFound {
                kind: "action",
                id: action.to_owned(),
            });
        }
    }
    Ok(Next::Back)
}

/// `None` when the action is none of these.
fn with_users(
    instance: &Instance,
    action: &str,
    fields: &Fields,
    caller: &Caller,
) -> Result<Option<Next>, Refusal> {
    let (user_id, id) = (fields.get("user_id"), fields.get("id"));
    match action {
        "create-user" => {
            let names = ["email_address", "first_name", "last_name", "password"];
            let user = instance.create_user(fields.params(&names), caller)?;
            return Ok(Some(Next::To(View::User(user.id))));
        }
        "update-user" => {
            let names = ["first_name", "last_name", "username", "external_id"];
            let mut params = fields.params(&names);
            let metadata: Map<String, Value> = serde_json::from_str(fields.get("public_metadata"))
                .map_err(|_| invalid("public_metadata", "a JSON object"))?;
            if let Some(members) = params.as_object_mut() {
                members.insert("public_metadata".to_owned(), metadata.into());
            }
            instance.update_user(user_id, params, caller)?;
        }
        "ban" => drop(instance.set_banned(user_id, true, caller)?),
        "unban" => drop(instance.set_banned(user_id, false, caller)?),
        "lock" => drop(instance.set_locked(user_id, true, caller)?),
        "unlock" => drop(instance.set_locked(user_id, false, caller)?),
        "delete-user" => {
            instance.delete_user(user_id, caller)?;
            let (search, page) = (String::new(), 1);
            return Ok(Some(Next::To(View::Users { search, page })));
        }
        "start-session" => drop(instance.create_session(user_id, caller)?),
        "token" => {
            let request = TokenRequest::for_user(user_id).expires_in(3_600);
            return Ok(Some(Next::Show(Said::Token(instance.mint(request)?))));
        }
        "add-email" => {
            let address = fields.get("email_address");
            instance.add_email(user_id, address, true, false, caller)?;
        }
        "verify-email" => drop(instance.update_email(id, true, false, caller)?),
        "primary-email" => drop(instance.update_email(id, false, true, caller)?),
        "remove-email" => drop(instance.remove_email(id, caller)?),
        _ => return Ok(None),
    }
    Ok(Some(Next::Back))
}

/// `None` when the action is none of these.
fn with_organizations(
    instance: &Instance,
    action: &str,
    fields: &Fields,
    caller: &Caller,
) -> Result<Option<Next>, Refusal> {
    let (organization_id, id) = (fields.get("organization_id"), fields.get("id"));
    match action {
        "create-organization" => {
            let params = fields.params(&["name", "created_by"]);
            let made = instance.create_organization(params, caller)?;
            return Ok(Some(Next::To(View::Organization(made.id))));
        }
        "update-organization" => {
            let params = fields.params(&["name", "slug"]);
            instance.update_organization(organization_id, params, caller)?;
        }
        "delete-organization" => {
            instance.delete_organization(organization_id, caller)?;
            let (search, page) = (String::new(), 1);
            return Ok(Some(Next::To(View::Organizations { search, page })));
        }
        "join" => {
            let wanted = fields.get("user_id").trim();
            let found = instance.read(|state| state.owner_of(wanted).map(|it| it.user.id.clone()));
            let user_id = found.unwrap_or_else(|| wanted.to_owned());
            let params = json!({ "user_id": user_id, "role": fields.get("role") });
            instance.create_membership(organization_id, params, caller)?;
        }
        "role" => {
            let (user_id, params) = (fields.get("user_id"), fields.params(&["role"]));
            instance.update_membership(organization_id, user_id, params, caller)?;
        }
        "leave" => {
            instance.delete_membership(organization_id, fields.get("user_id"), caller)?;
        }
        "invite" => {
            let params = fields.params(&["email_address", "role"]);
            instance.invite(organization_id, params, caller)?;
        }
        "accept-invitation" => drop(instance.accept_invitation(id, None, caller)?),
        "revoke-invitation" => drop(instance.revoke_invitation(id, caller)?),
        _ => return Ok(None),
    }
    Ok(Some(Next::Back))
}

fn bill(instance: &Instance, fields: &Fields, caller: &Caller) -> Result<(), Refusal> {
    let payer = match fields.get("user_id") {
        "" => Payer::Organization(fields.get("organization_id").to_owned()),
        id => Payer::User(id.to_owned()),
    };
    let step = match fields.get("step") {
        "subscribe" => BillingStep::Subscribe(Terms {
            plan: fields.get("plan").to_owned(),
            trial: fields.get("trial") == "true",
            ..Terms::default()
        }),
        "past_due" => BillingStep::PastDue,
        "renew" => BillingStep::Renew,
        "cancel" => BillingStep::Cancel,
        "end" => BillingStep::End,
        _ => return Err(invalid("step", "subscribe, past_due, renew, cancel or end")),
    };
    instance.bill(payer, step, caller).map(drop)
}
