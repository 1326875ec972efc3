//! Who did what to whom: the lines of the audit log. They hold ids, names of roles and tiers and the like, never
//! secrets and nothing of what makes a person.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::{ClerkId, ObjectKind};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, by Clerk's id.
    User(ClerkId),
    /// Clerk, by what it told.
    Clerk,
    /// This service by itself, or somebody at its command line.
    System,
}

impl Actor {
    /// The name in the log: a Clerk id, `clerk` or `system`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::Clerk => "clerk",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who does something, when and why: what every write that is audited is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Who acts.
    pub actor: Actor,
    /// Who acts as the actor, by Clerk's id, when somebody does.
    pub impersonator: Option<String>,
    /// The actor's own words, where there are any.
    pub reason: Option<String>,
    /// The request that it came with.
    pub request_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Attribution {
    /// The service by itself, without further words.
    #[must_use]
    pub fn system(at: DateTime<Utc>) -> Self {
        Self {
            actor: Actor::System,
            impersonator: None,
            reason: None,
            request_id: None,
            at,
        }
    }
}

macro_rules! audit_actions {
    ($($(#[$doc:meta])* $action:ident, $name:literal;)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction { $($(#[$doc])* $action,)* }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$action,)*];

            /// The name in the log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$action => $name,)* }
            }
        }
    };
}

audit_actions! {
    /// An admin gave a role.
    RoleSet, "user.role_set";
    /// An admin gave the role back to the rules.
    RoleCleared, "user.role_cleared";
    /// An admin gave a tier.
    TierSet, "user.tier_set";
    /// An admin gave the tier back to the rules.
    TierCleared, "user.tier_cleared";
    /// An account was closed here.
    Deactivated, "user.deactivated";
    /// It was opened again.
    Reactivated, "user.reactivated";
    /// Every token of a user issued until then was made invalid.
    TokensRevoked, "user.tokens_revoked";
    /// A session was ended here.
    SessionRevoked, "session.revoked";
    /// Somebody changed another's preferences.
    PreferencesChanged, "user.preferences_changed";
    /// A user whom Clerk has made anew took over a deleted one's row.
    Relinked, "user.relinked";
    /// A user was read anew from Clerk.
    Resynced, "user.resynced";
    /// What Clerk has of a user was written from here.
    WrittenBack, "user.written_back";
    /// What an admin had decided could not be written to Clerk.
    WriteBackFailed, "user.write_back_failed";
    /// What is held about a person was handed out.
    Exported, "user.exported";
    /// A person is to be forgotten.
    ErasureRequested, "user.erasure_requested";
    /// A person is not to be forgotten after all.
    ErasureCancelled, "user.erasure_cancelled";
    /// A person was forgotten.
    Erased, "user.erased";
    /// What Clerk told of a user names a role or tier that the policy does not have.
    FactRefused, "user.fact_refused";
    /// An invite was made.
    InviteCreated, "invite.created";
    /// An invite was taken back.
    InviteRevoked, "invite.revoked";
    /// A user gave a valid code.
    InviteRedeemed, "invite.redeemed";
    /// Somebody tried codes until there were no tries left.
    InviteGuessing, "invite.guessing";
    /// Somebody began to act as a user.
    Impersonated, "session.impersonated";
    /// Much of one kind that only attackers cause came at once.
    SecurityAlert, "security.alert";
    /// Somebody asked for a sweep.
    SweepRequested, "reconcile.requested";
    /// A stored delivery was applied again.
    DeliveryReplayed, "delivery.replayed";
    /// An admin made a row in another's workspace.
    WorkspaceCreated, "workspace.created";
    /// An admin changed another's row.
    WorkspaceChanged, "workspace.changed";
    /// An admin deleted another's row.
    WorkspaceDeleted, "workspace.deleted";
    /// An admin gave a row to a user.
    WorkspaceGiven, "workspace.given";
}

impl Serialize for AuditAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What an action was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditSubject {
    /// `user`, `session`, `invite`, `delivery`, …
    pub kind: String,
    /// Its id: Clerk's where it has one.
    pub id: String,
}

impl AuditSubject {
    /// A user.
    #[must_use]
    pub fn user(id: &ClerkId) -> Self {
        Self {
            kind: ObjectKind::User.as_str().to_owned(),
            id: id.to_string(),
        }
    }

    /// A session.
    #[must_use]
    pub fn session(id: &str) -> Self {
        Self {
            kind: ObjectKind::Session.as_str().to_owned(),
            id: id.to_string(),
        }
    }

    /// An invite.
    #[must_use]
    pub fn invite(id: Uuid) -> Self {
        Self {
            kind: "invite".to_owned(),
            id: id.to_string(),
        }
    }

    /// A row of the workspace, of a kind that [`crate::workspace::Resource::KIND`] names.
    #[must_use]
    pub fn owned(kind: &str, id: Uuid) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_string(),
        }
    }

    /// A line of the ledger.
    #[must_use]
    pub fn delivery(id: Uuid) -> Self {
        Self {
            kind: "delivery".to_owned(),
            id: id.to_string(),
        }
    }
}

/// Something that was done, to be written down.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// What.
    pub action: AuditAction,
    /// To what.
    pub subject: Option<AuditSubject>,
    /// What was changed, as it was. Holds no secrets.
    pub before: Option<Value>,
    /// What was changed, as it is. Holds no secrets.
    pub after: Option<Value>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Ours; grows with time.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// A Clerk id, `clerk` or `system`.
    pub actor: String,
    /// Who acted as the actor.
    pub impersonator: Option<String>,
    /// What, as [`AuditAction::as_str`] names it.
    pub action: String,
    /// To what.
    pub subject: Option<AuditSubject>,
    /// What was changed, as it was.
    pub before: Option<Value>,
    /// What was changed, as it became.
    pub after: Option<Value>,
    /// The actor's own words.
    pub reason: Option<String>,
    /// The request that it came with.
    pub request_id: Option<String>,
}

/// Which lines are wanted; all of those given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// By this actor or by this impersonator.
    pub actor: Option<String>,
    /// This action.
    pub action: Option<String>,
    /// To a subject of this kind.
    pub subject_kind: Option<String>,
    /// To the subject with this id.
    pub subject_id: Option<String>,
    /// At or after this time.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}
