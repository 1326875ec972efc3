//! What holds of every kind of row: every verb x owner, another, admin, nobody.

use std::future::Future;
use std::pin::Pin;

use domain::OwnedRows;
use domain::workspace::{OwnedFilter, Resource, Scope, Whose, Written};
use uuid::Uuid;

use super::{admin, ids, known_user, made, scope};
use crate::store::TestStore;

pub(super) type Making<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One kind of row: how one is made in what belongs to a user, how it is changed, and what shows in the change.
pub(super) struct Kind<'a, T: Resource> {
    pub(super) port: &'a dyn OwnedRows<T>,
    pub(super) new: Box<dyn Fn(Scope) -> Making<'a, T> + 'a>,
    pub(super) patch: Option<fn() -> T::Patch>,
    pub(super) table: &'static str,
}

/// Tables whose rows are in other rows.
const PARTS: &[&str] = &[
    "collection_items",
    "shares",
    "positions",
    "calculation_jobs",
];

fn everywhere(parent: Option<Uuid>, owner: Uuid) -> [OwnedFilter; 5] {
    [
        Whose::Mine,
        Whose::SharedWithMe,
        Whose::Everybody,
        Whose::User(owner),
        Whose::Nobody,
    ]
    .map(|whose| OwnedFilter { whose, parent })
}

/// What holds of every kind.
pub(super) async fn isolated<T: Resource>(store: &TestStore, kind: Kind<'_, T>) {
    let Kind {
        port,
        new,
        patch,
        table,
    } = kind;
    let (owner, other, boss) = (scope(), scope(), admin());
    let body = new(owner.clone()).await;
    let row = made(port, &owner, body.clone()).await;
    assert_eq!((row.user_id, &row.body), (Some(owner.user_id), &body));
    let find = async |scope: &Scope| port.find(scope, row.id).await.unwrap();
    assert_eq!(find(&owner).await.as_ref(), Some(&row));
    assert_eq!(ids(port, &owner, OwnedFilter::default()).await, [row.id]);

    // Another user, who has rows of his own: he sees these, and nothing else, whatever he asks for.
    let own = made(port, &other, new(other.clone()).await).await;
    assert_eq!(find(&other).await, None);
    for filter in everywhere(None, owner.user_id) {
        let seen = ids(port, &other, filter).await;
        assert!(!seen.contains(&row.id), "{filter:?}");
    }
    // What he writes to it is as if there were no such row.
    let unknown = Uuid::now_v7();
    for id in [row.id, unknown] {
        if let Some(patch) = patch {
            assert_eq!(
                port.change(&other, id, patch()).await.unwrap(),
                Written::Unknown
            );
        }
        assert!(!port.delete(&other, id).await.unwrap());
        assert_eq!(
            port.give(&other, id, other.user_id).await.unwrap(),
            Written::Unknown
        );
        assert_eq!(
            port.give(&owner, id, owner.user_id).await.unwrap(),
            Written::Unknown
        );
    }
    assert_eq!(find(&owner).await.as_ref(), Some(&row));
    // In what belongs to another he can make nothing: the parent is as one that there is not.
    match port.create(&other, body.clone(), None).await.unwrap() {
        Written::UnknownReference(_) => assert!(PARTS.contains(&table), "{table}"),
        Written::Done(another) => {
            assert!(!PARTS.contains(&table), "{table} has a parent");
            assert_eq!(another.user_id, Some(other.user_id));
            assert!(port.delete(&other, another.id).await.unwrap());
        }
        refused => panic!("{refused:?}"),
    }
    assert_eq!(find(&owner).await.as_ref(), Some(&row));

    // Somebody who has nothing.
    let nobody = scope();
    assert_eq!(find(&nobody).await, None);
    for filter in everywhere(None, owner.user_id) {
        assert_eq!(ids(port, &nobody, filter).await, [] as [Uuid; 0]);
    }

    // An admin sees and changes everybody's, and it is written down.
    assert_eq!(find(&boss).await.as_ref(), Some(&row));
    let all = OwnedFilter {
        whose: Whose::Everybody,
        parent: None,
    };
    let seen = ids(port, &boss, all).await;
    assert!(seen.contains(&row.id) && seen.contains(&own.id));
    let of_owner = OwnedFilter {
        whose: Whose::User(owner.user_id),
        parent: None,
    };
    let seen = ids(port, &boss, of_owner).await;
    assert!(seen.contains(&row.id) && !seen.contains(&own.id));
    if let Some(patch) = patch {
        let changed = port.change(&boss, row.id, patch()).await.unwrap();
        let changed = changed.done().expect("a change");
        assert_eq!(changed.user_id, Some(owner.user_id));
        assert_eq!(changed.body, body.clone().patched(patch()));
        assert_eq!(find(&owner).await, Some(changed));
        let told = "select action || ' ' || subject_kind || ' ' || subject_id as line from audit_log \
                    order by id desc limit 1";
        let line = format!("workspace.changed {} {}", T::KIND, row.id);
        assert_eq!(store.lines(told).await, [line]);
    }

    // A row from before there were owners is an admin's, until he gives it to somebody who is known.
    let orphan = made(port, &owner, new(owner.clone()).await).await;
    store
        .execute(&format!(
            "update {table} set user_id = null where id = '{}'",
            orphan.id
        ))
        .await;
    for scope in [&owner, &other, &nobody] {
        assert_eq!(port.find(scope, orphan.id).await.unwrap(), None);
        assert!(!port.delete(scope, orphan.id).await.unwrap());
        for filter in everywhere(None, owner.user_id) {
            assert!(!ids(port, scope, filter).await.contains(&orphan.id));
        }
    }
    let nobodys = OwnedFilter {
        whose: Whose::Nobody,
        parent: None,
    };
    assert_eq!(ids(port, &boss, nobodys).await, [orphan.id]);
    assert_eq!(
        port.give(&boss, orphan.id, Uuid::now_v7()).await.unwrap(),
        Written::UnknownReference("user_id")
    );
    let heir = known_user(store, "user_heir").await;
    let given = port.give(&boss, orphan.id, heir.user_id).await.unwrap();
    assert_eq!(given.done().expect("a gift").user_id, Some(heir.user_id));
    assert!(port.find(&heir, orphan.id).await.unwrap().is_some());
    assert_eq!(ids(port, &boss, nobodys).await, [] as [Uuid; 0]);
    assert_eq!(
        port.give(&boss, unknown, heir.user_id).await.unwrap(),
        Written::Unknown
    );

    // The end.
    assert!(port.delete(&owner, row.id).await.unwrap());
    assert!(!port.delete(&owner, row.id).await.unwrap());
    assert_eq!(find(&boss).await, None);
    assert!(port.delete(&boss, own.id).await.unwrap());
    assert_eq!(
        ids(port, &other, OwnedFilter::default()).await,
        [] as [Uuid; 0]
    );
}
