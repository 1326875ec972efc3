//! Everything that is held about a person, as one JSON object; `truncated` names the parts that are not whole.
//!
//! What stands under the person's id is looked up. Messages, objects and changes name him anywhere, so their tables are
//! read through, messages and changes from the newest on, within what a request has of time and memory.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{AuditFilter, StoreError, User, attempt_subject_of_user};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::mentions::Mentions;
use super::run::RunQueryDsl;
use super::{
    Conn, Store, audit, changes, erasures, limited, owned, rows, store_error, stored_pages,
    user_overview,
};
use crate::column::{Id, Time};
use crate::schema::{
    invite_attempts as attempts, invite_redemptions as redemptions, invites,
    subscription_items as items, subscriptions, usage,
};

/// Rows of one sort at most: more than anybody has.
const ROWS: u32 = 10_000;
/// How long messages, objects and changes may be read, each after the other. A request has some seconds more.
const READING: [Duration; 3] = [
    Duration::from_secs(3),
    Duration::from_secs(5),
    Duration::from_secs(7),
];
/// Of each of these, in bytes.
const SIZE: usize = 16 << 20;

/// A part of an export, and whether that is all there is.
struct Part {
    found: Vec<Value>,
    is_whole: bool,
    until: Instant,
    left: usize,
}

impl Part {
    /// One that is read until then.
    fn until(until: Instant) -> Self {
        Self {
            found: Vec::new(),
            is_whole: true,
            until,
            left: SIZE,
        }
    }

    /// Whether more may be read; if not, the part is not whole.
    fn has_room(&mut self) -> bool {
        self.is_whole &= self.left > 0 && Instant::now() < self.until;
        self.is_whole
    }

    fn add(&mut self, value: Value) {
        let size = value.to_string().len();
        if size > self.left {
            self.left = 0;
            self.is_whole = false;
        } else {
            self.left -= size;
            self.found.push(value);
        }
    }
}

/// Reads it in steps, as its parts may be larger than one call has time for.
pub(super) async fn of(
    store: &Store,
    person: &User,
    now: DateTime<Utc>,
) -> Result<Value, StoreError> {
    let began = Instant::now();
    let [messages_until, objects_until, changes_until] = READING.map(|time| began + time);
    let mentions = store.mentions_of(person).await?;
    let (mut held, mut truncated) = limited(async {
        let mut lease = store.reader().await?;
        let held = of_rows(lease.conn(), person).await;
        lease.settle(held).map_err(store_error)
    })
    .await?;
    let mut parts = [
        ("messages", Part::until(messages_until)),
        ("objects", Part::until(objects_until)),
        ("changes", Part::until(changes_until)),
    ];
    let [(_, in_messages), (_, in_objects), (_, in_changes)] = &mut parts;
    read_messages(store, &mentions, in_messages).await?;
    read_objects(store, &mentions, in_objects).await?;
    read_changes(store, &mentions, in_changes).await?;
    if let Some(held) = held.as_object_mut() {
        held.insert("exported_at".to_owned(), json!(now));
        held.insert(
            "workspace".to_owned(),
            owned::held(store, person.id, now).await?,
        );
        for (name, part) in parts {
            if !part.is_whole {
                truncated.push(name);
            }
            held.insert(name.to_owned(), Value::Array(part.found));
        }
        held.insert("truncated".to_owned(), json!(truncated));
    }
    Ok(held)
}

/// What stands under the person's id, and the names of those parts that are not whole.
async fn of_rows(conn: &mut Conn, person: &User) -> QueryResult<(Value, Vec<&'static str>)> {
    let id = person.clerk_user_id.as_str();
    let about = AuditFilter {
        subject_id: Some(id.to_owned()),
        ..AuditFilter::default()
    };
    let by_person = AuditFilter {
        actor: Some(id.to_owned()),
        ..AuditFilter::default()
    };
    let used: Vec<(String, String, i64)> = usage::table
        .filter(usage::user_id.eq(Id(person.id)))
        .order((usage::month, usage::feature))
        .select((usage::month, usage::feature, usage::used))
        .load(conn)
        .await?;
    let used: Vec<Value> = used
        .into_iter()
        .map(|(month, feature, used)| json!({"month": month, "feature": feature, "used": used}))
        .collect();
    let redeemed: Option<(Option<Id>, Time)> = redemptions::table
        .find(Id(person.id))
        .select((redemptions::invite_id, redemptions::redeemed_at))
        .first(conn)
        .await
        .optional()?;
    let redeemed = redeemed
        .map(|(invite, at)| json!({"invite_id": invite.map(|id| id.0), "redeemed_at": at.0}));
    let tried: Vec<Time> = attempts::table
        .filter(attempts::subject.eq(attempt_subject_of_user(person.id)))
        .order(attempts::at)
        .select(attempts::at)
        .load(conn)
        .await?;
    let tried: Vec<DateTime<Utc>> = tried.into_iter().map(|at| at.0).collect();

    // One more than is shown tells whether that is all.
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let mut sessions = user_overview::sessions_of(conn, id, i64::from(ROWS) + 1).await?;
    let mut audit_about = audit::lines(conn, &about, None, ROWS + 1).await?;
    let mut audit_by = audit::lines(conn, &by_person, None, ROWS + 1).await?;
    let mut made = made_by(conn, id).await?;
    let mut truncated = Vec::new();
    for (name, is_too_long) in [
        ("sessions", sessions.len() > most),
        ("audit_about", audit_about.len() > most),
        ("audit_by", audit_by.len() > most),
        ("invites_made", made.len() > most),
    ] {
        if is_too_long {
            truncated.push(name);
        }
    }
    sessions.truncate(most);
    audit_about.truncate(most);
    audit_by.truncate(most);
    made.truncate(most);
    let held = json!({
        "user": person,
        "emails": rows::emails_of(conn, id).await?,
        "sessions": sessions,
        "organizations": user_overview::places_of(conn, id).await?,
        "subscriptions": paid_by(conn, id).await?,
        "usage": used,
        "invite": redeemed,
        "invite_attempts": tried,
        "invites_made": made,
        "audit_about": audit_about,
        "audit_by": audit_by,
        "erasure": erasures::latest(conn, person.id).await?,
    });
    Ok((held, truncated))
}

