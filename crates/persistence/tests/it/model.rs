//! What the rows must be in the end, computed from the whole history at once: whatever arrives when has no say in it.
//!
//! Written apart from the code that it judges, without its comparisons and without SQL.

use domain::ObjectKind;
use serde_json::{Value, json};

use crate::facts::{BASE, RECEIVED};
use crate::history::{Fact, History, OBJECTS, Paying, Told, began};

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
        membership(history, number, &mut rows);
        subscription(history, number, &mut rows);
        item(history, number, &mut rows);
        role(history, number, &mut rows);
    }
    rows
}

/// The fact with the greatest place among those that `told` gives an object's telling of, and its version.
fn greatest<'a>(
    history: &'a History,
    told: impl Fn(&'a Fact) -> Option<&'a Told>,
) -> Option<(&'a Fact, i64)> {
    let placed = history
        .facts
        .iter()
        .enumerate()
        .filter_map(|(number, fact)| {
            let told = told(fact)?;
            Some((place(told, false, true, number), fact, version(told)))
        });
    let greatest = placed.max_by_key(|(place, ..)| *place);
    greatest.map(|(_, fact, version)| (fact, version))
}

fn deletion(history: &History, wanted: ObjectKind, number: usize) -> Option<i64> {
    let deleted = |fact: &Fact| match fact {
        Fact::Deleted { kind, object, at } if (*kind, *object) == (wanted, number) => Some(*at),
        _ => None,
    };
    history.facts.iter().filter_map(deleted).min()
}

/// Whether somebody has a paid tier when everything has arrived, and until when.
fn paid_until(history: &History, wanted: Paying) -> Option<Option<i64>> {
    let items = (0..OBJECTS).filter_map(|number| greatest_item(history, number));
    let ends = items.filter_map(|(fact, version)| {
        let Fact::Item {
            payer,
            status,
            plan,
            ends_in,
            ..
        } = fact
        else {
            return None;
        };
        if *payer != wanted || *plan != "pro" {
            return None;
        }
        match *status {
            "active" => Some(None),
            "canceled" => ends_in
                .filter(|ends_in| *ends_in > 0)
                .map(|ends_in| Some(RECEIVED + ends_in)),
            "past_due" => Some(Some(version + 7 * DAY)),
            _ => None,
        }
    });
    // None is for ever, and so the greatest.
    ends.max_by_key(|end| end.unwrap_or(i64::MAX))
}

fn greatest_item(history: &History, wanted: usize) -> Option<(&Fact, i64)> {
    greatest(history, |fact| match fact {
        Fact::Item { item, told, .. } if *item == wanted => Some(told),
        _ => None,
    })
}

