//! Sign-in tokens of the Backend API, with which a page signs a user in without a form.

use serde_json::{Value, json};

use super::sessions::member_of;
use super::sign_ins::{known, new_sign_in};
use super::sign_ups::has_session;
use super::{Caller, Instance};
use crate::client::{SignIn, Ticket, TicketStatus};
use crate::denial::Denial;
use crate::ids;
use crate::params::{Params, invalid};
use crate::refusal::Refusal;

const MONTH_SECONDS: i64 = 2_592_000;

impl Ticket {
    /// Clerk's SignInToken object. The token itself is shown while it is good.
    fn shown(&self, frontend_api: &str) -> Value {
        let mut shown = json!({
            "object": "sign_in_token",
            "id": self.id,
            "user_id": self.user_id,
            "status": self.status,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        if let (TicketStatus::Pending, Some(members)) = (self.status, shown.as_object_mut()) {
            let url = format!("{frontend_api}/sign-in?__clerk_ticket={}", self.token);
            members.insert("token".to_owned(), self.token.as_str().into());
            members.insert("url".to_owned(), url.into());
        }
        shown
    }
}

impl Instance {
    /// Makes a sign-in token from the parameters of `POST /v1/sign_in_tokens`. It is good once, for a month unless
    /// told. Returns Clerk's SignInToken object.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for the user or an organization that he is not in, a lifetime below a second.
    pub fn create_sign_in_token(&self, params: Value) -> Result<Value, Refusal> {
        let params = Params::new(params)?;
        let user_id = params.required("user_id")?;
        let organization = params.text("org_id")?.flatten();
        let seconds = params
            .integer("expires_in_seconds")?
            .unwrap_or(MONTH_SECONDS);
        if seconds < 1 {
            return Err(invalid("expires_in_seconds", "one or more"));
        }
        let state = &mut *self.change();
        state.user(&user_id)?;
        let organization_id = organization
            .map(|id| member_of(state, &id, &user_id))
            .transpose()?;
        let now = state.now();
        let ticket = Ticket {
            id: state.issue_id("sit_"),
            user_id,
            organization_id,
            token: ids::random("ticket_"),
            status: TicketStatus::Pending,
            expires_at: now.saturating_add(seconds.saturating_mul(1_000)),
            created_at: now,
            updated_at: now,
        };
        let shown = ticket.shown(&self.frontend_api_url());
        state.browsers.add_ticket(ticket);
        Ok(shown)
    }

    /// Withdraws a sign-in token that was not used yet.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also for one that was used or revoked.
    pub fn revoke_sign_in_token(&self, id: &str) -> Result<Value, Refusal> {
        let state = &mut *self.change();
        let now = state.now();
        let held = state.browsers.tickets.get_mut(id);
        let pending = held.filter(|ticket| ticket.status == TicketStatus::Pending);
        let ticket = pending.ok_or_else(|| Refusal::NotFound {
            kind: "sign_in_token",
            id: id.to_owned(),
        })?;
        ticket.status = TicketStatus::Revoked;
        ticket.updated_at = now;
        Ok(ticket.shown(&self.frontend_api_url()))
    }

    /// Signs in with a ticket: a sign-in token of the Backend API, or the one of an invitation to an organization,
    /// which its addressee so accepts.
    ///
    /// # Errors
    /// [`Denial::SessionExists`], the ways in which a ticket can be wrong, a user who is banned.
    pub(crate) fn sign_in_by_ticket(
        &self,
        client_id: &str,
        token: &str,
        caller: &Caller,
    ) -> Result<SignIn, Denial> {
        let single = self.frontend_settings().single_session;
        let state = &mut *self.change();
        if single && has_session(state, client_id) {
            return Err(Denial::SessionExists);
        }
        if token.starts_with("orginv_") {
            let pending = super::invitations::pending(state, token);
            let invitation = pending.map_err(|_| Denial::TicketInvalid)?;
            let owner = known(state, &invitation.email_address)?.user.id.clone();
            let organization = self.accept_as(state, &invitation.id, &owner, caller)?;
            let sign_in = new_sign_in(state, None, Some(owner));
            let active = Some(organization.as_str());
            return self.complete(state, client_id, sign_in, active, "ticket", caller);
        }
        let now = state.now();
        let found = state.browsers.tickets.iter().find(|it| it.token == token);
        let ticket = found.cloned().ok_or(Denial::TicketInvalid)?;
        match ticket.status {
            TicketStatus::Pending if ticket.expires_at > now => {}
            TicketStatus::Pending => return Err(Denial::TicketExpired),
            TicketStatus::Accepted => return Err(Denial::TicketUsed),
            TicketStatus::Revoked => return Err(Denial::TicketRevoked),
        }
        let sign_in = new_sign_in(state, None, Some(ticket.user_id));
        let organization = ticket.organization_id.as_deref();
        let done = self.complete(state, client_id, sign_in, organization, "ticket", caller)?;
        if let Some(ticket) = state.browsers.tickets.get_mut(&ticket.id) {
            ticket.status = TicketStatus::Accepted;
            ticket.updated_at = now;
        }
        Ok(done)
    }
}
