//! Whole tables, read in parts: the ledger with its messages, and the objects that are kept as they came.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, QueryResult, Queryable, Selectable,
    SelectableHelper,
};
use domain::StoreError;
use serde_json::Value;

use super::mentions::Mentions;
use super::run::RunQueryDsl;
use super::{Db, Store, limited, store_error};
use crate::column::{Id, Json, Time};
use crate::schema::{clerk_objects as objects, webhook_deliveries as ledger};

/// Rows in a part: a message may have a mebibyte.
pub(super) const SIZE: u32 = 100;

/// A line of the ledger with its message.
#[derive(Queryable, Selectable)]
#[diesel(table_name = ledger)]
pub(super) struct StoredMessage {
    pub(super) id: Id,
    pub(super) event_type: String,
    pub(super) received_at: Time,
    pub(super) payload: Option<Json>,
    payload_bytes: Option<Vec<u8>>,
}

impl StoredMessage {
    /// Whether the message names the person.
    pub(super) fn names(&self, mentions: &Mentions) -> bool {
        let is_in_json = self
            .payload
            .as_ref()
            .is_some_and(|payload| mentions.are_in(&payload.0));
        let bytes = self.payload_bytes.as_deref();
        is_in_json || bytes.is_some_and(|bytes| mentions.are_in_bytes(bytes))
    }
}

/// The key of an object that is kept as it came.
#[derive(Clone)]
pub(super) struct ObjectKey {
    pub(super) kind: String,
    pub(super) clerk_id: String,
}

impl Store {
    /// The oldest first.
    pub(super) async fn page_of_deliveries(
        &self,
        after: Option<Id>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let mut query = ledger::table.order(ledger::id).into_boxed();
        if let Some(after) = after {
            query = query.filter(ledger::id.gt(after));
        }
        self.messages(query).await
    }

    /// The newest first.
    pub(super) async fn page_of_deliveries_before(
        &self,
        before: Option<Id>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let mut query = ledger::table.order(ledger::id.desc()).into_boxed();
        if let Some(before) = before {
            query = query.filter(ledger::id.lt(before));
        }
        self.messages(query).await
    }

    async fn messages(
        &self,
        query: ledger::BoxedQuery<'_, Db>,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        limited(async {
            let mut lease = self.reader().await?;
            let rows: QueryResult<Vec<StoredMessage>> = query
                .select(StoredMessage::as_select())
                .limit(i64::from(SIZE))
                .load(lease.conn())
                .await;
            lease.settle(rows).map_err(store_error)
        })
        .await
    }

    pub(super) async fn page_of_objects(
        &self,
        after: Option<&ObjectKey>,
    ) -> Result<Vec<(ObjectKey, Value)>, StoreError> {
        limited(async {
            let mut query = objects::table
                .select((objects::kind, objects::clerk_id, objects::data))
                .into_boxed();
            if let Some(after) = after {
                let same_kind = objects::kind
                    .eq(&after.kind)
                    .and(objects::clerk_id.gt(&after.clerk_id));
                query = query.filter(objects::kind.gt(&after.kind).or(same_kind));
            }
            let mut lease = self.reader().await?;
            let rows: QueryResult<Vec<(String, String, Json)>> = query
                .order((objects::kind, objects::clerk_id))
                .limit(i64::from(SIZE))
                .load(lease.conn())
                .await;
            let rows = lease.settle(rows).map_err(store_error)?;
            let keyed = |(kind, clerk_id, data): (String, String, Json)| {
                (ObjectKey { kind, clerk_id }, data.0)
            };
            Ok(rows.into_iter().map(keyed).collect())
        })
        .await
    }
}
