//! Social sign-in. The emulator is the provider too: its page asks who one is, and believes it.

use serde_json::json;

use super::sign_ins::{self, admitted, new_sign_in};
use super::sign_ups::{self, has_session, new_sign_up};
use super::{Caller, Instance};
use crate::client::{Awaited, CODE_LIFETIME_MS, External, Person, SignIn, SignUp};
use crate::denial::Denial;
use crate::ids;
use crate::state::State;
use crate::user::{EmailAddress, User, Verification, is_email_address};

/// Where a page wants to be sent after the provider's: when something is left to do, and when nothing is.
pub(crate) struct Ways {
    pub(crate) redirect_url: String,
    pub(crate) complete_url: String,
}

impl Instance {
    /// Begins a sign-in that a provider answers.
    ///
    /// # Errors
    /// [`Denial::StrategyInvalid`] for a provider that the instance does not have, [`Denial::SessionExists`].
    pub(crate) fn begin_social_sign_in(
        &self,
        client_id: &str,
        strategy: &str,
        ways: Ways,
    ) -> Result<SignIn, Denial> {
        let state = &mut *self.change();
        let external = self.new_visit(state, client_id, strategy, ways)?;
        let mut sign_in = new_sign_in(state, None, None);
        sign_in.external = Some(external);
        sign_ins::keep(state, client_id, &sign_in);
        Ok(sign_in)
    }

    /// Begins a sign-up that a provider answers.
    ///
    /// # Errors
    /// As [`Self::begin_social_sign_in`], and [`Denial::SignUpRestricted`].
    pub(crate) fn begin_social_sign_up(
        &self,
        client_id: &str,
        strategy: &str,
        ways: Ways,
    ) -> Result<SignUp, Denial> {
        if !self.frontend_settings().sign_up {
            return Err(Denial::SignUpRestricted);
        }
        let state = &mut *self.change();
        let external = self.new_visit(state, client_id, strategy, ways)?;
        let mut sign_up = new_sign_up(state);
        sign_up.external = Some(external);
        sign_ups::keep(state, client_id, &sign_up);
        Ok(sign_up)
    }

    fn new_visit(
        &self,
        state: &mut State,
        client_id: &str,
        strategy: &str,
        ways: Ways,
    ) -> Result<External, Denial> {
        let settings = self.frontend_settings();
        let provider = strategy.strip_prefix("oauth_");
        if !provider.is_some_and(|name| settings.social.iter().any(|own| own == name)) {
            return Err(Denial::StrategyInvalid);
        }
        if settings.single_session && has_session(state, client_id) {
            return Err(Denial::SessionExists);
        }
        Ok(External {
            state: ids::random(""),
            strategy: strategy.to_owned(),
            redirect_url: ways.redirect_url,
            complete_url: ways.complete_url,
            person: None,
            expire_at: state.now().saturating_add(CODE_LIFETIME_MS),
        })
    }

    /// The visit that a provider's page was opened with, unless it is answered or over.
    pub(crate) fn visit(&self, visit: &str) -> Option<External> {
        self.read(|state| find(state, visit).map(|(_, external)| external))
    }

    /// The provider's answer. Whoever is known is signed in, or signed up if that was begun with a new address. Gives
    /// where to go.
    ///
    /// # Errors
    /// [`Denial::TicketInvalid`] for a visit that is over, a malformed address, a user who is banned or locked.
    pub(crate) fn answer_visit(
        &self,
        visit: &str,
        person: Person,
        caller: &Caller,
    ) -> Result<String, Denial> {
        if !is_email_address(&person.email_address) {
            return Err(crate::params::invalid("email_address", "a valid e-mail address").into());
        }
        let state = &mut *self.change();
        let (client_id, mut external) = find(state, visit).ok_or(Denial::TicketInvalid)?;
        let known = state.owner_of(&person.email_address);
        let known = known.map(|stored| stored.user.id.clone());
        external.person = Some(person);
        let (sign_up, sign_in) = match state.browsers.clients.get(&client_id) {
            Some(client) => (client.sign_up.clone(), client.sign_in.clone()),
            None => return Err(Denial::TicketInvalid),
        };
        let is_of = |own: Option<&External>| own.is_some_and(|own| own.state == external.state);
        match (sign_up, sign_in, known) {
            (_, Some(mut sign_in), Some(user_id)) if is_of(sign_in.external.as_ref()) => {
                sign_in.external = Some(external.clone());
                self.be_known(state, &client_id, sign_in, &user_id, caller)?;
                Ok(external.complete_url)
            }
            (_, Some(mut sign_in), None) if is_of(sign_in.external.as_ref()) => {
                sign_in.external = Some(external.clone());
                sign_ins::keep(state, &client_id, &sign_in);
                Ok(external.redirect_url)
            }
            (Some(mut sign_up), _, None) => {
                take(&mut sign_up, &external);
                let done = self.settle_sign_up(state, &client_id, sign_up, caller)?;
                Ok(match done.created_user_id {
                    Some(_) => external.complete_url,
                    None => external.redirect_url,
                })
            }
            (Some(mut sign_up), _, Some(_)) => {
                sign_up.external = Some(external.clone());
                sign_ups::keep(state, &client_id, &sign_up);
                Ok(external.redirect_url)
            }
            _ => Err(Denial::TicketInvalid),
        }
    }

