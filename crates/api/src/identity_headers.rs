//! Who the caller is, as headers that a proxy hands on to what stands behind it.
//!
//! Every header is sent on every success, empty where there is nothing to say: a proxy that copies them by name then
//! overwrites whatever the client sent under that name.

use domain::{Entitlements, User};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The longest value that is sent, in bytes as written. A longer one is left empty: cut, it might be another's.
const MAX_VALUE: usize = 1024;

/// Every name, in the order in which they are documented.
pub(crate) const NAMES: [HeaderName; 10] = [
    HeaderName::from_static("x-user-id"),
    HeaderName::from_static("x-clerk-user-id"),
    HeaderName::from_static("x-user-email"),
    HeaderName::from_static("x-user-role"),
    HeaderName::from_static("x-user-tier"),
    HeaderName::from_static("x-session-id"),
    HeaderName::from_static("x-org-id"),
    HeaderName::from_static("x-org-slug"),
    HeaderName::from_static("x-org-role"),
    HeaderName::from_static("x-actor-id"),
];

/// What is said of a caller.
pub(crate) struct Identity<'a> {
    /// The row.
    pub(crate) user: &'a User,
    /// Role and tier in force.
    pub(crate) entitlements: &'a Entitlements,
    /// Clerk's session, where there is one.
    pub(crate) session_id: Option<&'a str>,
    /// The active organization, where there is one.
    pub(crate) organization: Option<&'a auth::ActiveOrganization>,
    /// Who acts in the user's name; `Some` and empty when somebody does who cannot be named.
    pub(crate) actor: Option<&'a auth::Actor>,
}

impl Identity<'_> {
    /// Sets every header.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let id = self.user.id.to_string();
        // An address that nobody has proven to own must not become an identity behind the proxy.
        let email = self.user.email.as_deref();
        let email = email.filter(|_| self.user.email_verified);
        let organization = self.organization;
        let actor = self
            .actor
            .map(|actor| actor.subject.as_deref().unwrap_or("unknown"));
        let values = [
            Some(id.as_str()),
            Some(self.user.clerk_user_id.as_str()),
            email,
            Some(self.entitlements.role.as_str()),
            Some(self.entitlements.tier.as_str()),
            self.session_id,
            organization.map(|organization| organization.id.as_str()),
            organization.and_then(|organization| organization.slug.as_deref()),
            organization.and_then(|organization| organization.role.as_deref()),
            actor,
        ];
        for (name, value) in NAMES.into_iter().zip(values) {
            headers.insert(name, fit(value.unwrap_or_default()));
        }
    }
}

/// The text as visible ASCII. Everything else, and what gives a header's value a structure, is percent-encoded as UTF-8,
/// the percent sign too: two texts never become one.
fn fit(text: &str) -> HeaderValue {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'%' | b',' | b';' | b'"' | b'\\') {
            written.push(char::from(byte));
        } else {
            let digit = |half: u8| {
                char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase())
            };
            written.push('%');
            written.extend([digit(byte >> 4), digit(byte & 15)].into_iter().flatten());
        }
    }
    if written.len() > MAX_VALUE {
        written.clear();
    }
    HeaderValue::from_str(&written).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_fit_for_a_header_and_stay_apart() {
        for (text, expected) in [
            ("", ""),
            ("ann+x@example.com", "ann+x@example.com"),
            ("org:admin", "org:admin"),
            ("a b", "a%20b"),
            ("a\r\nX-User-Role: admin", "a%0D%0AX-User-Role:%20admin"),
            ("ann%40b", "ann%2540b"),
            ("é", "%C3%A9"),
            ("%C3%A9", "%25C3%25A9"),
            ("a,b;c\"\\", "a%2Cb%3Bc%22%5C"),
            ("\0\u{7f}", "%00%7F"),
        ] {
            assert_eq!(fit(text), expected, "{text:?}");
        }
        assert_eq!(fit(&"a".repeat(MAX_VALUE)).len(), MAX_VALUE);
        assert_eq!(fit(&"a".repeat(MAX_VALUE + 1)), "");
    }
}
