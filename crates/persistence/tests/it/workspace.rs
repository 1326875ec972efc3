//! The workspace: rows that belong to users, through the ports and in plain SQL.
//!
//! On PostgreSQL there are two stores of one database: one as the superuser, whom no policy binds, so that what keeps
//! people apart is the queries alone, as on SQLite; and one as the application's role, behind both walls.

mod catalogue;
mod counted;
mod isolation;
mod kinds;
mod limits;
mod people;
mod plans;
mod roles;
mod shared;
mod sql;
mod storm;

use chrono::{DateTime, Utc};
use domain::workspace::{Owned, Resource, Scope, Written};
use domain::{Actor, Attribution, OwnedRows, PageQuery};
use persistence::{DatabaseUrl, Store};
use serde_json::json;
use uuid::Uuid;

use crate::facts::{at, id, user};
use crate::store::{TestStore, open};

/// Makes a test of each `async fn name(store: TestStore)` on SQLite, on PostgreSQL as the superuser, and on PostgreSQL as
/// the application's role.
macro_rules! on_every_wall {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::store::TestStore::sqlite().await).await;
                }
            )+
        }

        mod by_queries_alone {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::store::TestStore::postgres().await).await;
                }
            )+
        }

        mod behind_policies {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::workspace::as_application().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_every_wall;

/// A store on PostgreSQL whose role owns nothing and is bound by every policy.
pub(crate) async fn as_application() -> TestStore {
    as_application_of().await.0
}

/// The same, and the URL of the role.
pub(crate) async fn as_application_of() -> (TestStore, String) {
    let TestStore { database, .. } = TestStore::postgres().await;
    let url = database.bare_role_url().await;
    let parsed = |url: &str| -> DatabaseUrl { url.parse().unwrap() };
    persistence::let_in(&parsed(database.url()), &parsed(&url))
        .await
        .unwrap();
    let store = TestStore {
        store: open(&url),
        database,
    };
    (store, url)
}

pub(crate) fn now() -> DateTime<Utc> {
    at(1_000)
}

/// A user who is no admin.
pub(crate) fn scope() -> Scope {
    scope_of(Uuid::now_v7())
}

pub(crate) fn scope_of(user_id: Uuid) -> Scope {
    let by = Attribution {
        actor: Actor::User(id("user_1")),
        ..Attribution::system(now())
    };
    Scope {
        user_id,
        organization_id: None,
        is_admin: false,
        claims: json!({"sub": "user_1"}),
        by,
    }
}

pub(crate) fn admin() -> Scope {
    Scope {
        is_admin: true,
        ..scope()
    }
}

/// A row that is made.
pub(crate) async fn made<T: Resource>(port: &dyn OwnedRows<T>, scope: &Scope, new: T) -> Owned<T> {
    match port.create(scope, new, None).await.unwrap() {
        Written::Done(row) => row,
        other => panic!("{}: {other:?}", T::KIND),
    }
}

/// All rows of a filter.
pub(crate) async fn ids<T: Resource>(
    port: &dyn OwnedRows<T>,
    scope: &Scope,
    filter: domain::workspace::OwnedFilter,
) -> Vec<Uuid> {
    let page = PageQuery {
        limit: 200,
        after: None,
    };
    let page = port.list(scope, filter, page).await.unwrap();
    page.items.into_iter().map(|row| row.id).collect()
}

/// The store's ports.
pub(crate) fn workspace(store: &TestStore) -> &domain::Workspace {
    let Store { workspace, .. } = &store.store;
    workspace
}

/// Somebody whom Clerk has told of.
pub(crate) async fn known_user(store: &TestStore, clerk_id: &str) -> Scope {
    store.apply(user(clerk_id).updated(5)).await;
    let query =
        format!("select cast(id as text) as line from users where clerk_user_id = '{clerk_id}'");
    let ids = store.lines(&query).await;
    scope_of(Uuid::parse_str(&ids[0]).unwrap())
}