fn user(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let id = format!("user_{wanted}");
    let mut best: Option<(Place, &Fact)> = None;
    let deleted_at = deletion(history, ObjectKind::User, wanted);
    let (mut sign_ins, mut is_known) = (Vec::new(), deleted_at.is_some());
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
    let paid = paid_until(history, Paying::User(wanted));
    let mut row = json!({
        "clerk_user_id": id, "external_id": null, "username": null, "email": null, "email_verified": false,
        "first_name": null, "last_name": null, "full_name": null, "image_url": null, "role": "solo",
        "tier": if paid.is_some() { "paid" } else { "free" }, "tier_until": paid.flatten(),
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
    let best = greatest(history, |fact| match fact {
        Fact::Organization {
            organization, told, ..
        } if *organization == wanted => Some(told),
        _ => None,
    });
    let deleted_at = deletion(history, ObjectKind::Organization, wanted);
    let paid = paid_until(history, Paying::Organization(wanted));
    let mut row = json!({
        "clerk_organization_id": format!("org_{wanted}"), "name": null, "slug": null, "image_url": null,
        "public_metadata": {}, "created_by": null, "tier": paid.map(|_| "paid"), "tier_until": paid.flatten(),
        "created_at": deleted_at, "updated_at": deleted_at, "deleted_at": deleted_at, "version": 0,
    });
    if let Some((Fact::Organization { name, .. }, version)) = best {
        row["name"] = json!(name);
        stand(&mut row, version);
    } else if deleted_at.is_none() {
        return;
    }
    rows.push(row);
}

/// The times and version of a row that a fact of this version fills.
fn stand(row: &mut Value, version: i64) {
    row["created_at"] = json!(0);
    row["updated_at"] = json!(version);
    row["version"] = json!(BASE + version);
}

fn membership(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let best = greatest(history, |fact| match fact {
        Fact::Membership {
            membership, told, ..
        } if *membership == wanted => Some(told),
        _ => None,
    });
    let deleted_at = deletion(history, ObjectKind::Membership, wanted);
    let mut row = json!({
        "clerk_membership_id": format!("orgmem_{wanted}"), "clerk_organization_id": null, "clerk_user_id": null,
        "role": null, "permissions": [], "public_metadata": {},
        "created_at": deleted_at, "updated_at": deleted_at, "deleted_at": deleted_at, "version": 0,
    });
    if let Some((
        Fact::Membership {
            user,
            organization,
            role,
            ..
        },
        version,
    )) = best
    {
        row["clerk_user_id"] = json!(format!("user_{user}"));
        row["clerk_organization_id"] = json!(format!("org_{organization}"));
        row["role"] = json!(role);
        row["permissions"] = json!([format!("{role}:read")]);
        stand(&mut row, version);
    } else if deleted_at.is_none() {
        return;
    }
    rows.push(row);
}

/// The columns of who pays.
fn pays(row: &mut Value, payer: Paying) {
    row["payer_user_id"] = Value::Null;
    row["payer_organization_id"] = Value::Null;
    match payer {
        Paying::User(number) => row["payer_user_id"] = json!(format!("user_{number}")),
        Paying::Organization(number) => {
            row["payer_organization_id"] = json!(format!("org_{number}"));
        }
        Paying::Nobody => {}
    }
}

fn subscription(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let best = greatest(history, |fact| match fact {
        Fact::Subscription {
            subscription, told, ..
        } if *subscription == wanted => Some(told),
        _ => None,
    });
    let Some((Fact::Subscription { payer, status, .. }, version)) = best else {
        return;
    };
    let mut row = json!({
        "clerk_subscription_id": format!("csub_{wanted}"), "status": status,
        "active_at": null, "past_due_at": null, "canceled_at": null, "ended_at": null, "deleted_at": null,
    });
    pays(&mut row, *payer);
    stand(&mut row, version);
    rows.push(row);
}

fn item(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let Some((
        Fact::Item {
            payer,
            status,
            plan,
            ends_in,
            ..
        },
        version,
    )) = greatest_item(history, wanted)
    else {
        return;
    };
    let mut row = json!({
        "clerk_subscription_item_id": format!("csub_item_{wanted}"),
        "clerk_subscription_id": format!("csub_{wanted}"), "status": status, "clerk_plan_id": "cplan_1",
        "plan_slug": plan, "plan_interval": "month", "is_free_trial": false, "period_start": 0,
        "period_end": ends_in.map(|ends_in| RECEIVED + ends_in), "past_due_at": null, "deleted_at": null,
    });
    pays(&mut row, *payer);
    stand(&mut row, version);
    rows.push(row);
}

fn role(history: &History, wanted: usize, rows: &mut Vec<Value>) {
    let best = greatest(history, |fact| match fact {
        Fact::Role { role, told, .. } if *role == wanted => Some(told),
        _ => None,
    });
    let deleted_at = deletion(history, ObjectKind::Role, wanted);
    let id = format!("role_{wanted}");
    let (data, version) = match best {
        Some((Fact::Role { name, .. }, version)) => (json!({"name": name}), BASE + version),
        _ if deleted_at.is_none() => return,
        _ => (json!({"id": id, "deleted": true}), 0),
    };
    rows.push(json!({
        "kind": "role", "clerk_id": id, "data": data, "deleted_at": deleted_at, "version": version,
    }));
}
