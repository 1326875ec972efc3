//! What the audit log tells, and that nobody changes it.

use domain::{AuditFilter, PageQuery};

use crate::decisions::{NOW, audit_lines, changed, role, set_role};
use crate::facts::{at, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    the_audit_log_is_read_by_pages_and_filters,
    nobody_rewrites_the_audit_log,
}

async fn the_audit_log_is_read_by_pages_and_filters(store: TestStore) {
    for name in ["user_1", "user_2", "user_3"] {
        store.apply(user(name).updated(5)).await;
        changed(set_role(&store, name, role("growth"), &[]).await);
    }
    let subjects = async |filter: AuditFilter| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = PageQuery::new(domain::List::Audit, Some(1), after.as_deref()).unwrap();
            let page = store
                .store
                .audit
                .entries(filter.clone(), page)
                .await
                .unwrap();
            found.extend(
                page.items
                    .into_iter()
                    .map(|entry| entry.subject.unwrap().id),
            );
            match page.next_cursor {
                Some(cursor) => after = Some(cursor),
                None => return found,
            }
        }
    };
    let all = AuditFilter::default;
    assert_eq!(subjects(all()).await, ["user_3", "user_2", "user_1"]);
    let about = AuditFilter {
        subject_id: Some("user_2".to_owned()),
        subject_kind: Some("user".to_owned()),
        action: Some("user.role_set".to_owned()),
        actor: Some("user_support".to_owned()),
        since: Some(at(NOW)),
        until: Some(at(NOW + 1)),
    };
    assert_eq!(subjects(about.clone()).await, ["user_2"]);
    for wrong in [
        AuditFilter {
            until: Some(at(NOW)),
            ..all()
        },
        AuditFilter {
            since: Some(at(NOW + 1)),
            ..all()
        },
        AuditFilter {
            actor: Some("user_1\0".to_owned()),
            ..all()
        },
        AuditFilter {
            subject_kind: Some("session".to_owned()),
            ..about
        },
    ] {
        assert_eq!(subjects(wrong).await, Vec::<String>::new());
    }
}

async fn nobody_rewrites_the_audit_log(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    changed(set_role(&store, "user_1", role("growth"), &[]).await);
    let mut statements = vec!["update audit_log set reason = ''", "delete from audit_log"];
    if store.is_postgres() {
        statements.push("truncate audit_log");
    }
    for statement in statements {
        assert!(store.try_execute(statement).await.is_err(), "{statement}");
    }
    assert_eq!(audit_lines(&store).await.len(), 1);
}
