//! Stream tickets: kept as digests, and taken away by whoever redeems them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use domain::{ClerkId, StoreError, StreamTicket, StreamTickets};

use super::run::RunQueryDsl;
use super::{Store, limited, store_error};
use crate::column::Time;
use crate::schema::stream_tickets as tickets;

#[async_trait]
impl StreamTickets for Store {
    async fn issue(&self, ticket: StreamTicket) -> Result<(), StoreError> {
        let StreamTicket {
            digest,
            clerk_user_id,
            clerk_session_id,
            expires_at,
        } = ticket;
        limited(async {
            let mut lease = self.writer().await?;
            let issued: QueryResult<usize> = diesel::insert_into(tickets::table)
                .values((
                    tickets::digest.eq(digest.as_slice()),
                    tickets::clerk_user_id.eq(clerk_user_id.as_str()),
                    tickets::clerk_session_id.eq(clerk_session_id.as_str()),
                    tickets::expires_at.eq(Time(expires_at)),
                ))
                .execute(lease.conn())
                .await;
            lease.settle(issued).map(drop).map_err(store_error)
        })
        .await
    }

    async fn redeem(
        &self,
        digest: [u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<StreamTicket>, StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let taken: QueryResult<Option<(String, String, Time)>> =
                diesel::delete(tickets::table.filter(tickets::digest.eq(digest.as_slice())))
                    .returning((
                        tickets::clerk_user_id,
                        tickets::clerk_session_id,
                        tickets::expires_at,
                    ))
                    .get_result(lease.conn())
                    .await
                    .optional();
            let taken = lease.settle(taken).map_err(store_error)?;
            let Some((user, session, Time(expires_at))) = taken else {
                return Ok(None);
            };
            let id = |text| {
                ClerkId::parse(text)
                    .map_err(|error| StoreError::Unreadable(format!("stream_tickets: {error}")))
            };
            let ticket = StreamTicket {
                digest,
                clerk_user_id: id(user)?,
                clerk_session_id: id(session)?,
                expires_at,
            };
            Ok(Some(ticket).filter(|ticket| now < ticket.expires_at))
        })
        .await
    }

    async fn prune_tickets(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        limited(async {
            let mut lease = self.writer().await?;
            let old: QueryResult<Vec<Vec<u8>>> = tickets::table
                .filter(tickets::expires_at.le(Time(now)))
                .order(tickets::expires_at)
                .limit(i64::from(limit))
                .select(tickets::digest)
                .load(lease.conn())
                .await;
            let gone = match old {
                Ok(old) if old.is_empty() => Ok(0),
                Ok(old) => {
                    diesel::delete(tickets::table.filter(tickets::digest.eq_any(old)))
                        .execute(lease.conn())
                        .await
                }
                Err(error) => Err(error),
            };
            let gone = lease.settle(gone).map_err(store_error)?;
            Ok(u64::try_from(gone).unwrap_or(u64::MAX))
        })
        .await
    }
}
