//! What events of organizations and memberships change.

use domain::{MembershipWrite, OrganizationWrite, Write};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{NOW, at_millis, deliver, only_write, quarantine_reason},
};

fn organization(event: &Value) -> OrganizationWrite {
    match only_write(event) {
        Write::Organization(write) => *write,
        other => panic!("no write of an organization: {other:?}"),
    }
}

fn membership(event: &Value) -> MembershipWrite {
    match only_write(event) {
        Write::Membership(write) => *write,
        other => panic!("no write of a membership: {other:?}"),
    }
}

fn with(event_type: &str, key: &str, value: Value) -> Value {
    let mut event = sample(event_type);
    event["data"][key] = value;
    event
}

#[test]
fn an_organization_is_read_whole() {
    let write = organization(&sample("organization.updated"));
    let profile = write.profile;
    assert_eq!(
        profile.clerk_organization_id.as_str(),
        "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    assert_eq!(profile.name.as_deref(), Some("Acme Corp Updated"));
    assert_eq!(profile.slug.as_deref(), Some("acme-corp-updated"));
    assert_eq!(
        profile.image_url.as_deref(),
        Some("https://img.clerk.com/yyyyyy")
    );
    assert_eq!(
        Value::Object(profile.public_metadata),
        json!({"department": "engineering"})
    );
    assert_eq!(
        profile.created_by.unwrap().as_str(),
        "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    assert_eq!(profile.created_at, at_millis(1_716_883_200_000));
    assert_eq!(profile.updated_at, at_millis(1_716_883_500_000));
    assert_eq!(write.precedence.version_millis(), 1_716_883_500_000);
    assert!(organization(&sample("organization.created")).precedence < write.precedence);
}

#[test]
fn an_organization_may_be_bare() {
    let write = organization(&json!({"type": "organization.created", "data": {"id": "org_1"}}));
    assert_eq!((write.profile.name, write.profile.slug), (None, None));
    assert_eq!(write.precedence.version_millis(), NOW * 1000);
}

#[test]
fn a_membership_is_read_whole() {
    let write = membership(&sample("organizationMembership.created"));
    let profile = write.profile;
    assert_eq!(
        profile.clerk_membership_id.as_str(),
        "orgmem_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    assert_eq!(
        profile.clerk_organization_id.as_str(),
        "org_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    let sent = sample("organizationMembership.created");
    assert_eq!(
        Some(profile.clerk_user_id.as_str()),
        sent["data"]["public_user_data"]["user_id"].as_str()
    );
    assert_eq!(profile.role.as_deref(), sent["data"]["role"].as_str());
    assert_eq!(
        Value::from(profile.permissions),
        sent["data"]["permissions"]
    );
    assert_eq!(profile.created_at, at_millis(1_716_883_200_000));
}

#[test]
fn both_ends_of_a_membership_are_demanded() {
    let created = "organizationMembership.created";
    for (event, reason) in [
        (
            with(created, "organization", json!(null)),
            "data.organization is missing",
        ),
        (
            with(created, "organization", json!({})),
            "data.organization.id is missing",
        ),
        (
            with(created, "organization", json!("org_1")),
            "data.organization is a string, not an object",
        ),
        (
            with(created, "public_user_data", json!(null)),
            "data.public_user_data is missing",
        ),
        (
            with(created, "public_user_data", json!({"user_id": 7})),
            "data.public_user_data.user_id is a number, not a string",
        ),
        (
            with(created, "permissions", json!("org:posts:read")),
            "data.permissions is a string, not a list",
        ),
        (
            with(created, "public_metadata", json!([])),
            "data.public_metadata is a list, not an object",
        ),
        (with(created, "id", json!(null)), "data.id is missing"),
    ] {
        assert_eq!(quarantine_reason(&deliver(&event)), reason);
    }
    let mut beside = with(created, "organization", json!(null));
    beside["data"]["organization_id"] = json!("org_9");
    beside["data"]["public_user_data"] = json!(null);
    beside["data"]["user_id"] = json!("user_9");
    let profile = membership(&beside).profile;
    assert_eq!(profile.clerk_organization_id.as_str(), "org_9");
    assert_eq!(profile.clerk_user_id.as_str(), "user_9");
}

#[test]
fn rights_of_the_wrong_type_are_not_given() {
    let mut event = with(
        "organizationMembership.updated",
        "permissions",
        json!(["org:a:read", 7, null, "org:a\0:write"]),
    );
    event["data"]["role"] = json!(["org:admin"]);
    let delivery = deliver(&event);
    let profile = membership(&event).profile;
    assert_eq!(profile.permissions, ["org:a:read", "org:a:write"]);
    assert_eq!(profile.role, None);
    assert_eq!(
        delivery.notes,
        [
            "data.role is a list, not a string",
            "data.permissions[1] is a number, not a string",
            "data.permissions[2] is null, not a string",
        ]
    );
}
