//! What the database is told of who acts, and how the service proves that an admin does.
//!
//! On PostgreSQL, policies let an admin see everybody's rows when a setting holds a proof. The proof is made of the
//! application role's name and password, so that whoever connects as that role has it and nobody has to keep a further
//! secret; the database knows its digest alone, in a table that only the owner reads. So no setting that somebody guesses,
//! reads or copies out of the database makes him an admin. See `docs/decisions/0075-row-level-security.md`.

use domain::workspace::Scope;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// What proves that the service acts for an admin.
pub(crate) struct AdminProof(SecretString);

impl AdminProof {
    /// The proof of a role that signs in with a password. Without one there is nothing that others do not know.
    pub(crate) fn of(role: &str, password: &[u8]) -> Option<Self> {
        if password.is_empty() {
            return None;
        }
        let mut hash = Sha256::new();
        hash.update(b"clerk-sync admin proof\0");
        hash.update(role.as_bytes());
        hash.update(b"\0");
        hash.update(password);
        Some(Self(hexadecimal(&hash.finalize()).into()))
    }

    /// A proof that holds for as long as a transaction does which makes it known and forgets it again.
    pub(crate) fn once(secret: &[u8]) -> Self {
        Self(hexadecimal(&Sha256::digest(secret)).into())
    }

    /// The proof itself.
    pub(crate) fn text(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the database keeps of it.
    pub(crate) fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.0.expose_secret().as_bytes()).to_vec()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What one transaction is told. It holds a secret, and is never shown.
pub(crate) struct Told {
    /// `app.current_user_id`.
    pub(crate) user_id: String,
    /// `app.current_org_id`.
    pub(crate) organization_id: String,
    /// `app.admin_proof`.
    pub(crate) admin_proof: String,
    /// `request.jwt.claims`.
    pub(crate) claims: String,
}

impl Told {
    /// Everything is always told, so that nothing of another's is left.
    pub(crate) fn of(scope: &Scope, proof: Option<&AdminProof>) -> Self {
        let proof = proof.filter(|_| scope.is_admin);
        Self {
            user_id: scope.user_id.hyphenated().to_string(),
            organization_id: scope
                .organization_id
                .as_deref()
                .unwrap_or_default()
                .replace('\0', ""),
            admin_proof: proof.map_or_else(String::new, |proof| proof.text().to_owned()),
            claims: scope.claims.to_string(),
        }
    }
}

/// Why row-level security does not hold for the role that the service connects as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowSecurityProblem {
    /// PostgreSQL asks no policy for a superuser.
    #[error(
        "the role {role} in DATABASE_URL is a superuser, whom no row-level security binds: create a role of its own for \
         the service (create role clerk_sync_app login password '…') and name it in DATABASE_URL; migrations may run as \
         {role}, in DATABASE_MIGRATION_URL"
    )]
    Superuser {
        /// The role.
        role: String,
    },
    /// The role has the attribute by which policies are passed over.
    #[error(
        "the role {role} in DATABASE_URL has BYPASSRLS, so that no row-level security binds it: \
         alter role \"{role}\" nobypassrls"
    )]
    Bypasses {
        /// The role.
        role: String,
    },
    /// The role is in the group that sees everybody's rows.
    #[error(
        "the role {role} in DATABASE_URL is a member of clerk_sync_admin, which sees everybody's rows: \
         revoke clerk_sync_admin from \"{role}\""
    )]
    Admin {
        /// The role.
        role: String,
    },
    /// Somebody has taken the policies away.
    #[error(
        "row-level security is off for {}: alter table … enable row level security, and force row level security",
        tables.join(", ")
    )]
    Unprotected {
        /// The tables.
        tables: Vec<String>,
    },
    /// The digest of the role's password is not the one that the database knows, or there is no password.
    #[error(
        "admins see no rows but their own: the database does not know the password of the role {role} in DATABASE_URL as \
         that of the service. Run `clerk-sync migrate up` with this DATABASE_URL, and with a password in it"
    )]
    NoAdmins {
        /// The role.
        role: String,
    },
}

impl RowSecurityProblem {
    /// Whether rows are open to whom they do not belong to: a reason not to start outside development.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::NoAdmins { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_role_and_one_password() {
        let digest = |role: &str, password: &[u8]| AdminProof::of(role, password).unwrap().digest();
        let one = digest("app", b"secret");
        assert_eq!(one, digest("app", b"secret"));
        for (role, password) in [
            ("app", &b"Secret"[..]),
            ("other", b"secret"),
            ("appse", b"cret"),
        ] {
            assert_ne!(one, digest(role, password));
        }
        assert!(AdminProof::of("app", b"").is_none());
    }
}
