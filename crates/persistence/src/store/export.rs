//! Everything that is held about a person, as one JSON object.

use super::run::RunQueryDsl;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{AuditFilter, StoreError, User};
use serde_json::{Value, json};

use super::mentions::Mentions;
use super::{Conn, Store, audit, erasures, limited, owned, store_error, user_overview};
use crate::column::{Id, Time};
use crate::schema::{
    invite_redemptions as redemptions, subscription_items as items, subscriptions, usage,
};

/// Lines of the audit log at most; nobody has so many.
const LINES: u32 = 10_000;
/// Sessions at most; nobody has so many.
const SESSIONS: i64 = 10_000;

/// Reads it in steps, as its parts may be larger than one call has time for.
pub(super) async fn of(
    store: &Store,
    person: &User,
    now: DateTime<Utc>,
) -> Result<Value, StoreError> {
    let mentions = store.mentions_of(person).await?;
    let mut held = limited(async {
        let mut lease = store.reader().await?;
        let held = rows(lease.conn(), person).await;
        lease.settle(held).map_err(store_error)
    })
    .await?;
    if let Some(held) = held.as_object_mut() {
        held.insert("exported_at".to_owned(), json!(now));
        held.insert(
            "workspace".to_owned(),
            owned::held(store, person.id, now).await?,
        );
        held.insert("messages".to_owned(), messages(store, &mentions).await?);
        held.insert("objects".to_owned(), objects(store, &mentions).await?);
    }
    Ok(held)
}

async fn rows(conn: &mut Conn, person: &User) -> QueryResult<Value> {
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
    Ok(json!({
        "user": person,
        "emails": user_overview::emails_of(conn, id).await?,
        "sessions": user_overview::sessions_of(conn, id, SESSIONS).await?,
        "organizations": user_overview::places_of(conn, id).await?,
        "subscriptions": paid_by(conn, id).await?,
        "usage": used,
        "invite": redeemed,
        "audit_about": audit::lines(conn, &about, None, LINES).await?,
        "audit_by": audit::lines(conn, &by_person, None, LINES).await?,
        "erasure": erasures::latest(conn, person.id).await?,
    }))
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

async fn messages(store: &Store, mentions: &Mentions) -> Result<Value, StoreError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.page_of_deliveries(after).await?;
        let Some(last) = page.last() else {
            return Ok(Value::Array(found));
        };
        after = Some(last.id);
        let about = page.into_iter().filter(|stored| stored.names(mentions));
        found.extend(about.map(|stored| {
            json!({
                "id": stored.id.0, "event_type": stored.event_type,
                "received_at": stored.received_at.0,
                "payload": stored.payload.map(|payload| payload.0),
            })
        }));
    }
}

async fn objects(store: &Store, mentions: &Mentions) -> Result<Value, StoreError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.page_of_objects(after.as_ref()).await?;
        let Some((last, _)) = page.last() else {
            return Ok(Value::Array(found));
        };
        after = Some(last.clone());
        let about = page.into_iter().filter(|(_, data)| mentions.are_in(data));
        found.extend(
            about.map(
                |(key, data)| json!({"kind": key.kind, "clerk_id": key.clerk_id, "data": data}),
            ),
        );
    }
}
