//! Writes become rows: many deliveries in one transaction, with a few statements for all of them.

use std::collections::{HashMap, HashSet};

use diesel::QueryResult;
use domain::{ChangeKind, Delivery, Effect, FeedMark, Outcome, Policy, Receipt, Write};

use super::super::{begin_writing, commit};
use super::about_users::{self, AboutUsers};
use super::addresses::Moves;
use super::changes::News;
use super::foreseen::{self, Foreseen};
use super::forgotten::{Forgotten, Named};
use super::guarded::Context;
use super::standing::Standing;
use super::{
    Conn, addresses, changes, consequences, forgotten, insertion, ledger, memberships, objects,
    organizations, plans, sessions, standing, subscriptions, user_writes, waves,
};

/// How a batch may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As few round trips as it takes.
    Shortest,
    /// Nothing is foreseen: the database says of each row what has become of it.
    StepByStep,
}

/// What has become of deliveries.
pub(super) struct Applied {
    /// A receipt for each, in their order.
    pub(super) receipts: Vec<Receipt>,
    /// What the feed tells of them.
    pub(super) changes: Vec<FeedMark>,
}

/// Applies deliveries in the order in which they stand, in a transaction of their own.
///
/// In the common case the database is asked twice: what it knows, behind the lock; and what is to be written, with the
/// commit, where that can be foreseen; else three times, as what is to be remembered of rows then follows from what they
/// have become. What deliveries tell of forgotten persons is dropped, behind the lock: no erasure comes between.
pub(super) async fn deliveries(
    conn: &mut Conn,
    deliveries: &[Delivery],
    policy: &Policy,
    way: Way,
) -> QueryResult<Applied> {
    let Some(now) = deliveries.iter().map(|delivery| delivery.received_at).max() else {
        return Ok(Applied {
            receipts: Vec::new(),
            changes: Vec::new(),
        });
    };
    let context = Context {
        policy,
        now,
        again: false,
    };
    let users = about_users::written(deliveries.iter().flat_map(writes_of));
    let may_be_foreseen =
        way == Way::Shortest && foreseen::may_be(deliveries.iter().map(writes_of), &context);
    let looked_at: &[&str] = if may_be_foreseen { &users } else { &[] };
    let named = Named::by(deliveries);
    let (named, nameless) = (named.users_but(looked_at), named.sessions());
    let ((), known, places, plans, sign_ins, addresses, rows, forgotten, sessions) = together!(
        conn;
        begin_writing(),
        ledger::known(deliveries),
        standing::places_of(&users, &context),
        plans::of_users(&users),
        sessions::latest_sign_ins(&users),
        addresses::of_users(&users),
        foreseen::rows_of(looked_at),
        forgotten::among(&named),
        forgotten::sessions_among(&nameless),
    )?;
    let about = AboutUsers {
        standing: Standing { places, plans },
        sign_ins,
        addresses,
    };
    let mut forgotten = Forgotten {
        users: forgotten,
        sessions,
    };
    let in_rows = foreseen::forgotten(&rows).map(str::to_owned);
    forgotten.users.extend(in_rows);
    let redacted: Vec<Delivery>;
    let deliveries = if forgotten.is_empty() {
        deliveries
    } else {
        let each = deliveries
            .iter()
            .map(|delivery| forgotten.redacted(delivery));
        redacted = each.collect();
        &redacted
    };
    let (fresh, mut repeated) = sorted(deliveries, &known);

    let groups: Vec<&[Write]> = fresh
        .iter()
        .map(|(_, delivery)| writes_of(delivery))
        .collect();
    let foreseen = if may_be_foreseen {
        foreseen::of(&groups, rows, &about, &context)
    } else {
        None
    };
    let (changed, seen, profiles, addresses) = match foreseen {
        Some(Foreseen {
            rows,
            addresses,
            seen,
            changed,
        }) => (changed, seen, rows, addresses),
        None => {
            let Written { changed, seen } =
                write_groups(conn, &groups, Some(about), &context).await?;
            (changed, seen, Vec::new(), Moves::default())
        }
    };
    let receipts: Vec<Receipt> = fresh
        .iter()
        .zip(changed)
        .map(|((_, delivery), changed)| receipt(delivery, changed))
        .collect();
    let lines: Vec<(&Delivery, &Receipt, i32)> = fresh
        .iter()
        .zip(&receipts)
        .map(|((_, delivery), receipt)| {
            let again = repeated.remove(delivery.message_id.as_str());
            (*delivery, receipt, 1 + again.unwrap_or(0))
        })
        .collect();
    // The others are in the ledger already.
    for (message_id, times) in repeated {
        ledger::count_attempts(conn, message_id, times).await?;
    }
    let ((), (), (), changes, (), ()) = together!(
        conn;
        user_writes::put(profiles),
        addresses::delete(addresses.outdated),
        insertion::insert(addresses.new),
        changes::append(seen),
        ledger::add(&lines),
        commit(),
    )?;

    let duplicate = Receipt {
        outcome: Outcome::Duplicate,
        reason: None,
    };
    let mut answers = vec![duplicate; deliveries.len()];
    for ((place, _), receipt) in fresh.into_iter().zip(receipts) {
        if let Some(answer) = answers.get_mut(place) {
            *answer = receipt;
        }
    }
    Ok(Applied {
        receipts: answers,
        changes,
    })
}

