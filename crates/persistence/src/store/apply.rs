//! Writes become rows: many deliveries in one transaction, with a few statements for all of them.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;
use domain::{Change, Delivery, Effect, ObjectKind, Outcome, Policy, Receipt, Write};

use super::guarded::Context;
use super::{
    Conn, changes, ledger, memberships, objects, organizations, sessions, subscriptions, tiers,
    user_writes, waves,
};

/// Applies deliveries in the order in which they stand; answers a receipt for each. The caller holds the write lock.
pub(super) async fn deliveries(
    conn: &mut Conn,
    deliveries: &[Delivery],
    policy: &Policy,
) -> QueryResult<Vec<Receipt>> {
    let Some(now) = deliveries.iter().map(|delivery| delivery.received_at).max() else {
        return Ok(Vec::new());
    };
    let known = ledger::known(conn, deliveries).await?;
    let mut repeated: HashMap<&str, i32> = HashMap::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut fresh: Vec<(usize, &Delivery)> = Vec::with_capacity(deliveries.len());
    for (place, delivery) in deliveries.iter().enumerate() {
        let id = delivery.message_id.as_str();
        if known.contains(id) || !seen.insert(id) {
            *repeated.entry(id).or_default() += 1;
        } else {
            fresh.push((place, delivery));
        }
    }

    let groups: Vec<&[Write]> = fresh
        .iter()
        .map(|(_, delivery)| writes_of(delivery))
        .collect();
    let changed = write_all(
        conn,
        &groups,
        &Context {
            policy,
            now,
            again: false,
        },
    )
    .await?;
    let receipts: Vec<Receipt> = fresh
        .iter()
        .zip(changed)
        .map(|((_, delivery), changed)| receipt(delivery, changed))
        .collect();
    let lines = fresh
        .iter()
        .map(|(_, delivery)| *delivery)
        .zip(&receipts)
        .collect();
    ledger::add(conn, lines).await?;
    for (message_id, times) in repeated {
        ledger::count_attempts(conn, message_id, times).await?;
    }

    let mut answers = vec![
        Receipt {
            outcome: Outcome::Duplicate,
            reason: None
        };
        deliveries.len()
    ];
    for ((place, _), receipt) in fresh.into_iter().zip(receipts) {
        if let Some(answer) = answers.get_mut(place) {
            *answer = receipt;
        }
    }
    Ok(answers)
}

fn writes_of(delivery: &Delivery) -> &[Write] {
    match &delivery.effect {
        Effect::Writes(writes) => writes,
        Effect::Ignored { .. } | Effect::Quarantined { .. } => &[],
    }
}

/// What became of a delivery whose writes changed a row, or none: then the rows knew better.
pub(super) fn receipt(delivery: &Delivery, changed: bool) -> Receipt {
    let notes = || (!delivery.notes.is_empty()).then(|| delivery.notes.join("; "));
    match &delivery.effect {
        Effect::Ignored { reason } => Receipt {
            outcome: Outcome::Ignored,
            reason: Some(reason.clone()),
        },
        Effect::Quarantined { reason } => Receipt {
            outcome: Outcome::Quarantined,
            reason: Some(reason.clone()),
        },
        Effect::Writes(_) if changed => Receipt {
            outcome: Outcome::Applied,
            reason: notes(),
        },
        Effect::Writes(_) => Receipt {
            outcome: Outcome::Stale,
            reason: notes(),
        },
    }
}

/// Makes groups of writes, each as if it came after the one before, and puts what others see into the feed. Answers for
/// each group whether it changed anything that others see.
pub(super) async fn write_all(
    conn: &mut Conn,
    groups: &[&[Write]],
    context: &Context<'_>,
) -> QueryResult<Vec<bool>> {
    let mut changed = vec![false; groups.len()];
    for wave in waves::of(groups) {
        let members: Vec<(usize, &[Write])> = wave
            .into_iter()
            .filter_map(|group| groups.get(group).map(|writes| (group, *writes)))
            .collect();
        let writes: Vec<&Write> = members.iter().flat_map(|(_, writes)| *writes).collect();
        let former_payers = tiers::payers_so_far(conn, &writes).await?;
        let seen = write_wave(conn, &writes, context).await?;
        let keys: HashSet<(ObjectKind, &str)> = seen
            .iter()
            .map(|change| (change.kind, change.clerk_id.as_str()))
            .collect();
        for (group, writes) in &members {
            let is_seen = |write: &Write| {
                let (kind, id) = write.key();
                keys.contains(&(kind, id.as_str()))
            };
            if let Some(changed) = changed.get_mut(*group) {
                *changed = writes.iter().any(is_seen);
            }
        }
        changes::append(conn, seen).await?;
        let followed = tiers::follow(conn, &writes, former_payers, context).await?;
        changes::append(conn, followed).await?;
    }
    Ok(changed)
}

/// Writes of which no two of a kind are about one row. Deletions first: an event that deletes may tell the object's last
/// state too, which then fills the row without being announced.
async fn write_wave(
    conn: &mut Conn,
    writes: &[&Write],
    context: &Context<'_>,
) -> QueryResult<Vec<Change>> {
    let waves::ByKind {
        deletions,
        users,
        sessions: session_writes,
        organizations: organization_writes,
        memberships: membership_writes,
        subscriptions: subscription_writes,
        items,
        objects: object_writes,
    } = waves::ByKind::of(writes);
    let mut seen = Vec::new();
    seen.extend(user_writes::delete(conn, &deletions, context).await?);
    seen.extend(organizations::delete(conn, &deletions, context).await?);
    seen.extend(memberships::delete(conn, &deletions, context).await?);
    seen.extend(objects::delete(conn, &deletions, context).await?);
    seen.extend(user_writes::upsert(conn, &users, context).await?);
    seen.extend(sessions::upsert(conn, &session_writes, context).await?);
    seen.extend(organizations::upsert(conn, &organization_writes, context).await?);
    seen.extend(memberships::upsert(conn, &membership_writes, context).await?);
    seen.extend(subscriptions::upsert(conn, &subscription_writes, context).await?);
    seen.extend(subscriptions::upsert_items(conn, &items, context).await?);
    seen.extend(objects::upsert(conn, &object_writes, context).await?);
    Ok(seen)
}
