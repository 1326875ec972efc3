//! The steps in which a person is forgotten. The tables are walked in parts, each of which is committed: a table may be
//! larger than what one call has time for.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use domain::{ChangeOp, FeedItem, Precedence, StoreError, User};
use serde_json::json;
use uuid::Uuid;

use super::forgotten::{ABOVE_ALL, erased};
use super::local;
use super::mentions::Mentions;
use super::run::RunQueryDsl;
use super::stored_pages::{self, ObjectKey};
use super::user_rows;
use super::{Conn, Store, changes, invite_attempts, limited, owned, store_error};
use crate::column::{Id, Json, Time, Written};
use crate::schema::{
    changes as feed, clerk_objects as objects, organization_memberships as memberships, sessions,
    user_emails, users, webhook_deliveries as ledger,
};

impl Store {
    /// Empties the messages that name the person. Their lines stay.
    pub(super) async fn forget_deliveries(&self, mentions: &Mentions) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.page_of_deliveries(after).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            let about: Vec<Id> = page
                .iter()
                .filter(|stored| stored.names(mentions))
                .map(|stored| stored.id)
                .collect();
            if about.is_empty() {
                continue;
            }
            limited(async {
                let mut lease = self.writer().await?;
                let emptied: QueryResult<usize> =
                    diesel::update(ledger::table.filter(ledger::id.eq_any(about)))
                        .set((
                            ledger::payload.eq(None::<Written<'_>>),
                            ledger::payload_bytes.eq(None::<Vec<u8>>),
                        ))
                        .execute(lease.conn())
                        .await;
                lease.settle(emptied).map_err(store_error)
            })
            .await?;
        }
    }

    /// Empties the objects that name the person, for good.
    pub(super) async fn forget_objects(&self, mentions: &Mentions) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.page_of_objects(after.as_ref()).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let about: Vec<ObjectKey> = page
                .into_iter()
                .filter(|(_, data)| mentions.are_in(data))
                .map(|(key, _)| key)
                .collect();
            for key in about {
                limited(async {
                    let mut lease = self.writer().await?;
                    let emptied: QueryResult<usize> =
                        diesel::update(objects::table.find((&key.kind, &key.clerk_id)))
                            .set((
                                objects::data.eq(Json(erased())),
                                objects::precedence.eq(ABOVE_ALL.to_vec()),
                            ))
                            .execute(lease.conn())
                            .await;
                    lease.settle(emptied).map_err(store_error)
                })
                .await?;
            }
        }
    }

    /// Empties the changes that tell of the person. Their places in the feed stay. Answers the last cursor that it has
    /// seen.
    pub(super) async fn forget_changes(&self, mentions: &Mentions) -> Result<i64, StoreError> {
        let mut after = 0;
        loop {
            let page = domain::Changes::after(self, after, stored_pages::SIZE).await?;
            let Some(last) = page.last() else {
                return Ok(after);
            };
            after = last.cursor;
            let about = telling_of(mentions, &page);
            if about.is_empty() {
                continue;
            }
            limited(async {
                let mut lease = self.writer().await?;
                let emptied = empty_changes(lease.conn(), about, mentions).await;
                lease.settle(emptied).map_err(store_error)
            })
            .await?;
        }
    }
}

/// The changes that tell of the person.
fn telling_of(mentions: &Mentions, page: &[FeedItem]) -> Vec<i64> {
    let about = page
        .iter()
        .filter(|item| mentions.are_told_by(&item.change));
    about.map(|item| item.cursor).collect()
}

async fn empty_changes(conn: &mut Conn, about: Vec<i64>, mentions: &Mentions) -> QueryResult<()> {
    // The person's id stays, as everywhere: who follows the feed still knows whom it is about.
    let data = json!({ "erased": true, "clerk_user_id": mentions.clerk_user_id() });
    diesel::update(feed::table.filter(feed::cursor.eq_any(about)))
        .set(feed::data.eq(Json(data)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Empties the changes after this cursor that tell of the person: what came while the others were walked. The caller
/// holds the write lock, so that no more come.
pub(super) async fn empty_changes_after(
    conn: &mut Conn,
    cursor: i64,
    mentions: &Mentions,
) -> QueryResult<()> {
    let mut after = cursor;
    loop {
        let page = changes::after(conn, after, stored_pages::SIZE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.cursor;
        let about = telling_of(mentions, &page);
        if !about.is_empty() {
            empty_changes(conn, about, mentions).await?;
        }
    }
}

/// The first step: from now on nothing that is told of the person is kept. What is found by his addresses is still to be
/// emptied, so these stay until the end. The caller holds the write lock.
pub(super) async fn close_rows(conn: &mut Conn, person: &User) -> QueryResult<()> {
    let id = person.clerk_user_id.as_str();
    let nothing = None::<String>;
    diesel::update(users::table.find(Id(person.id)))
        .set(users::precedence.eq(ABOVE_ALL.to_vec()))
        .execute(conn)
        .await?;
    diesel::update(sessions::table.filter(sessions::clerk_user_id.eq(id)))
        .set((
            sessions::client_ip.eq(&nothing),
            sessions::user_agent.eq(&nothing),
            sessions::actor.eq(None::<Json>),
            sessions::sign_in_precedence.eq(ABOVE_ALL.to_vec()),
        ))
        .execute(conn)
        .await?;
    diesel::update(memberships::table.filter(memberships::clerk_user_id.eq(id)))
        .set(memberships::public_metadata.eq(Json(json!({}))))
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets a person's row be filled again: the request was called off when it was nearly done.
pub(super) async fn reopen_row(conn: &mut Conn, user_id: Uuid) -> QueryResult<()> {
    let row = users::table.find(Id(user_id));
    diesel::update(row.filter(users::precedence.eq(ABOVE_ALL.to_vec())))
        .set(users::precedence.eq(Precedence::NOTHING_KNOWN.to_bytes()))
        .execute(conn)
        .await?;
    Ok(())
}

/// The last step: empties the person's own rows, and tells the feed that he is gone. The caller holds the write lock.
pub(super) async fn empty_rows(
    conn: &mut Conn,
    person: &User,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let id = person.clerk_user_id.as_str();
    let nothing = None::<String>;
    diesel::update(users::table.find(Id(person.id)))
        .set((
            (
                users::external_id.eq(&nothing),
                users::username.eq(&nothing),
                users::email.eq(&nothing),
                users::email_verified.eq(false),
                users::first_name.eq(&nothing),
                users::last_name.eq(&nothing),
                users::full_name.eq(&nothing),
                users::image_url.eq(&nothing),
            ),
            users::public_metadata.eq(Json(json!({}))),
            users::preferences.eq(Json(json!({}))),
            users::last_login_at.eq(None::<Time>),
            users::deleted_at.eq(Time(person.deleted_at.unwrap_or(at))),
            users::precedence.eq(ABOVE_ALL.to_vec()),
            users::mirrored_at.eq(Time(at)),
        ))
        .execute(conn)
        .await?;
    invite_attempts::forget(conn, person.id).await?;
    diesel::delete(user_emails::table.filter(user_emails::clerk_user_id.eq(id)))
        .execute(conn)
        .await?;
    owned::forget(conn, person.id, at).await?;
    if let Some(row) = local::find(conn, &(&person.clerk_user_id).into()).await? {
        let change = user_rows::change_of(&row, ChangeOp::Delete, at)?;
        changes::append(conn, vec![change]).await?;
    }
    Ok(())
}
