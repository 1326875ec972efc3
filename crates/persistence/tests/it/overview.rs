//! Lists for administrators: pages that neither repeat nor skip, and filters that are text and never SQL.

use std::num::NonZeroU32;

use domain::{
    Attribution, DeliveryListFilter, List, OrganizationFilter, Outcome, PageQuery, Paged, Role,
    SessionFilter, SessionStatus, UsageRequest, User, UserFilter, UserKey,
};

use crate::facts::{at, deleted_user, id, membership, organization, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    pages_hold_every_user_once_whatever_is_written_meanwhile,
    users_are_found_by_what_admins_know_of_them,
    what_is_typed_is_text_and_no_pattern,
    organizations_sessions_and_deliveries_are_listed,
    sessions_are_listed_by_the_state_that_the_clock_gives_them,
    one_user_is_shown_with_all_that_belongs_to_him,
}

async fn users(store: &TestStore, filter: UserFilter) -> Vec<String> {
    let page = PageQuery {
        limit: 100,
        after: None,
    };
    names(store.store.overview.users(filter, page).await.unwrap())
}

fn names(page: Paged<User>) -> Vec<String> {
    let users = page.items.into_iter();
    users.map(|user| user.clerk_user_id.into_string()).collect()
}

async fn found(store: &TestStore, q: &str) -> Vec<String> {
    let filter = UserFilter {
        q: Some(q.to_owned()),
        ..UserFilter::default()
    };
    users(store, filter).await
}

async fn pages_hold_every_user_once_whatever_is_written_meanwhile(store: TestStore) {
    for number in 0..7 {
        store
            .apply(user(&format!("user_{number}")).updated(5))
            .await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageQuery::new(List::Users, Some(3), cursor.as_deref()).unwrap();
        let page = store
            .store
            .overview
            .users(UserFilter::default(), page)
            .await
            .unwrap();
        cursor.clone_from(&page.next_cursor);
        seen.extend(names(page));
        // One comes, one changes, while somebody pages.
        store
            .apply(user(&format!("user_new_{}", seen.len())).updated(5))
            .await;
        store
            .apply(user("user_2").updated(100 + seen.len() as i64))
            .await;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..7)
        .rev()
        .map(|number| format!("user_{number}"))
        .collect();
    assert_eq!(seen, expected);
}

async fn users_are_found_by_what_admins_know_of_them(store: TestStore) {
    let ann = user("user_1").named("Ann").primary_email("Ann@example.com");
    store.apply(ann.updated(5)).await;
    store
        .apply(
            user("user_2")
                .named("Bob")
                .primary_email("bob@example.com")
                .updated(5),
        )
        .await;
    store.apply(user("user_3").named("Joanne").updated(5)).await;
    store.apply(deleted_user("user_3").updated(6)).await;
    assert_eq!(found(&store, "ann@").await, ["user_1"]);
    assert_eq!(found(&store, "ANN").await, ["user_1"]);
    assert_eq!(found(&store, "user_2").await, ["user_2"]);
    assert_eq!(found(&store, "example").await, Vec::<String>::new());
    assert_eq!(found(&store, "").await, ["user_2", "user_1"]);
    let with_deleted = UserFilter {
        q: Some("ann".to_owned()),
        include_deleted: true,
        ..UserFilter::default()
    };
    assert_eq!(users(&store, with_deleted).await, ["user_3", "user_1"]);
    let in_role = async |name: &str| {
        let role = Some(Role::from_store(name.to_owned()));
        let filter = UserFilter {
            role,
            ..UserFilter::default()
        };
        users(&store, filter).await.len()
    };
    assert_eq!((in_role("solo").await, in_role("admin").await), (2, 0));
}

async fn what_is_typed_is_text_and_no_pattern(store: TestStore) {
    store
        .apply(user("user_1").named("100% Ann_a \\o/").updated(5))
        .await;
    store
        .apply(user("user_2").named("100 Anna").updated(5))
        .await;
    store.apply(user("user_3").named("Über").updated(5)).await;
    for (q, expected) in [
        ("100%", vec!["user_1"]),
        ("ann_a", vec!["user_1"]),
        ("\\o", vec!["user_1"]),
        ("%", vec!["user_1"]),
        ("_", vec!["user_1"]),
        ("' or 1=1 --", vec![]),
        ("a\0", vec![]),
        // As it is written, letters count beyond ASCII too.
        ("Über", vec!["user_3"]),
    ] {
        assert_eq!(found(&store, q).await, expected, "{q:?}");
    }
    let key = UserKey::Clerk("user_1' or '1'='1".to_owned());
    assert_eq!(store.store.overview.user(&key).await.unwrap(), None);
}

