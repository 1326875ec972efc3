//! What the rows must be in the end, computed from the whole history at once: whatever arrives when has no say in it.
//!
//! Written apart from the code that it judges, without its comparisons and without SQL.

use serde_json::{Value, json};

use crate::facts::{BASE, RECEIVED};
use crate::history::{Fact, History, OBJECTS, Told, began};

const DAY: i64 = 24 * 3_600_000;

/// Where a fact stands among others: finality, version, the envelope's time, step, number in the history.
type Place = (bool, i64, Option<i64>, bool, usize);

fn believable(time: i64) -> Option<i64> {
    (time <= RECEIVED + DAY).then_some(time)
}

fn version(told: &Told) -> i64 {
    believable(told.updated)
        .or(believable(told.stated))
        .unwrap_or(RECEIVED)
}

fn place(told: &Told, is_final: bool, is_change: bool, number: usize) -> Place {
    (
        is_final,
        version(told),
        believable(told.stated),
        is_change,
        number,
    )
}

fn is_over(status: &str) -> bool {
    matches!(status, "ended" | "removed" | "revoked")
}

/// The rows, without ids' beginnings and places.
pub(crate) fn rows(history: &History) -> Vec<Value> {
    let mut rows = Vec::new();
    for number in 0..OBJECTS {
        user(history, number, &mut rows);
        session(history, number, &mut rows);
        organization(history, number, &mut rows);
    }
    rows
}

fn user(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let id = format!("user_{wanted}");
    let (mut best, mut deleted_at): (Option<(Place, &Fact)>, Option<i64>) = (None, None);
    let (mut sign_ins, mut is_known) = (Vec::new(), false);
    for (number, fact) in history.facts.iter().enumerate() {
        match fact {
            Fact::User {
                user,
                told,
                is_creation,
                last_sign_in,
                ..
            } if *user == wanted => {
                is_known = true;
                sign_ins.extend(*last_sign_in);
                let place = place(told, false, !is_creation, number);
                if best.as_ref().is_none_or(|(other, _)| *other < place) {
                    best = Some((place, fact));
                }
            }
            Fact::UserDeleted { user, at } if *user == wanted => {
                is_known = true;
                deleted_at = Some(deleted_at.map_or(*at, |other: i64| other.min(*at)));
            }
            _ => {}
        }
    }
    if !is_known {
        return;
    }
    let of_session =
        |fact: &&Fact| matches!(fact, Fact::Session { session, .. } if *session == wanted);
    let told = || history.facts.iter().filter(of_session);
    let is_named = told().any(|fact| {
        matches!(
            fact,
            Fact::Session {
                names_user: true,
                ..
            }
        )
    });
    let is_begun = told().any(|fact| {
        matches!(
            fact,
            Fact::Session {
                is_creation: true,
                ..
            }
        )
    });
    if is_named && is_begun {
        sign_ins.push(began(wanted));
    }
    let mut row = json!({
        "clerk_user_id": id, "external_id": null, "username": null, "email": null, "email_verified": false,
        "first_name": null, "last_name": null, "full_name": null, "image_url": null, "role": "solo", "tier": "free",
        "public_metadata": {}, "preferences": {}, "banned": false, "locked": false,
        "created_at": deleted_at, "updated_at": deleted_at, "last_login_at": sign_ins.iter().max(),
        "deleted_at": deleted_at, "is_active": false, "version": 0,
    });
    if let Some((
        _,
        Fact::User {
            told,
            name,
            emails,
            is_banned,
            role,
            ..
        },
    )) = best
    {
        let address = |number: usize| format!("{name}{number}@example.com");
        let primary = emails.iter().position(|is_primary| *is_primary);
        row["email"] = json!(primary.map(address));
        row["email_verified"] = json!(primary.is_some());
        row["first_name"] = json!(name);
        row["full_name"] = json!(name);
        row["role"] = json!(if *role == "growth" { "growth" } else { "solo" });
        row["public_metadata"] = json!({"role": role});
        row["banned"] = json!(is_banned);
        row["created_at"] = json!(0);
        row["updated_at"] = json!(version(told));
        row["is_active"] = json!(deleted_at.is_none() && !is_banned);
        row["version"] = json!(BASE + version(told));
        rows.extend(emails.iter().enumerate().map(|(number, is_primary)| {
            json!({
                "clerk_user_id": id, "position": number, "clerk_email_address_id": format!("idn_{number}"),
                "email_address": address(number), "verified": true, "is_primary": is_primary,
            })
        }));
    }
    rows.push(row);
}

fn session(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let mut stands: Option<(Place, i64, &str)> = None;
    let mut start: Option<(Place, &str)> = None;
    let mut is_named = false;
    for (number, fact) in history.facts.iter().enumerate() {
        let Fact::Session {
            session,
            told,
            is_creation,
            names_user,
            status,
            client_ip,
        } = fact
        else {
            continue;
        };
        if *session != wanted {
            continue;
        }
        is_named |= names_user;
        let place = place(told, is_over(status), !is_creation, number);
        if stands.is_none_or(|(other, ..)| other < place) {
            stands = Some((place, version(told), status));
        }
        if *is_creation && start.is_none_or(|(other, _)| other < place) {
            start = Some((place, client_ip));
        }
    }
    let Some((_, version, status)) = stands else {
        return;
    };
    let end = is_over(status).then_some(status);
    rows.push(json!({
        "clerk_session_id": format!("sess_{wanted}"), "clerk_user_id": is_named.then(|| format!("user_{wanted}")),
        "clerk_client_id": "client_1", "status": status, "end_reason": end, "ended_at": end.map(|_| version),
        "last_active_organization_id": null, "actor": null,
        "client_ip": start.map(|(_, client_ip)| client_ip), "user_agent": start.map(|_| "Browser/1"),
        "signed_in_at": start.map(|_| began(wanted)), "last_active_at": version,
        "expire_at": began(wanted) + 7 * DAY, "abandon_at": null, "created_at": began(wanted), "updated_at": version,
        "deleted_at": null, "version": BASE + version,
    }));
}

fn organization(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let (mut best, mut deleted_at): (Option<(Place, &str, i64)>, Option<i64>) = (None, None);
    for (number, fact) in history.facts.iter().enumerate() {
        match fact {
            Fact::Organization {
                organization,
                told,
                name,
            } if *organization == wanted => {
                let place = place(told, false, true, number);
                if best.is_none_or(|(other, ..)| other < place) {
                    best = Some((place, name, version(told)));
                }
            }
            Fact::OrganizationDeleted { organization, at } if *organization == wanted => {
                deleted_at = Some(deleted_at.map_or(*at, |other: i64| other.min(*at)));
            }
            _ => {}
        }
    }
    if best.is_none() && deleted_at.is_none() {
        return;
    }
    rows.push(json!({
        "kind": "organization", "clerk_id": format!("org_{wanted}"),
        "data": best.map_or(json!({"deleted": true}), |(_, name, _)| json!({"name": name})),
        "deleted_at": deleted_at, "version": best.map_or(0, |(_, _, version)| BASE + version),
    }));
}