/// The deliveries that are new, each with its place, and how often each message came besides.
fn sorted<'a>(
    deliveries: &'a [Delivery],
    known: &HashSet<String>,
) -> (Vec<(usize, &'a Delivery)>, HashMap<&'a str, i32>) {
    let mut fresh = Vec::with_capacity(deliveries.len());
    let mut repeated: HashMap<&str, i32> = HashMap::new();
    let mut seen: HashSet<&str> = HashSet::with_capacity(deliveries.len());
    for (place, delivery) in deliveries.iter().enumerate() {
        let id = delivery.message_id.as_str();
        if known.contains(id) || !seen.insert(id) {
            *repeated.entry(id).or_default() += 1;
        } else {
            fresh.push((place, delivery));
        }
    }
    (fresh, repeated)
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
/// each group whether it changed anything that others see. The caller holds the write lock.
pub(super) async fn write_all(
    conn: &mut Conn,
    groups: &[&[Write]],
    context: &Context<'_>,
) -> QueryResult<Vec<bool>> {
    let named = Named::by_groups(groups);
    let forgotten = Forgotten {
        users: forgotten::among(conn, &named.users()).await?,
        sessions: forgotten::sessions_among(conn, &named.sessions()).await?,
    };
    let kept: Vec<Vec<Write>>;
    let of_kept: Vec<&[Write]>;
    let groups = if forgotten.is_empty() {
        groups
    } else {
        kept = groups
            .iter()
            .map(|writes| forgotten.without(writes))
            .collect();
        of_kept = kept.iter().map(Vec::as_slice).collect();
        &of_kept
    };
    // In a box of its own: it is most of its callers' size.
    let written = Box::pin(write_groups(conn, groups, None, context));
    let Written { changed, seen } = written.await?;
    changes::append(conn, seen).await?;
    Ok(changed)
}

/// What groups of writes have led to.
struct Written {
    /// For each group, whether it changed anything that others see.
    changed: Vec<bool>,
    /// What they see, in the order of the groups for each object.
    seen: Vec<News>,
}

/// Makes groups of writes, wave by wave. What is known `about` users before the first may be given.
async fn write_groups(
    conn: &mut Conn,
    groups: &[&[Write]],
    mut about: Option<AboutUsers>,
    context: &Context<'_>,
) -> QueryResult<Written> {
    let mut changed = vec![false; groups.len()];
    let mut seen = Vec::with_capacity(groups.len());
    for wave in waves::of(groups) {
        let members: Vec<(usize, &[Write])> = wave
            .into_iter()
            .filter_map(|group| groups.get(group).map(|writes| (group, *writes)))
            .collect();
        let writes: Vec<&Write> = members.iter().flat_map(|(_, writes)| *writes).collect();
        let about = match about.take() {
            Some(about) => about,
            None => {
                let users = about_users::written(writes.iter().copied());
                AboutUsers::read(conn, &users, context).await?
            }
        };
        let former_payers = consequences::payers_so_far(conn, &writes).await?;
        let of_wave = write_wave(conn, &writes, &about, context).await?;
        let keys: HashSet<(ChangeKind, &str)> = of_wave
            .iter()
            .map(|change| (change.kind, change.clerk_id.as_str()))
            .collect();
        for (group, writes) in &members {
            let is_seen = |write: &Write| {
                let (kind, id) = write.key();
                keys.contains(&(kind.into(), id.as_str()))
            };
            if let Some(changed) = changed.get_mut(*group) {
                *changed = writes.iter().any(is_seen);
            }
        }
        seen.extend(of_wave);
        // In a box of its own, as it is most of this function's size and rarely has much to do.
        let follow = consequences::follow(conn, &writes, former_payers, context);
        seen.extend(Box::pin(follow).await?);
    }
    Ok(Written { changed, seen })
}

/// Writes of which no two of a kind are about one row. Deletions first: an event that deletes may tell the object's last
/// state too, which then fills the row without being announced.
async fn write_wave(
    conn: &mut Conn,
    writes: &[&Write],
    about: &AboutUsers,
    context: &Context<'_>,
) -> QueryResult<Vec<News>> {
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
    seen.extend(user_writes::delete(conn, &deletions, about, context).await?);
    seen.extend(organizations::delete(conn, &deletions, context).await?);
    seen.extend(memberships::delete(conn, &deletions, context).await?);
    seen.extend(objects::delete(conn, &deletions, context).await?);
    seen.extend(user_writes::upsert(conn, &users, about, context).await?);
    seen.extend(sessions::upsert(conn, &session_writes, context).await?);
    seen.extend(organizations::upsert(conn, &organization_writes, context).await?);
    seen.extend(memberships::upsert(conn, &membership_writes, context).await?);
    seen.extend(subscriptions::upsert(conn, &subscription_writes, context).await?);
    seen.extend(subscriptions::upsert_items(conn, &items, context).await?);
    seen.extend(objects::upsert(conn, &object_writes, context).await?);
    Ok(seen)
}
