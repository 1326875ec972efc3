//! The user, in the shape of the Backend API. Every field is always sent, null where empty: the Python and Rust
//! clients parse nothing less.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::collection::Keyed;
use crate::password::PasswordDigest;

/// Clerk's User object. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the Backend API's, documented there"
)]
pub struct User {
    pub id: String,
    pub object: String,
    pub external_id: Option<String>,
    pub primary_email_address_id: Option<String>,
    pub primary_phone_number_id: Option<String>,
    pub primary_web3_wallet_id: Option<String>,
    pub username: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub locale: Option<String>,
    pub profile_image_url: String,
    pub image_url: String,
    pub has_image: bool,
    pub public_metadata: Map<String, Value>,
    pub private_metadata: Map<String, Value>,
    pub unsafe_metadata: Map<String, Value>,
    pub email_addresses: Vec<EmailAddress>,
    pub phone_numbers: Vec<PhoneNumber>,
    pub web3_wallets: Vec<Value>,
    pub passkeys: Vec<Value>,
    pub password_enabled: bool,
    pub two_factor_enabled: bool,
    pub totp_enabled: bool,
    pub backup_code_enabled: bool,
    pub mfa_enabled_at: Option<i64>,
    pub mfa_disabled_at: Option<i64>,
    pub external_accounts: Vec<Value>,
    pub saml_accounts: Vec<Value>,
    pub enterprise_accounts: Vec<Value>,
    pub last_sign_in_at: Option<i64>,
    pub banned: bool,
    pub locked: bool,
    pub lockout_expires_in_seconds: Option<i64>,
    pub verification_attempts_remaining: Option<i64>,
    pub updated_at: i64,
    pub created_at: i64,
    pub delete_self_enabled: bool,
    pub create_organization_enabled: bool,
    pub create_organizations_limit: Option<i64>,
    pub last_active_at: Option<i64>,
    pub legal_accepted_at: Option<i64>,
}

/// Clerk's EmailAddress object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the Backend API's, documented there"
)]
pub struct EmailAddress {
    pub id: String,
    pub object: String,
    pub email_address: String,
    pub reserved: bool,
    pub verification: Option<Verification>,
    pub linked_to: Vec<Value>,
    pub matches_sso_connection: bool,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Clerk's PhoneNumber object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the Backend API's, documented there"
)]
pub struct PhoneNumber {
    pub id: String,
    pub object: String,
    pub phone_number: String,
    pub reserved_for_second_factor: bool,
    pub default_second_factor: bool,
    pub reserved: bool,
    pub verification: Option<Verification>,
    pub linked_to: Vec<Value>,
    pub backup_codes: Option<Vec<String>>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// How an address was verified. `object` is a tag that strict clients reject when they do not know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the Backend API's, documented there"
)]
pub struct Verification {
    pub object: String,
    pub status: String,
    pub strategy: String,
    pub attempts: Option<i64>,
    pub expire_at: Option<i64>,
}

impl Verification {
    /// What an address has that was made over the Backend API.
    pub(crate) fn by_admin() -> Self {
        Self {
            object: "verification_admin".to_owned(),
            status: "verified".to_owned(),
            strategy: "admin".to_owned(),
            attempts: None,
            expire_at: None,
        }
    }

    /// What an address has whose code was entered at this attempt.
    pub(crate) fn by_code(attempts: i64) -> Self {
        Self {
            status: "verified".to_owned(),
            attempts: Some(attempts),
            ..Self::awaited()
        }
    }

    /// What an address has that a provider of social sign-in vouches for.
    pub(crate) fn by_provider(strategy: &str) -> Self {
        Self {
            object: "verification_from_oauth".to_owned(),
            strategy: format!("from_{strategy}"),
            ..Self::by_admin()
        }
    }

    /// What an address has that an invitation was sent to.
    pub(crate) fn by_ticket() -> Self {
        Self {
            object: "verification_ticket".to_owned(),
            strategy: "ticket".to_owned(),
            ..Self::by_admin()
        }
    }

