//! What deletions change.

use domain::{ObjectKind, Write};
use serde_json::json;

use crate::{
    samples::sample,
    sender::{NOW, at, at_millis, deliver, only_write, quarantine_reason, writes_of},
};

#[test]
fn a_deletion_names_its_object_and_the_time() {
    for (event_type, kind) in [
        ("user.deleted", ObjectKind::User),
        ("organization.deleted", ObjectKind::Organization),
        ("organizationDomain.deleted", ObjectKind::OrganizationDomain),
        ("role.deleted", ObjectKind::Role),
        ("permission.deleted", ObjectKind::Permission),
    ] {
        let mut event = sample(event_type);
        event["timestamp"] = json!(1_716_883_400_001_i64);
        let Write::Deletion(deletion) = only_write(&event) else {
            panic!("{event_type} is no deletion");
        };
        assert_eq!(deletion.kind, kind);
        assert_eq!(
            Some(deletion.clerk_id.as_str()),
            event["data"]["id"].as_str()
        );
        assert_eq!(deletion.deleted_at, at_millis(1_716_883_400_001));

        event["timestamp"] = json!((NOW + 100_000) * 1000);
        let Write::Deletion(poisoned) = only_write(&event) else {
            panic!("{event_type} is no deletion");
        };
        assert_eq!(poisoned.deleted_at, at(NOW));
    }
}

#[test]
fn a_whole_object_is_filled_in_after_its_deletion() {
    let delivery = deliver(&sample("organizationMembership.deleted"));
    let [Write::Deletion(deletion), Write::Membership(membership)] = writes_of(&delivery) else {
        panic!("not a deletion and a membership: {:?}", delivery.effect);
    };
    assert_eq!(deletion.kind, ObjectKind::Membership);
    assert_eq!(deletion.clerk_id, membership.profile.clerk_membership_id);
    assert_eq!(membership.profile.role.as_deref(), Some("org:member"));

    let mut whole = sample("role.updated");
    whole["type"] = json!("role.deleted");
    let delivery = deliver(&whole);
    let [Write::Deletion(_), Write::Object(role)] = writes_of(&delivery) else {
        panic!("not a deletion and an object: {:?}", delivery.effect);
    };
    assert_eq!(role.data["key"], whole["data"]["key"]);
}

#[test]
fn of_a_person_who_is_gone_nothing_is_filled_in() {
    let mut event = sample("user.updated");
    event["type"] = json!("user.deleted");
    assert!(matches!(only_write(&event), Write::Deletion(_)));
}

#[test]
fn an_object_that_cannot_be_mapped_is_gone_all_the_same() {
    let mut event = sample("organizationMembership.deleted");
    event["data"]["organization"] = json!(null);
    let delivery = deliver(&event);
    assert!(matches!(writes_of(&delivery), [Write::Deletion(_)]));
    assert_eq!(delivery.notes, ["data.organization is missing"]);

    event["data"]["id"] = json!(null);
    assert_eq!(quarantine_reason(&deliver(&event)), "data.id is missing");
}
