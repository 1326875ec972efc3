//! What session events change.

use domain::{SessionStatus, SessionWrite, Write};
use serde_json::{Value, json};

use crate::{
    samples::sample,
    sender::{at_millis, deliver, quarantine_reason, writes_of},
};

fn write_of(event: &Value) -> (SessionWrite, Vec<String>) {
    let delivery = deliver(event);
    match writes_of(&delivery) {
        [Write::Session(write)] => ((**write).clone(), delivery.notes),
        other => panic!("not one write of a session: {other:?}"),
    }
}

fn with(event_type: &str, key: &str, value: Value) -> Value {
    let mut event = sample(event_type);
    event["data"][key] = value;
    event
}

#[test]
fn a_sign_in_is_read_whole() {
    let (write, _) = write_of(&sample("session.created"));
    assert_eq!(
        write.clerk_session_id.as_str(),
        "sess_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    assert_eq!(
        write.clerk_user_id.unwrap().as_str(),
        "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S"
    );
    assert_eq!(
        write.clerk_client_id.as_deref(),
        Some("client_2g7np7Hrk0SN6kj5EDMLDaKNL0S")
    );
    assert_eq!(write.status, SessionStatus::Active);
    assert_eq!(
        write.last_active_organization_id.as_deref(),
        Some("org_2g7np7Hrk0SN6kj5EDMLDaKNL0S")
    );
    assert_eq!(write.actor, None);
    assert_eq!(write.expire_at, Some(at_millis(1_716_969_600_000)));
    assert_eq!(write.abandon_at, Some(at_millis(1_719_475_200_000)));
    let sign_in = write.sign_in.unwrap();
    assert_eq!(sign_in.signed_in_at, at_millis(1_716_883_200_000));
    assert_eq!(sign_in.client_ip.as_deref(), Some("192.168.1.100"));
    assert!(sign_in.user_agent.unwrap().starts_with("Mozilla/5.0"));
}

#[test]
fn only_a_creation_tells_how_the_session_began() {
    for verb in ["pending", "ended", "removed", "revoked"] {
        let (write, _) = write_of(&sample(&format!("session.{verb}")));
        assert_eq!(write.sign_in, None, "{verb}");
        assert_eq!(write.status.as_str(), verb);
    }
}

#[test]
fn an_event_that_ends_the_session_is_believed_above_its_state() {
    for (event_type, told, status) in [
        ("session.created", json!("active"), "active"),
        ("session.created", json!("pending"), "pending"),
        ("session.created", json!(null), "active"),
        ("session.created", json!("paused"), "paused"),
        ("session.created", json!("revoked"), "revoked"),
        ("session.pending", json!(7), "pending"),
        ("session.pending", json!("active"), "active"),
        ("session.ended", json!("active"), "ended"),
        ("session.removed", json!(null), "removed"),
        ("session.revoked", json!("paused"), "revoked"),
        ("session.ended", json!("expired"), "expired"),
    ] {
        let (write, _) = write_of(&with(event_type, "status", told.clone()));
        assert_eq!(write.status.as_str(), status, "{event_type} {told}");
    }
}

#[test]
fn a_terminal_state_outranks_every_live_one() {
    let mut ended = sample("session.ended");
    ended["data"]["updated_at"] = json!(1);
    let (ended, _) = write_of(&ended);
    let (created, _) = write_of(&sample("session.created"));
    let (pending, _) = write_of(&sample("session.pending"));
    assert!(ended.precedence > created.precedence);
    assert!(ended.precedence > pending.precedence);
}

#[test]
fn the_user_is_named_by_the_session_or_else_by_the_user_within() {
    let mut event = sample("session.created");
    event["data"]["user"]["id"] = json!("user_within");
    let user_id = |event: &Value| write_of(event).0.clerk_user_id.map(String::from);
    assert_eq!(
        user_id(&event).as_deref(),
        Some("user_2g7np7Hrk0SN6kj5EDMLDaKNL0S")
    );
    for odd in [json!(null), json!(""), json!(5), json!("a b")] {
        event["data"]["user_id"] = odd;
        assert_eq!(user_id(&event).as_deref(), Some("user_within"));
    }
    for none in [json!(null), json!("x"), json!({"id": 1})] {
        event["data"]["user"] = none;
        assert_eq!(user_id(&event), None);
    }
}

#[test]
fn the_address_is_that_of_a_real_client() {
    let client_ip = |request: Value, activity: Value| {
        let mut event = sample("session.created");
        event["event_attributes"] = json!({"http_request": request});
        event["data"]["latest_activity"] = activity;
        write_of(&event).0.sign_in.unwrap().client_ip
    };
    let activity = json!({"ip_address": "198.51.100.7"});
    for (request, activity, ip) in [
        (
            json!({"client_ip": "203.0.113.9"}),
            activity.clone(),
            Some("203.0.113.9"),
        ),
        (
            json!({"client_ip": "0.0.0.0"}),
            activity.clone(),
            Some("198.51.100.7"),
        ),
        (
            json!({"client_ip": ""}),
            activity.clone(),
            Some("198.51.100.7"),
        ),
        (json!(null), activity.clone(), Some("198.51.100.7")),
        (json!("x"), activity, Some("198.51.100.7")),
        (json!({"client_ip": "::"}), json!(null), None),
        (json!({}), json!({"ip_address": "0.0.0.0"}), None),
        (json!({}), json!([1]), None),
    ] {
        assert_eq!(
            client_ip(request.clone(), activity).as_deref(),
            ip,
            "{request}"
        );
    }
}

#[test]
fn long_texts_are_cut() {
    let mut event = sample("session.created");
    event["event_attributes"]["http_request"]["user_agent"] = json!("é".repeat(5000));
    let (write, notes) = write_of(&event);
    let agent = write.sign_in.unwrap().user_agent.unwrap();
    assert_eq!(agent.chars().count(), 1024);
    assert_eq!(
        notes,
        ["event_attributes.http_request.user_agent was cut to 1024 characters"]
    );
}

#[test]
fn an_actor_is_kept_as_it_came() {
    let actor = json!({"sub": "user_admin"});
    let (write, _) = write_of(&with("session.created", "actor", actor.clone()));
    assert_eq!(write.actor, Some(actor));
}

#[test]
fn a_session_without_an_id_waits_for_a_person() {
    let delivery = deliver(&with("session.ended", "id", json!([])));
    assert_eq!(
        quarantine_reason(&delivery),
        "data.id is a list, not a string"
    );
}
