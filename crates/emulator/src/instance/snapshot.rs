//! The whole state in one document, written without building it first: a large instance has gigabytes of it.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::{domains, invitations, memberships};
use crate::state::State;

/// The state of a moment.
pub(crate) struct Snapshot<'a> {
    pub(super) state: &'a State,
    pub(super) webhook_url: Option<String>,
    pub(super) deliveries_pending: usize,
}

/// A list that is made while it is written.
struct Listed<F>(F);

impl<F, I> Serialize for Listed<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

impl Serialize for Snapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            state,
            webhook_url,
            deliveries_pending,
        } = self;
        let roster = &state.roster;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("instance_id", crate::INSTANCE_ID)?;
        map.serialize_entry("issuer", crate::ISSUER)?;
        map.serialize_entry("webhook_url", webhook_url)?;
        map.serialize_entry("deliveries_pending", deliveries_pending)?;
        let users = || state.users.iter().map(|stored| &stored.user);
        map.serialize_entry("users", &Listed(users))?;
        map.serialize_entry("sessions", &state.sessions)?;
        let organizations = || roster.organizations().iter().map(|it| roster.counted(it));
        map.serialize_entry("organizations", &Listed(organizations))?;
        let joined = || {
            let memberships = roster.memberships().iter();
            memberships.map(|it| memberships::shown(state, it))
        };
        map.serialize_entry("organization_memberships", &Listed(joined))?;
        let invited = || {
            let invitations = roster.invitations().iter();
            invitations.map(|it| invitations::shown(state, it))
        };
        map.serialize_entry("organization_invitations", &Listed(invited))?;
        let domains = || {
            state
                .registry
                .domains
                .iter()
                .map(|it| domains::shown(state, it))
        };
        map.serialize_entry("organization_domains", &Listed(domains))?;
        let asked = || state.registry.invitations.iter().map(|it| it.shown());
        map.serialize_entry("invitations", &Listed(asked))?;
        let registry = &state.registry;
        let waiting = || registry.waitlist.iter().map(|it| it.shown(registry));
        map.serialize_entry("waitlist_entries", &Listed(waiting))?;
        let templates = || registry.templates.iter().map(|it| it.shown());
        map.serialize_entry("jwt_templates", &Listed(templates))?;
        let plans = || state.billing.plans.iter().map(|plan| plan.shown());
        map.serialize_entry("plans", &Listed(plans))?;
        let subscribed = || {
            let subscriptions = state.billing.subscriptions.iter();
            subscriptions.map(|it| it.shown(state))
        };
        map.serialize_entry("subscriptions", &Listed(subscribed))?;
        map.end()
    }
}