async fn sessions_are_listed_by_the_state_that_the_clock_gives_them(store: TestStore) {
    let statuses = [
        "active",
        "pending",
        "ended",
        "expired",
        "abandoned",
        "revoked",
        "new-one",
    ];
    for (n, status) in statuses.iter().enumerate() {
        for (end, expires, abandons) in [("a", 10, 20), ("b", 20, 10), ("c", 20, 20)] {
            let name = format!("sess_{n}{end}");
            store
                .apply(session(&name, status).ends(expires, abandons).updated(5))
                .await;
        }
    }
    let list = async |filter| {
        let page = PageQuery {
            limit: 100,
            after: None,
        };
        store
            .store
            .overview
            .sessions(filter, page)
            .await
            .unwrap()
            .items
    };
    let all = list(SessionFilter::default()).await;
    assert_eq!(all.len(), 3 * statuses.len());
    for now in [5, 10, 15, 25].map(at) {
        for status in statuses.map(SessionStatus::parse) {
            let filter = SessionFilter {
                clerk_user_id: None,
                status: Some((status.clone(), now)),
            };
            let expected: Vec<_> = all
                .iter()
                .filter(|session| session.status_at(now) == status)
                .collect();
            assert_eq!(
                list(filter).await.iter().collect::<Vec<_>>(),
                expected,
                "{status:?} at {now}"
            );
        }
    }
}

async fn organizations_sessions_and_deliveries_are_listed(store: TestStore) {
    for name in ["org_1", "org_2"] {
        store.apply(organization(name).updated(5)).await;
    }
    store
        .apply(session("sess_1", "active").of("user_1").updated(5))
        .await;
    store
        .apply(session("sess_2", "ended").of("user_2").updated(5))
        .await;
    store
        .apply(session("sess_2", "ended").of("user_2").updated(4))
        .await;
    let overview = &store.store.overview;
    let page = || PageQuery {
        limit: 1,
        after: None,
    };
    let first = PageQuery {
        limit: 1,
        after: None,
    };
    let organizations = overview
        .organizations(OrganizationFilter::default(), page())
        .await
        .unwrap();
    assert_eq!(organizations.items[0].clerk_organization_id, id("org_2"));
    let next = PageQuery::new(
        List::Organizations,
        Some(5),
        organizations.next_cursor.as_deref(),
    );
    let rest = overview
        .organizations(OrganizationFilter::default(), next.unwrap())
        .await
        .unwrap();
    assert_eq!(rest.items[0].clerk_organization_id, id("org_1"));
    assert_eq!((rest.items.len(), rest.next_cursor), (1, None));
    let by_id = OrganizationFilter {
        q: Some("org_1".to_owned()),
        ..OrganizationFilter::default()
    };
    assert_eq!(
        overview
            .organizations(by_id, page())
            .await
            .unwrap()
            .items
            .len(),
        1
    );

    let of_user = SessionFilter {
        clerk_user_id: Some("user_2".to_owned()),
        status: Some((SessionStatus::Ended, at(0))),
    };
    let sessions = overview.sessions(of_user, page()).await.unwrap();
    assert_eq!(sessions.items[0].clerk_session_id, id("sess_2"));
    assert_eq!(sessions.next_cursor, None);

    let stale = DeliveryListFilter {
        outcome: Some(Outcome::Stale),
        event_type: Some("session.ended".to_owned()),
        object_id: Some("sess_2".to_owned()),
    };
    let deliveries = overview.deliveries(stale, first).await.unwrap();
    assert_eq!((deliveries.items.len(), deliveries.next_cursor), (1, None));
    let all = PageQuery {
        limit: 100,
        after: None,
    };
    let all = overview
        .deliveries(DeliveryListFilter::default(), all)
        .await
        .unwrap();
    assert_eq!(all.items.len(), 5);
    assert!(
        all.items
            .is_sorted_by_key(|line| std::cmp::Reverse(line.id))
    );
}

async fn one_user_is_shown_with_all_that_belongs_to_him(store: TestStore) {
    store
        .apply(user("user_1").primary_email("ann@example.com").updated(5))
        .await;
    store
        .apply(session("sess_1", "active").of("user_1").updated(5))
        .await;
    store.apply(organization("org_1").updated(5)).await;
    store.apply(membership("orgmem_1").updated(5)).await;
    let key = (&id("user_1")).into();
    let row = store.store.overview.user(&key).await.unwrap().unwrap();
    let spent = UsageRequest {
        user_id: row.id,
        feature: "ai_messages".to_owned(),
        amount: NonZeroU32::MIN,
        limit: 10,
        at: at(0),
    };
    store.store.usage.spend(spent).await.unwrap();
    let by = Attribution::system(at(0));
    store
        .store
        .administration
        .deactivate(&key, by, &[])
        .await
        .unwrap();
    for key in [key, row.id.into()] {
        let shown = store
            .store
            .overview
            .user_overview(&key, at(1))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(shown.user.id, row.id);
        assert_eq!(shown.emails[0].email_address, "ann@example.com");
        assert_eq!(shown.sessions[0].clerk_session_id, id("sess_1"));
        let place = &shown.organizations[0];
        assert_eq!(place.membership.clerk_membership_id, id("orgmem_1"));
        assert_eq!(
            place.organization.as_ref().unwrap().clerk_organization_id,
            id("org_1")
        );
        assert_eq!((shown.usage[0].used, shown.usage.len()), (1, 1));
        assert_eq!(shown.history[0].action, "user.deactivated");
        assert_eq!(shown.erasure, None);
    }
    let unknown = UserKey::Clerk("user_2".to_owned());
    assert_eq!(
        store
            .store
            .overview
            .user_overview(&unknown, at(1))
            .await
            .unwrap(),
        None
    );
}
