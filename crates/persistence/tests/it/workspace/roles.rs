//! The role that the service connects as: whom policies bind, and whom admins' proofs are believed of.

use domain::workspace::{OwnedFilter, Whose};
use persistence::{DatabaseUrl, RowSecurityProblem, let_in, migrate_up, row_security_problem};
use testdb::TestDatabase;
use tokio_postgres::NoTls;

use super::kinds::listing;
use super::{admin, as_application_of, ids, made, scope, workspace};
use crate::store::{TestStore, open};

fn parsed(url: &str) -> DatabaseUrl {
    url.parse().unwrap()
}

fn role_of(url: &str) -> String {
    let after = url.split("://").nth(1).unwrap();
    after.split([':', '@']).next().unwrap().to_owned()
}

async fn problem(url: &str) -> Option<RowSecurityProblem> {
    row_security_problem(&parsed(url)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_no_policy_binds_is_named_with_the_way_out() {
    let (store, url) = as_application_of().await;
    let role = role_of(&url);
    assert_eq!(problem(&url).await, None);
    let superuser = store.database.url().to_owned();
    let found = problem(&superuser).await.unwrap();
    assert!(matches!(&found, RowSecurityProblem::Superuser { .. }) && found.is_open());
    assert!(found.to_string().contains("DATABASE_MIGRATION_URL"));

    store.execute(&format!("alter role {role} bypassrls")).await;
    let found = problem(&url).await.unwrap();
    assert_eq!(found, RowSecurityProblem::Bypasses { role: role.clone() });
    assert!(found.to_string().contains("nobypassrls"));
    store
        .execute(&format!(
            "alter role {role} nobypassrls; grant clerk_sync_admin to {role}"
        ))
        .await;
    let found = problem(&url).await.unwrap();
    assert_eq!(found, RowSecurityProblem::Admin { role: role.clone() });
    store
        .execute(&format!(
            "revoke clerk_sync_admin from {role}; alter table shares no force row level security"
        ))
        .await;
    let tables = vec!["shares".to_owned()];
    assert_eq!(
        problem(&url).await,
        Some(RowSecurityProblem::Unprotected { tables })
    );
    store
        .execute("alter table shares force row level security; delete from admin_proofs")
        .await;
    let found = problem(&url).await.unwrap();
    assert_eq!(found, RowSecurityProblem::NoAdmins { role });
    assert!(!found.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_has_no_policies_and_no_problem() {
    let store = TestStore::sqlite().await;
    assert_eq!(problem(store.database.url()).await, None);
}

/// One role for everything, as managed databases often give: it owns the tables, and is bound all the same.
#[tokio::test(flavor = "multi_thread")]
async fn one_role_for_everything_is_bound_and_has_admins() {
    let database = TestDatabase::postgres().await;
    let url = database.app_role_url().await;
    migrate_up(&parsed(&url)).await.unwrap();
    assert_eq!(problem(&url).await, None);
    let store = TestStore {
        store: open(&url),
        database,
    };
    let (owner, other, boss) = (scope(), scope(), admin());
    let port = &*workspace(&store).listings;
    let row = made(port, &owner, listing()).await;
    assert_eq!(port.find(&other, row.id).await.unwrap(), None);
    let all = OwnedFilter {
        whose: Whose::Everybody,
        parent: None,
    };
    assert_eq!(ids(port, &boss, all).await, [row.id]);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let seen = client.query("select * from listings", &[]).await.unwrap();
    assert!(seen.is_empty(), "the owner of a table is bound too");
}

/// The proof is of the password: a service that signs in with another one is believed of nothing until it is made known.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_believed_of_the_role_that_was_made_known() {
    let (store, url) = as_application_of().await;
    let row = made(&*workspace(&store).listings, &scope(), listing()).await;
    let role = role_of(&url);
    store
        .execute(&format!("alter role {role} password 'another'"))
        .await;
    let (before, after) = (url.find(&role).unwrap(), url.find('@').unwrap());
    let changed = format!("{}{role}:another{}", &url[..before], &url[after..]);
    let stranger = open(&changed);
    let find = async || {
        stranger
            .workspace
            .listings
            .find(&admin(), row.id)
            .await
            .unwrap()
    };
    assert_eq!(find().await, None);
    assert_eq!(
        problem(&changed).await,
        Some(RowSecurityProblem::NoAdmins { role })
    );
    let_in(&parsed(store.database.url()), &parsed(&changed))
        .await
        .unwrap();
    assert_eq!(find().await.map(|row| row.id), Some(row.id));
    // The replica that still has the password from before is believed too.
    let old = workspace(&store).listings.find(&admin(), row.id).await;
    assert!(old.unwrap().is_some());
}
