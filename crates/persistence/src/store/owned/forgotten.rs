//! What of the workspace goes with a person who is forgotten, and what of it is handed out to him.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::sql_types::BigInt;
use domain::workspace::{Owned, OwnedFilter, Scope};
use domain::{Attribution, OwnedRows, PageQuery, Paged, StoreError};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::run::RunQueryDsl as _;
use super::super::{Conn, Store};
use super::pieces::Plain;
use super::{Keep, each_kind, portfolio_summary, tell};
use crate::row_security::Told;

/// Rows that are read at a time.
const PAGE: u32 = 1_000;

/// As the person himself: no policy lets anybody do more for this.
fn himself(user_id: Uuid, at: DateTime<Utc>) -> Scope {
    Scope {
        user_id,
        organization_id: None,
        is_admin: false,
        claims: json!({}),
        by: Attribution::system(at),
    }
}

/// Deletes every row of a person, and what was shared with him, in the caller's transaction.
pub(in super::super) async fn forget(
    conn: &mut Conn,
    user_id: Uuid,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let told = &Told::of(&himself(user_id, at), None);
    together!(conn; tell(told))?;
    macro_rules! forget {
        ($($_:ident: $kind:ty,)+) => {$(
            Plain::<BigInt>::of(<$kind as Keep>::TABLE.forget(user_id))
                .execute(conn)
                .await?;
        )+};
    }
    each_kind!(forget);
    portfolio_summary::forget(conn, user_id).await
}

/// Every row of a person, by kind.
pub(in super::super) async fn held(
    store: &Store,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Value, StoreError> {
    let scope = &himself(user_id, now);
    let mut held = Map::new();
    macro_rules! hold {
        ($($_:ident: $kind:ty,)+) => {$(
            let rows = all::<$kind>(store, scope).await?;
            held.insert(<$kind as Keep>::TABLE.name.to_owned(), json!(rows));
        )+};
    }
    each_kind!(hold);
    Ok(Value::Object(held))
}

async fn all<T: Keep>(store: &Store, scope: &Scope) -> Result<Vec<Owned<T>>, StoreError> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = PageQuery { limit: PAGE, after };
        let page: Paged<Owned<T>> = store.list(scope, OwnedFilter::default(), page).await?;
        after = page.items.last().map(|row| row.id);
        all.extend(page.items);
        if page.next_cursor.is_none() {
            return Ok(all);
        }
    }
}
