//! Roles and permissions of organizations, as the Backend API lists them. They are not kept: the two that every
//! instance has, and whatever else memberships and invitations name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::organization::{self, ADMIN, MEMBER};
use crate::state::{SEEDED_START_MS, State};

/// A role's key, such as `org:admin`; its id follows from it.
pub(crate) struct Role(pub(crate) String);

/// A permission's key, such as `org:sys_profile:manage`.
pub(crate) struct Permission(pub(crate) &'static str);

impl Role {
    /// All roles there are: the two of Clerk, then those in use.
    pub(crate) fn all(state: &State) -> Vec<Self> {
        let members = state.roster.memberships().iter().map(|it| &it.role);
        let invited = state.roster.invitations().iter().map(|it| &it.role);
        let used: BTreeSet<&String> = members.chain(invited).collect();
        let own = [ADMIN, MEMBER].map(str::to_owned);
        let others = used.into_iter().filter(|key| !own.contains(key)).cloned();
        own.clone().into_iter().chain(others).map(Self).collect()
    }

    pub(crate) fn id(&self) -> String {
        format!("role_{}", self.bare())
    }

    pub(crate) fn name(&self) -> String {
        organization::role_name(&self.0)
    }

    fn bare(&self) -> &str {
        self.0.strip_prefix("org:").unwrap_or(&self.0)
    }

    /// Clerk's Role object.
    pub(crate) fn shown(&self) -> Value {
        let permissions = organization::permissions(&self.0).iter();
        json!({
            "object": "role",
            "id": self.id(),
            "name": self.name(),
            "key": self.0,
            "description": null,
            "is_creator_eligible": self.0 == ADMIN,
            "permissions": permissions.map(|key| Permission(key).shown()).collect::<Vec<_>>(),
            "created_at": SEEDED_START_MS,
            "updated_at": SEEDED_START_MS,
        })
    }
}

impl Permission {
    /// Clerk's own. An admin has all of them.
    pub(crate) fn all() -> Vec<Self> {
        let keys = organization::permissions(ADMIN).iter();
        keys.map(|key| Self(key)).collect()
    }

    pub(crate) fn id(&self) -> String {
        let bare = self.0.strip_prefix("org:").unwrap_or(self.0);
        format!("perm_{}", bare.replace(':', "_"))
    }

    /// `org:sys_profile:manage` is named `Manage profile`.
    pub(crate) fn name(&self) -> String {
        let bare = self.0.trim_start_matches("org:").trim_start_matches("sys_");
        let (of, verb) = bare.split_once(':').unwrap_or((bare, "use"));
        let mut letters = verb.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        let name = first.into_iter().chain(letters).collect::<String>();
        format!("{name} {of}")
    }

    /// Clerk's Permission object.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "object": "permission",
            "id": self.id(),
            "name": self.name(),
            "key": self.0,
            "description": self.name(),
            "type": "system",
            "created_at": SEEDED_START_MS,
            "updated_at": SEEDED_START_MS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_follow_from_keys() {
        assert_eq!(Role("org:night_guard".to_owned()).id(), "role_night_guard");
        let permission = Permission("org:sys_profile:manage");
        assert_eq!(permission.id(), "perm_sys_profile_manage");
        assert_eq!(permission.name(), "Manage profile");
    }

    #[test]
    fn every_instance_has_two_roles() {
        let keys: Vec<_> = Role::all(&State::empty(None))
            .into_iter()
            .map(|it| it.0)
            .collect();
        assert_eq!(keys, [ADMIN, MEMBER]);
    }
}
