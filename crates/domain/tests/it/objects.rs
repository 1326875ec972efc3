//! Objects as Clerk tells of them.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    ClerkId, EmailAddress, Listing, MembershipProfile, MembershipWrite, OrganizationProfile,
    OrganizationWrite, Precedence, Step, UserProfile, UserWrite, Write,
};
use serde_json::{Map, Value};

/// When every test plays.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_716_883_200, 0).unwrap()
}

/// Versions are minutes, so that the clock is far ahead of all of them.
pub(crate) fn time_of(version: i64) -> DateTime<Utc> {
    now() - TimeDelta::days(30) + TimeDelta::minutes(version)
}

pub(crate) fn id(text: &str) -> ClerkId {
    ClerkId::parse(text).unwrap()
}

pub(crate) fn name_of(listing: Listing, number: u32) -> String {
    let prefix = match listing {
        Listing::Users => "user",
        Listing::Organizations => "org",
        Listing::Memberships => "orgmem",
    };
    format!("{prefix}_{number:06}")
}

/// The place of an object in a listing.
pub(crate) fn listed(version: i64) -> Precedence {
    Precedence::new(Some(time_of(version)), None, now(), Step::Created, [0; 8])
}

/// The place of an event about an object of this version.
pub(crate) fn told(version: i64) -> Precedence {
    let at = Some(time_of(version));
    Precedence::new(at, at, now(), Step::Changed, [7; 8])
}

pub(crate) fn email(name: &str, primary: bool) -> EmailAddress {
    EmailAddress {
        clerk_email_address_id: Some(id(&format!("idn_{name}"))),
        email_address: format!("{name}@example.com"),
        verified: true,
        primary,
    }
}

pub(crate) fn profile(name: &str, version: i64) -> UserProfile {
    UserProfile {
        clerk_user_id: id(name),
        external_id: Some(format!("ext-{name}")),
        username: Some(name.to_owned()),
        first_name: Some(format!("First {version}")),
        last_name: Some("Last".to_owned()),
        image_url: Some("https://img.example.com/1".to_owned()),
        emails: vec![email(name, true), email(&format!("{name}.2"), false)],
        public_metadata: metadata("seat", version),
        banned: false,
        locked: false,
        created_at: time_of(0),
        updated_at: time_of(version),
        last_sign_in_at: Some(time_of(0)),
    }
}

fn metadata(key: &str, version: i64) -> Map<String, Value> {
    [(key.to_owned(), Value::from(version))]
        .into_iter()
        .collect()
}

/// An object of a listing, as Clerk has it at this version.
pub(crate) fn object(listing: Listing, number: u32, version: i64) -> Write {
    let name = name_of(listing, number);
    let precedence = listed(version);
    match listing {
        Listing::Users => Write::User(Box::new(UserWrite {
            profile: profile(&name, version),
            precedence,
        })),
        Listing::Organizations => Write::Organization(Box::new(OrganizationWrite {
            profile: OrganizationProfile {
                clerk_organization_id: id(&name),
                name: Some(format!("Name {version}")),
                slug: Some(name),
                image_url: None,
                public_metadata: metadata("plan", version),
                created_by: Some(id("user_000000")),
                created_at: time_of(0),
                updated_at: time_of(version),
            },
            precedence,
        })),
        Listing::Memberships => Write::Membership(Box::new(MembershipWrite {
            profile: MembershipProfile {
                clerk_membership_id: id(&name),
                clerk_organization_id: id("org_000000"),
                clerk_user_id: id(&name_of(Listing::Users, number)),
                role: Some("org:member".to_owned()),
                permissions: vec!["org:read".to_owned(), format!("org:v{version}")],
                public_metadata: metadata("desk", version),
                created_at: time_of(0),
                updated_at: time_of(version),
            },
            precedence,
        })),
    }
}

/// The same object as an event tells of it.
pub(crate) fn as_event(mut write: Write) -> Write {
    let version = |at: DateTime<Utc>| (at - time_of(0)).num_minutes();
    match &mut write {
        Write::User(write) => write.precedence = told(version(write.profile.updated_at)),
        Write::Organization(write) => write.precedence = told(version(write.profile.updated_at)),
        Write::Membership(write) => write.precedence = told(version(write.profile.updated_at)),
        _ => {}
    }
    write
}

pub(crate) fn user(profile: UserProfile) -> Write {
    let version = (profile.updated_at - time_of(0)).num_minutes();
    Write::User(Box::new(UserWrite {
        profile,
        precedence: listed(version),
    }))
}