    /// Makes a sign-up of a sign-in whose person turned out to be new.
    ///
    /// # Errors
    /// [`Denial::VerificationMissing`] when there is none, and what a sign-up can be refused for.
    pub(crate) fn transfer_to_sign_up(
        &self,
        client_id: &str,
        caller: &Caller,
    ) -> Result<SignUp, Denial> {
        if !self.frontend_settings().sign_up {
            return Err(Denial::SignUpRestricted);
        }
        let state = &mut *self.change();
        let client = state.browsers.clients.get_mut(client_id);
        let client = client.ok_or(Denial::VerificationMissing)?;
        let external = client.sign_in.as_ref().and_then(|it| it.external.clone());
        let external = external.filter(|it| it.person.is_some());
        let external = external.ok_or(Denial::VerificationMissing)?;
        client.sign_in = None;
        let mut sign_up = new_sign_up(state);
        take(&mut sign_up, &external);
        self.settle_sign_up(state, client_id, sign_up, caller)
    }

    /// Makes a sign-in of a sign-up whose person turned out to be known.
    ///
    /// # Errors
    /// [`Denial::VerificationMissing`] when there is none, a user who is banned or locked.
    pub(crate) fn transfer_to_sign_in(
        &self,
        client_id: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        let state = &mut *self.change();
        let client = state.browsers.clients.get_mut(client_id);
        let client = client.ok_or(Denial::VerificationMissing)?;
        let external = client.sign_up.as_ref().and_then(|it| it.external.clone());
        let external = external.ok_or(Denial::VerificationMissing)?;
        client.sign_up = None;
        let address = external.person.as_ref().map(|it| it.email_address.clone());
        let address = address.ok_or(Denial::VerificationMissing)?;
        let known = state.owner_of(&address).ok_or(Denial::IdentifierUnknown)?;
        let user_id = known.user.id.clone();
        let mut sign_in = new_sign_in(state, None, None);
        sign_in.external = Some(external);
        self.be_known(state, client_id, sign_in, &user_id, caller)
    }

    /// Signs a known user in and gives him the account at the provider, if he does not have it.
    fn be_known(
        &self,
        state: &mut State,
        client_id: &str,
        mut sign_in: SignIn,
        user_id: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        self.check_room(state, client_id)?;
        let mut stored = admitted(state.user(user_id)?)?.clone();
        sign_in.user_id = Some(user_id.to_owned());
        let strategy = sign_in.external.as_ref().map(|it| it.strategy.clone());
        let strategy = strategy.unwrap_or_default();
        let linked = stored.user.external_accounts.iter();
        let is_linked = linked
            .filter_map(|account| account.get("provider"))
            .any(|provider| *provider == strategy.as_str());
        if let (Some(external), false) = (&sign_in.external, is_linked) {
            let now = state.now();
            let address = external.person.as_ref().map(|it| it.email_address.clone());
            let user = &mut stored.user;
            let place = user.email_addresses.iter().position(|own| {
                address
                    .as_ref()
                    .is_some_and(|it| own.email_address.eq_ignore_ascii_case(it))
            });
            if let Some(place) = place {
                let mut email = user.email_addresses.remove(place);
                link(state, user, &mut email, external, now);
                user.email_addresses.insert(place, email);
            }
            state.put_user(stored)?;
        }
        self.complete(state, client_id, sign_in, None, &strategy, caller)
    }
}

/// Gives a new user, or one who is signed in this way for the first time, his account at the provider.
pub(super) fn link(
    state: &mut State,
    user: &mut User,
    email: &mut EmailAddress,
    external: &External,
    now: i64,
) {
    let Some(person) = &external.person else {
        return;
    };
    let identification = state.issue_id("idn_");
    let is_open = email
        .verification
        .as_ref()
        .is_none_or(|it| it.status != "verified");
    if is_open || user.created_at == now {
        email.verification = Some(Verification::by_provider(&external.strategy));
    }
    email
        .linked_to
        .push(json!({ "id": identification, "type": external.strategy }));
    user.external_accounts.push(json!({
        "object": "external_account",
        "id": state.issue_id("eac_"),
        "provider": external.strategy,
        "identification_id": identification,
        "provider_user_id": identification,
        "approved_scopes": "email openid profile",
        "email_address": person.email_address,
        "first_name": person.first_name.clone().unwrap_or_default(),
        "last_name": person.last_name.clone().unwrap_or_default(),
        "avatar_url": "",
        "image_url": "",
        "username": null,
        "phone_number": null,
        "public_metadata": {},
        "label": null,
        "created_at": now,
        "updated_at": now,
        "verification": {
            "object": "verification_oauth", "status": "verified", "strategy": external.strategy, "attempts": null,
            "expire_at": external.expire_at,
        },
    }));
}

/// What the provider says counts as said and proven.
fn take(sign_up: &mut SignUp, external: &External) {
    if let Some(person) = external.person.clone() {
        let mut proven = Awaited::new(&external.strategy, &person.email_address, 0);
        proven.verified = true;
        sign_up.email_code = Some(proven);
        sign_up.email_address = Some(person.email_address);
        sign_up.first_name = person.first_name;
        sign_up.last_name = person.last_name;
    }
    sign_up.external = Some(external.clone());
}

/// The open visit of this state, and whose it is.
fn find(state: &State, visit: &str) -> Option<(String, External)> {
    let now = state.last_ms();
    let open = |external: Option<&External>| {
        let external = external?;
        let fits = external.state == visit && external.person.is_none() && external.expire_at > now;
        fits.then(|| external.clone())
    };
    state.browsers.clients.iter().find_map(|client| {
        let in_sign_in = open(client.sign_in.as_ref().and_then(|it| it.external.as_ref()));
        let in_sign_up = || open(client.sign_up.as_ref().and_then(|it| it.external.as_ref()));
        let external = in_sign_in.or_else(in_sign_up)?;
        Some((client.id.clone(), external))
    })
}
