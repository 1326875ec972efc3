//! What user events change.

use aws_lc_rs::digest::{SHA256, digest};
use domain::{ObjectKind, Precedence, Step, UserWrite, Write};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{NOW, at, at_millis, deliver, only_write, quarantine_reason, writes_of},
};

/// A user's event with some of `data` replaced.
fn changed(with: Value) -> Value {
    let mut event = sample("user.updated");
    for (key, value) in with.as_object().unwrap() {
        event["data"][key] = value.clone();
    }
    event
}

/// The write that an event makes, and its notes.
fn write_of(event: &Value) -> (UserWrite, Vec<String>) {
    let delivery = deliver(event);
    match writes_of(&delivery) {
        [Write::User(write)] => ((**write).clone(), delivery.notes),
        other => panic!("not one write of a user: {other:?}"),
    }
}

fn address(id: Value, address: &str, status: &str) -> Value {
    json!({"id": id, "email_address": address, "verification": {"status": status}})
}

#[test]
fn the_sample_is_read_whole() {
    let (write, _) = write_of(&sample("user.updated"));
    let user = write.profile;
    assert_eq!(
        user.clerk_user_id.as_str(),
        "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    assert_eq!(user.external_id.as_deref(), Some("ex_123456789"));
    assert_eq!(user.username.as_deref(), Some("johndoe"));
    assert_eq!(user.full_name().as_deref(), Some("John Doe Updated"));
    assert_eq!(
        user.image_url.as_deref(),
        Some("https://img.clerk.com/xxxxxx")
    );
    assert_eq!(
        Value::Object(user.public_metadata.clone()),
        json!({"department": "engineering"})
    );
    assert_eq!((user.banned, user.locked), (false, false));
    assert_eq!(user.created_at, at_millis(1_716_883_200_000));
    assert_eq!(user.updated_at, at_millis(1_716_883_500_000));
    assert_eq!(user.last_sign_in_at, Some(at_millis(1_716_883_400_000)));
    assert_eq!(write.precedence.version_millis(), 1_716_883_500_000);
    let emails: Vec<_> = user
        .emails
        .iter()
        .map(|email| (email.email_address.as_str(), email.verified, email.primary))
        .collect();
    assert_eq!(
        emails,
        [
            ("john.doe@acme.com", true, true),
            ("johnny@example.com", true, false)
        ]
    );
}

#[test]
fn the_primary_address_is_the_named_one_and_never_simply_the_first() {
    let emails = json!([
        address(json!("idn_1"), "first@example.com", "verified"),
        address(json!("idn_2"), "second@example.com", "unverified"),
        {"email_address": "third@example.com"},
    ]);
    let primary = |id: Value| {
        let event = changed(json!({"email_addresses": emails, "primary_email_address_id": id}));
        let (write, _) = write_of(&event);
        write
            .profile
            .primary_email()
            .map(|email| (email.email_address.clone(), email.verified))
    };
    assert_eq!(
        primary(json!("idn_2")),
        Some(("second@example.com".to_owned(), false))
    );
    for none in [json!(null), json!("idn_9"), json!(7), json!("")] {
        assert_eq!(primary(none.clone()), None, "{none}");
    }
}

#[test]
fn only_the_word_verified_verifies() {
    for (verification, verified) in [
        (json!({"status": "verified"}), true),
        (json!({"status": "Verified"}), false),
        (json!({"status": "expired"}), false),
        (json!({"status": true}), false),
        (json!({}), false),
        (json!(null), false),
    ] {
        let emails = json!([{"id": "idn_1", "email_address": "a@example.com", "verification": verification}]);
        let (write, _) = write_of(&changed(json!({"email_addresses": emails})));
        assert_eq!(write.profile.emails[0].verified, verified, "{verification}");
    }
}

#[test]
fn an_address_that_no_index_holds_is_left_out() {
    let fits = format!("{}@example.com", "é".repeat(308));
    let long = format!("x{fits}");
    let emails = json!([
        address(json!("idn_1"), &fits, "verified"),
        address(json!("idn_2"), &long, "verified"),
        {"id": "idn_3"},
        null,
    ]);
    let (write, notes) = write_of(&changed(
        json!({"email_addresses": emails, "primary_email_address_id": "idn_2"}),
    ));
    assert_eq!(write.profile.emails.len(), 1);
    assert_eq!(write.profile.emails[0].email_address, fits);
    assert_eq!(write.profile.primary_email(), None);
    assert_eq!(
        notes,
        [
            "data.email_addresses[1].email_address is longer than 320 characters: the entry was left out",
            "data.email_addresses[2].email_address is missing: the entry was left out",
        ]
    );
}

#[test]
fn the_last_of_two_addresses_with_one_id_counts() {
    let emails = json!([
        address(json!("idn_1"), "old@example.com", "unverified"),
        address(json!("idn_2"), "other@example.com", "verified"),
        address(json!("idn_1"), "newer@example.com", "verified"),
        address(json!("idn_1"), "newest@example.com", "verified"),
        address(json!(null), "same@example.com", "verified"),
        address(json!(null), "same@example.com", "verified"),
    ]);
    let (write, notes) = write_of(&changed(
        json!({"email_addresses": emails, "primary_email_address_id": "idn_1"}),
    ));
    let addresses: Vec<_> = write
        .profile
        .emails
        .iter()
        .map(|email| email.email_address.as_str())
        .collect();
    assert_eq!(
        addresses,
        [
            "newest@example.com",
            "other@example.com",
            "same@example.com",
            "same@example.com"
        ]
    );
    assert_eq!(notes.len(), 2);
}

#[test]
fn null_and_absence_are_empty() {
    let mut bare = sample("user.created");
    bare["data"] = json!({"id": "user_1"});
    let mut nulls = bare.clone();
    for key in [
        "email_addresses",
        "public_metadata",
        "first_name",
        "banned",
        "last_sign_in_at",
        "updated_at",
    ] {
        nulls["data"][key] = json!(null);
    }
    for event in [bare, nulls] {
        let (write, notes) = write_of(&event);
        assert_eq!(notes, [""; 0]);
        let user = write.profile;
        assert!(user.emails.is_empty() && user.public_metadata.is_empty());
        assert_eq!((user.first_name, user.banned), (None, false));
        assert_eq!(user.last_sign_in_at, None);
        assert_eq!(user.updated_at, at_millis(1_716_883_200_037));
        assert_eq!(user.created_at, at_millis(1_716_883_200_037));
    }
}

#[test]
fn a_container_of_the_wrong_type_wipes_nothing() {
    for (data, reason) in [
        (
            json!({"email_addresses": "a@example.com"}),
            "data.email_addresses is a string, not a list",
        ),
        (
            json!({"email_addresses": [{}, "a@example.com"]}),
            "data.email_addresses[1] is a string, not an object",
        ),
        (
            json!({"email_addresses": [{"id": "idn_1", "email_address": "a@example.com", "verification": "verified"}]}),
            "data.email_addresses[0].verification is a string, not an object",
        ),
        (
            json!({"public_metadata": ["admin"]}),
            "data.public_metadata is a list, not an object",
        ),
        (
            json!({"banned": "yes"}),
            "data.banned is a string, neither true nor false",
        ),
        (json!({"id": null}), "data.id is missing"),
        (
            json!({"id": "user 1"}),
            "data.id is no usable id: the id holds a character that is not visible ASCII",
        ),
    ] {
        let delivery = deliver(&changed(data));
        assert_eq!(quarantine_reason(&delivery), reason);
    }
}

#[test]
fn scalars_of_the_wrong_type_are_absent_and_noted() {
    let (write, notes) = write_of(&changed(json!({
        "first_name": 5, "username": ["x"], "locked": "yes", "created_at": "2024-05-28T08:00:00Z",
        "last_sign_in_at": 9_223_372_036_854_775_807_i64, "unheard_of": {"deep": [1]},
    })));
    let user = write.profile;
    assert_eq!((user.first_name, user.username), (None, None));
    assert!(!user.locked);
    assert_eq!(user.created_at, at_millis(1_716_883_500_037));
    assert_eq!(user.last_sign_in_at, None);
    assert_eq!(notes.len(), 5, "{notes:?}");
    assert!(notes.contains(&"data.locked is a string, neither true nor false".to_owned()));
}

#[test]
fn the_place_falls_back_from_the_object_to_the_envelope_to_the_arrival() {
    let version = |event: &Value| {
        let (write, _) = write_of(event);
        assert_eq!(
            write.profile.updated_at.timestamp_millis(),
            write.precedence.version_millis()
        );
        write.precedence.version_millis()
    };
    let mut event = changed(json!({"updated_at": 1_716_883_500_001_i64}));
    assert_eq!(version(&event), 1_716_883_500_001);
    event["data"]["updated_at"] = json!("soon");
    assert_eq!(version(&event), 1_716_883_500_037);
    event["timestamp"] = json!(1_716_883_400);
    assert_eq!(version(&event), 1_716_883_400_000);
    event["timestamp"] = json!(null);
    assert_eq!(version(&event), NOW * 1000);
}

#[test]
fn times_far_ahead_are_not_believed() {
    let day = 86_400_000;
    let edge = NOW * 1000 + day;
    let (write, notes) = write_of(&changed(json!({"updated_at": edge})));
    assert_eq!(write.precedence.version_millis(), edge);
    assert_eq!(notes, [""; 0]);

    let mut event = changed(json!({
        "updated_at": edge + 1, "created_at": edge + 1, "last_sign_in_at": edge + 1,
    }));
    event["timestamp"] = json!(edge + 1);
    let (write, notes) = write_of(&event);
    assert_eq!(write.profile.updated_at, at(NOW));
    assert_eq!(write.profile.created_at, at(NOW));
    assert_eq!(write.profile.last_sign_in_at, None);
    assert_eq!(write.precedence.version_millis(), NOW * 1000);
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert_eq!(
        notes[0],
        "timestamp lies more than a day ahead and is not believed"
    );
}

#[test]
fn the_place_holds_envelope_step_and_content() {
    let event = sample("user.created");
    let hash = digest(&SHA256, event.to_string().as_bytes());
    let (write, _) = write_of(&event);
    assert_eq!(
        write.precedence,
        Precedence::new(
            Some(at_millis(1_716_883_200_000)),
            Some(at_millis(1_716_883_200_037)),
            at(NOW),
            Step::Created,
            hash.as_ref()[..8].try_into().unwrap(),
        )
    );
    let (later, _) = write_of(&sample("user.updated"));
    assert!(write.precedence < later.precedence);
}

#[test]
fn nuls_are_stripped_and_the_body_kept_as_it_came() {
    let event = changed(json!({"first_name": "Jo\0hn", "public_metadata": {"ro\0le": "ad\0min"}}));
    let delivery = deliver(&event);
    assert_eq!(
        delivery.payload,
        domain::Payload::Bytes(event.to_string().into_bytes())
    );
    let (write, notes) = write_of(&event);
    assert_eq!(write.profile.first_name.as_deref(), Some("John"));
    assert_eq!(write.profile.public_metadata["role"], "admin");
    assert!(notes.contains(&"data.first_name held NUL characters".to_owned()));
    assert!(notes.contains(&"data.public_metadata held NUL characters".to_owned()));
}

#[test]
fn a_deletion_happens_when_the_envelope_says_or_on_arrival() {
    let mut event = sample("user.deleted");
    let deleted_at = |event: &Value| match only_write(event) {
        Write::Deletion(deletion) if deletion.kind == ObjectKind::User => deletion.deleted_at,
        other => panic!("no deletion: {other:?}"),
    };
    assert_eq!(deleted_at(&event), at_millis(1_716_884_100_037));
    event["timestamp"] = json!((NOW + 86_401) * 1000);
    assert_eq!(deleted_at(&event), at(NOW));
    event["timestamp"] = json!("x");
    assert_eq!(deleted_at(&event), at(NOW));
    event["data"] = json!({"deleted": true});
    assert_eq!(quarantine_reason(&deliver(&event)), "data.id is missing");
}
