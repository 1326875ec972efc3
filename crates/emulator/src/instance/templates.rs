//! Operations on JWT templates. Clerk has no events for them.

use serde_json::{Value, json};

use super::Instance;
use crate::params::{Params, invalid};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::state::State;
use crate::template::{JwtTemplate, OwnKey, RESERVED};

impl Instance {
    /// Makes a template from the parameters of `POST /v1/jwt_templates`. Returns Clerk's JWTTemplate object, as all
    /// operations here do.
    ///
    /// # Errors
    /// A parameter that is absent or of the wrong form, [`Refusal::IdentifierTaken`] for the name of another one.
    pub fn create_template(&self, params: Value) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        params.required("name")?;
        if params.object("claims")?.is_none() {
            return Err(Refusal::ParamMissing { param: "claims" });
        }
        let mut state = self.change();
        let now = state.now();
        let template = JwtTemplate {
            id: state.issue_id("jtmp_"),
            name: String::new(),
            claims: serde_json::Map::new(),
            lifetime: 60,
            allowed_clock_skew: 5,
            own_key: None,
            created_at: now,
            updated_at: now,
        };
        keep(&mut state, template, &params)
    }

    /// Changes a template.
    ///
    /// # Errors
    /// As [`Self::create_template`], and [`Refusal::NotFound`].
    pub fn update_template(&self, id: &str, params: Value) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        let mut state = self.change();
        let mut template = find(&state, id)?.clone();
        template.updated_at = state.after(template.updated_at);
        keep(&mut state, template, &params)
    }

    /// The template.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn template(&self, id: &str) -> Result<Value, Refusal> {
        self.read(|state| find(state, id).map(JwtTemplate::shown))
    }

    /// Removes a template. Returns the deletion object.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn delete_template(&self, id: &str) -> Result<Value, Refusal> {
        let mut state = self.change();
        find(&state, id)?;
        state.registry.templates.remove(id);
        Ok(json!({ "object": "jwt_template", "id": id, "deleted": true }))
    }

    /// The template of this name. While the instance has none at all every name has one, without claims of its own
    /// (`None`), so that nobody must set up what his test does not look at.
    pub(super) fn template_named(&self, name: &str) -> Result<Option<JwtTemplate>, Refusal> {
        self.read(|state| {
            let mut templates = state.registry.templates.iter();
            match templates.find(|it| it.name == name) {
                Some(template) => Ok(Some(template.clone())),
                None if state.registry.templates.len() == 0 => Ok(None),
                None => Err(Refusal::NotFound {
                    kind: "jwt_template",
                    id: name.to_owned(),
                }),
            }
        })
    }

    /// What shortcodes can name in a token of this session.
    pub(super) fn facts(&self, session: &Session) -> Value {
        self.read(|state| facts(state, session))
    }
}

fn facts(state: &State, session: &Session) -> Value {
    let Ok(stored) = state.user(&session.user_id) else {
        return Value::Null;
    };
    let user = &stored.user;
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let full_name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let email = user.primary_email();
    let is_verified = user
        .email_addresses
        .iter()
        .find(|it| Some(it.email_address.as_str()) == email)
        .and_then(|it| it.verification.as_ref())
        .is_some_and(|it| it.status == "verified");
    let phone = user.phone_numbers.first().map(|it| &it.phone_number);
    let joined = state.roster.joined_by(&user.id);
    let organizations: serde_json::Map<String, Value> = joined
        .map(|it| (it.organization_id.clone(), it.role.as_str().into()))
        .collect();
    let active = session.last_active_organization_id.as_deref();
    let organization = active.and_then(|id| state.roster.organization(id));
    let membership = active.and_then(|id| state.roster.membership(id, &user.id));
    json!({
        "user": {
            "id": user.id, "external_id": user.external_id, "username": user.username,
            "first_name": user.first_name, "last_name": user.last_name,
            "full_name": (!full_name.is_empty()).then_some(full_name),
            "primary_email_address": email, "email_verified": is_verified,
            "primary_phone_number": phone, "phone_number_verified": phone.is_some(),
            "image_url": user.image_url, "has_image": user.has_image,
            "two_factor_enabled": user.two_factor_enabled,
            "created_at": user.created_at, "updated_at": user.updated_at,
            "last_sign_in_at": user.last_sign_in_at,
            "public_metadata": user.public_metadata, "unsafe_metadata": user.unsafe_metadata,
            "organizations": organizations,
        },
        "org": organization.map(|it| json!({
            "id": it.id, "name": it.name, "slug": it.slug, "image_url": it.image_url, "has_image": it.has_image,
            "public_metadata": it.public_metadata, "role": membership.map(|it| &it.role),
        })),
        "org_membership": membership.map(|it| json!({ "public_metadata": it.public_metadata })),
        "session": { "id": session.id, "actor": session.actor },
    })
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a JwtTemplate, Refusal> {
    state
        .registry
        .templates
        .get(id)
        .ok_or_else(|| Refusal::NotFound {
            kind: "jwt_template",
            id: id.to_owned(),
        })
}

fn keep(state: &mut State, mut template: JwtTemplate, params: &Params) -> Result<Value, Refusal> {
    if let Some(name) = params.text("name")?.flatten() {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        if !name.chars().all(is_plain) {
            return Err(invalid("name", "letters, digits, - and _"));
        }
        let mut others = state.registry.templates.iter();
        if others.any(|it| it.name == name && it.id != template.id) {
            return Err(Refusal::IdentifierTaken { param: "name" });
        }
        template.name = name;
    }
    if let Some(claims) = params.object("claims")? {
        if RESERVED.iter().any(|name| claims.contains_key(*name)) {
            return Err(invalid(
                "claims",
                "without the reserved azp, exp, iat, iss, jti, nbf and sub",
            ));
        }
        template.claims = claims;
    }
    if let Some(lifetime) = params.integer("lifetime")? {
        if !(30..=315_360_000).contains(&lifetime) {
            return Err(invalid("lifetime", "between 30 and 315360000"));
        }
        template.lifetime = lifetime;
    }
    if let Some(skew) = params.integer("allowed_clock_skew")? {
        if !(0..=300).contains(&skew) {
            return Err(invalid("allowed_clock_skew", "between 0 and 300"));
        }
        template.allowed_clock_skew = skew;
    }
    match params.flag("custom_signing_key")? {
        Some(true) => {
            let algorithm = params.required("signing_algorithm")?;
            let secret = params.required("signing_key")?;
            let expected = "a secret or a private key in PEM that fits signing_algorithm";
            let key = OwnKey::new(&algorithm, secret);
            template.own_key = Some(key.ok_or_else(|| invalid("signing_key", expected))?);
        }
        Some(false) => template.own_key = None,
        None => {}
    }
    let shown = template.shown();
    state.registry.templates.put(template);
    Ok(shown)
}