/// The invites that a user has made, the newest first.
async fn made_by(conn: &mut Conn, clerk_user_id: &str) -> QueryResult<Vec<Value>> {
    let made: Vec<(Id, Option<String>, Time)> = invites::table
        .filter(invites::created_by.eq(clerk_user_id))
        .order(invites::id.desc())
        .limit(i64::from(ROWS) + 1)
        .select((invites::id, invites::note, invites::created_at))
        .load(conn)
        .await?;
    let made = made.into_iter();
    Ok(made
        .map(|(id, note, at)| json!({"id": id.0, "note": note, "created_at": at.0}))
        .collect())
}

/// Id, plan, state and end of a paid period.
type Plan = (String, Option<String>, Option<String>, Option<Time>);

async fn paid_by(conn: &mut Conn, clerk_user_id: &str) -> QueryResult<Vec<Value>> {
    let paid: Vec<(String, Option<String>)> = subscriptions::table
        .filter(subscriptions::payer_user_id.eq(clerk_user_id))
        .order(subscriptions::clerk_subscription_id)
        .select((subscriptions::clerk_subscription_id, subscriptions::status))
        .load(conn)
        .await?;
    let plans: Vec<Plan> = items::table
        .filter(items::payer_user_id.eq(clerk_user_id))
        .order(items::clerk_subscription_item_id)
        .select((
            items::clerk_subscription_item_id,
            items::plan_slug,
            items::status,
            items::period_end,
        ))
        .load(conn)
        .await?;
    let paid = paid
        .into_iter()
        .map(|(id, status)| json!({"clerk_subscription_id": id, "status": status}));
    let plans = plans.into_iter().map(|(id, plan, status, end)| {
        json!({
            "clerk_subscription_item_id": id, "plan_slug": plan, "status": status,
            "period_end": end.map(|at| at.0),
        })
    });
    Ok(paid.chain(plans).collect())
}

async fn read_messages(
    store: &Store,
    mentions: &Mentions,
    part: &mut Part,
) -> Result<(), StoreError> {
    let mut before = None;
    while part.has_room() {
        let page = store.page_of_deliveries_before(before).await?;
        let Some(last) = page.last() else {
            break;
        };
        before = Some(last.id);
        for stored in page.into_iter().filter(|stored| stored.names(mentions)) {
            part.add(json!({
                "id": stored.id.0, "event_type": stored.event_type,
                "received_at": stored.received_at.0,
                "payload": stored.payload.map(|payload| payload.0),
            }));
        }
    }
    Ok(())
}

async fn read_objects(
    store: &Store,
    mentions: &Mentions,
    part: &mut Part,
) -> Result<(), StoreError> {
    let mut after = None;
    while part.has_room() {
        let page = store.page_of_objects(after.as_ref()).await?;
        let Some((last, _)) = page.last() else {
            break;
        };
        after = Some(last.clone());
        for (key, data) in page.into_iter().filter(|(_, data)| mentions.are_in(data)) {
            part.add(json!({"kind": key.kind, "clerk_id": key.clerk_id, "data": data}));
        }
    }
    Ok(())
}

async fn read_changes(
    store: &Store,
    mentions: &Mentions,
    part: &mut Part,
) -> Result<(), StoreError> {
    let mut before = i64::MAX;
    while part.has_room() {
        let page = limited(async {
            let mut lease = store.reader().await?;
            let page = changes::before(lease.conn(), before, stored_pages::SIZE).await;
            lease.settle(page).map_err(store_error)
        })
        .await?;
        let Some(last) = page.last() else {
            break;
        };
        before = last.cursor;
        for item in page
            .into_iter()
            .filter(|item| mentions.are_told_by(&item.change))
        {
            let change = item.change;
            part.add(json!({
                "cursor": item.cursor, "kind": change.kind.as_str(), "clerk_id": change.clerk_id,
                "op": change.op.as_str(), "at": change.at, "data": change.data,
            }));
        }
    }
    Ok(())
}
