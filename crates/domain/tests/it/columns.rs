//! Every mirrored column counts.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Listing, Membership, Mirrored, Organization, User};
use serde_json::json;

use crate::objects::{id, name_of};
use crate::world::World;

/// A column, and what makes it wrong.
type Spoil<T> = (&'static str, fn(&mut T));

/// Spoils one row of a world in step and demands that exactly this column is found and mended.
fn check(listing: Listing, column: &str, spoil: impl FnOnce(&mut Mirrored)) {
    let world = World::in_step(4, 5);
    world
        .store
        .tamper(listing, &id(&name_of(listing, 2)), spoil);
    let report = world.repair();
    let fields = &report.kinds[&listing].fields;
    assert_eq!(json!(fields), json!({column: 1}), "{column}");
    assert_eq!((report.drift, report.repaired), (0, 1), "{column}");
    world.assert_in_step();
}

fn later(at: &mut DateTime<Utc>) {
    *at += TimeDelta::microseconds(1);
}

#[test]
fn of_users() {
    let spoils: &[Spoil<User>] = &[
        ("external_id", |user| user.external_id = None),
        ("username", |user| user.username = Some(String::new())),
        ("email", |user| user.email = None),
        ("email_verified", |user| user.email_verified = false),
        ("first_name", |user| user.first_name = None),
        ("last_name", |user| user.last_name = None),
        ("full_name", |user| user.full_name = None),
        ("image_url", |user| user.image_url = None),
        ("public_metadata", |user| user.public_metadata = json!({})),
        ("public_metadata", |user| user.public_metadata = json!(null)),
        ("banned", |user| user.banned = true),
        ("locked", |user| user.locked = true),
        ("created_at", |user| later(&mut user.created_at)),
        ("updated_at", |user| later(&mut user.updated_at)),
        ("last_login_at", |user| user.last_login_at = None),
    ];
    for (column, spoil) in spoils {
        check(Listing::Users, column, |row| {
            let Mirrored::User(user, _) = row else {
                panic!()
            };
            spoil(user);
        });
    }
}

#[test]
fn of_addresses() {
    let spoils: &[fn(&mut Vec<domain::EmailAddress>)] = &[
        Vec::clear,
        |emails| drop(emails.pop()),
        |emails| emails.push(emails[0].clone()),
        |emails| emails[1].verified = false,
        |emails| emails[1].primary = true,
        |emails| emails[1].email_address = "other@example.com".to_owned(),
        |emails| emails[1].clerk_email_address_id = None,
    ];
    for spoil in spoils {
        check(Listing::Users, "emails", |row| {
            let Mirrored::User(_, emails) = row else {
                panic!()
            };
            spoil(emails);
        });
    }
}

#[test]
fn of_organizations() {
    let spoils: &[Spoil<Organization>] = &[
        ("name", |row| row.name = None),
        ("slug", |row| row.slug = None),
        ("image_url", |row| row.image_url = Some("x".to_owned())),
        ("public_metadata", |row| {
            row.public_metadata = json!({"plan": 2})
        }),
        ("created_by", |row| row.created_by = None),
        ("created_at", |row| later(&mut row.created_at)),
        ("updated_at", |row| later(&mut row.updated_at)),
    ];
    for (column, spoil) in spoils {
        check(Listing::Organizations, column, |row| {
            let Mirrored::Organization(row) = row else {
                panic!()
            };
            spoil(row);
        });
    }
}

#[test]
fn of_memberships() {
    let spoils: &[Spoil<Membership>] = &[
        ("clerk_organization_id", |row| {
            row.clerk_organization_id = None
        }),
        ("clerk_user_id", |row| {
            row.clerk_user_id = Some("user_x".to_owned())
        }),
        ("role", |row| row.role = Some("org:admin".to_owned())),
        ("permissions", |row| row.permissions = json!(["org:read"])),
        ("permissions", |row| {
            row.permissions = json!(["org:read", 1])
        }),
        ("permissions", |row| row.permissions = json!(null)),
        ("public_metadata", |row| row.public_metadata = json!({})),
        ("created_at", |row| later(&mut row.created_at)),
        ("updated_at", |row| later(&mut row.updated_at)),
    ];
    for (column, spoil) in spoils {
        check(Listing::Memberships, column, |row| {
            let Mirrored::Membership(row) = row else {
                panic!()
            };
            spoil(row);
        });
    }
}

#[test]
fn what_is_ours_is_not_compared() {
    let world = World::in_step(4, 5);
    world
        .store
        .tamper(Listing::Users, &id("user_000002"), |row| {
            let Mirrored::User(user, _) = row else {
                panic!()
            };
            user.preferences = json!({"theme": "dark"});
            user.role = domain::Role::from_store("growth".to_owned());
            user.tier = domain::Tier::from_store("paid".to_owned());
            // Sessions tell of sign-ins that the profile does not know yet.
            user.last_login_at = Some(crate::objects::now());
        });
    world
        .store
        .tamper(Listing::Memberships, &id("orgmem_000002"), |row| {
            let Mirrored::Membership(row) = row else {
                panic!()
            };
            row.permissions.as_array_mut().unwrap().reverse();
        });
    world.assert_in_step();
}