    /// What an address has whose code nobody has entered yet.
    pub(crate) fn awaited() -> Self {
        Self {
            object: "verification_otp".to_owned(),
            status: "unverified".to_owned(),
            strategy: "email_code".to_owned(),
            attempts: Some(0),
            expire_at: None,
        }
    }
}

impl User {
    /// A user with nothing but an id and a time.
    pub(crate) fn new(id: String, now: i64) -> Self {
        Self {
            id,
            object: "user".to_owned(),
            external_id: None,
            primary_email_address_id: None,
            primary_phone_number_id: None,
            primary_web3_wallet_id: None,
            username: None,
            first_name: None,
            last_name: None,
            locale: None,
            // Where the picture is depends on where the emulator is: `State::put_user` says it.
            profile_image_url: String::new(),
            image_url: String::new(),
            has_image: false,
            public_metadata: Map::new(),
            private_metadata: Map::new(),
            unsafe_metadata: Map::new(),
            email_addresses: Vec::new(),
            phone_numbers: Vec::new(),
            web3_wallets: Vec::new(),
            passkeys: Vec::new(),
            password_enabled: false,
            two_factor_enabled: false,
            totp_enabled: false,
            backup_code_enabled: false,
            mfa_enabled_at: None,
            mfa_disabled_at: None,
            external_accounts: Vec::new(),
            saml_accounts: Vec::new(),
            enterprise_accounts: Vec::new(),
            last_sign_in_at: None,
            banned: false,
            locked: false,
            lockout_expires_in_seconds: None,
            verification_attempts_remaining: Some(100),
            updated_at: now,
            created_at: now,
            delete_self_enabled: true,
            create_organization_enabled: true,
            create_organizations_limit: None,
            last_active_at: None,
            legal_accepted_at: None,
        }
    }

    /// The primary e-mail address, found by its id as Clerk means it, not by its place in the list.
    #[must_use]
    pub fn primary_email(&self) -> Option<&str> {
        let primary = self.primary_email_address_id.as_deref()?;
        self.email_addresses
            .iter()
            .find(|address| address.id == primary)
            .map(|address| address.email_address.as_str())
    }

    /// What other objects show of this user, as Clerk's `public_user_data`.
    pub(crate) fn public_data(&self) -> Value {
        let identifier = self.primary_email().or(self.username.as_deref());
        json!({
            "user_id": self.id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "profile_image_url": self.profile_image_url,
            "image_url": self.image_url,
            "has_image": self.has_image,
            "identifier": identifier,
            "username": self.username,
            "banned": self.banned,
        })
    }

    /// Everything that no two users share, as the pairs that the index of identifiers holds.
    pub(crate) fn identifiers(&self) -> Vec<Identifier> {
        let emails = self
            .email_addresses
            .iter()
            .map(|it| Identifier::email(&it.email_address));
        let phones = self
            .phone_numbers
            .iter()
            .map(|it| Identifier::new("phone_number", &it.phone_number));
        let username = self
            .username
            .iter()
            .map(|it| Identifier::new("username", it));
        let external = self
            .external_id
            .iter()
            .map(|it| Identifier::new("external_id", it));
        emails
            .chain(phones)
            .chain(username)
            .chain(external)
            .collect()
    }
}

/// A parameter and its value, e-mail addresses and user names in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identifier {
    pub(crate) param: &'static str,
    value: String,
}

impl Identifier {
    pub(crate) fn new(param: &'static str, value: &str) -> Self {
        let value = if param == "external_id" {
            value.to_owned()
        } else {
            value.to_lowercase()
        };
        Self { param, value }
    }

    pub(crate) fn email(address: &str) -> Self {
        Self::new("email_address", address)
    }
}

/// Whether the text has the form of an e-mail address.
pub(crate) fn is_email_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    })
}

/// A user and what never leaves the emulator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredUser {
    pub(crate) user: User,
    pub(crate) password: Option<PasswordDigest>,
}

impl Keyed for StoredUser {
    fn key(&self) -> &str {
        &self.user.id
    }
}
