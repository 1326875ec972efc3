//! Decisions of the team about users: a row, a change in the feed and a line in the audit log, or nothing.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Actor, Attribution, AuditFilter, ClerkId, Decided, PageQuery, PreferencesError,
    PreferencesOutcome, Role, SessionStatus, Tier, User, UserKey,
};
use serde_json::json;

use crate::facts::{at, deleted_user, id, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_role_is_set_and_cleared_with_its_line_and_its_change,
    a_tier_is_set_and_cleared,
    what_is_so_already_writes_nothing,
    nobody_decides_about_strangers_and_the_deleted,
    the_last_admin_stays,
    of_two_admins_who_leave_at_once_one_stays,
    a_configured_admin_counts_unless_he_cannot_sign_in,
    an_account_is_closed_and_opened,
    revoked_tokens_end_the_open_sessions_for_good,
    one_session_is_ended_told_of_or_not,
    preferences_are_patched_and_parallel_patches_all_count,
}

pub(crate) const NOW: i64 = 5_000_000;

pub(crate) fn by(clerk_user_id: &str, at: DateTime<Utc>) -> Attribution {
    Attribution {
        actor: Actor::User(id(clerk_user_id)),
        impersonator: Some("user_support".to_owned()),
        reason: Some("asked \0 nicely".to_owned()),
        request_id: Some("req_1".to_owned()),
        at,
    }
}

pub(crate) fn key(clerk_user_id: &str) -> UserKey {
    (&id(clerk_user_id)).into()
}

pub(crate) fn role(name: &str) -> Option<Role> {
    Some(Role::from_store(name.to_owned()))
}

pub(crate) async fn set_role(
    store: &TestStore,
    of: &str,
    to: Option<Role>,
    admins: &[ClerkId],
) -> Decided {
    let administration = &store.store.administration;
    let decided = administration
        .set_role(&key(of), to, false, by("user_9", at(NOW)), admins)
        .await;
    decided.unwrap()
}

pub(crate) fn changed(decided: Decided) -> User {
    match decided {
        Decided::Changed { user, .. } => *user,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn audit_lines(store: &TestStore) -> Vec<String> {
    store
        .lines(
            "select actor || ' ' || impersonator || ' ' || action || ' ' || subject_id || ' ' || reason as line \
             from audit_log order by id",
        )
        .await
}

async fn a_role_is_set_and_cleared_with_its_line_and_its_change(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    let set = changed(set_role(&store, "user_1", role("growth"), &[]).await);
    assert_eq!(
        (set.role.as_str(), &set.role_override),
        ("growth", &role("growth"))
    );
    assert_eq!(set.role_source.as_deref(), Some("override"));
    let cleared = changed(set_role(&store, "user_1", None, &[]).await);
    assert_eq!(
        (cleared.role.as_str(), cleared.role_override),
        ("solo", None)
    );
    assert_eq!(store.feed().await, ["upsert user user_1"; 3]);
    let reason = "asked \u{fffd} nicely";
    assert_eq!(
        audit_lines(&store).await,
        [
            format!("user_9 user_support user.role_set user_1 {reason}"),
            format!("user_9 user_support user.role_cleared user_1 {reason}"),
        ]
    );
    let page = PageQuery {
        limit: 1,
        after: None,
    };
    let entries = store
        .store
        .audit
        .entries(AuditFilter::default(), page)
        .await;
    let latest = entries.unwrap().items.remove(0);
    assert_eq!(latest.before.unwrap()["role"], "growth");
    assert_eq!(latest.after.unwrap()["role"], "solo");
    assert_eq!(
        (latest.at, latest.request_id.as_deref()),
        (at(NOW), Some("req_1"))
    );
}

async fn a_tier_is_set_and_cleared(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    let set = async |tier: Option<&str>| {
        let tier = tier.map(|tier| Tier::from_store(tier.to_owned()));
        let decided = store
            .store
            .administration
            .set_tier(&key("user_1"), tier, by("user_9", at(NOW)))
            .await;
        let user = changed(decided.unwrap());
        (
            user.tier.to_string(),
            user.tier_source.unwrap(),
            user.tier_until,
        )
    };
    assert_eq!(
        set(Some("paid")).await,
        ("paid".to_owned(), "override".to_owned(), None)
    );
    assert_eq!(
        set(None).await,
        ("free".to_owned(), "default".to_owned(), None)
    );
}

async fn what_is_so_already_writes_nothing(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    changed(set_role(&store, "user_1", role("growth"), &[]).await);
    let before = store.everything().await;
    let again = set_role(&store, "user_1", role("growth"), &[]).await;
    assert!(matches!(again, Decided::Unchanged(_)));
    let open = store
        .store
        .administration
        .reactivate(&key("user_1"), by("user_9", at(NOW)))
        .await;
    assert!(matches!(open.unwrap(), Decided::Unchanged(_)));
    assert_eq!(store.everything().await, before);
    assert_eq!(audit_lines(&store).await.len(), 1);
}

async fn nobody_decides_about_strangers_and_the_deleted(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    store.apply(deleted_user("user_1").updated(7)).await;
    assert_eq!(
        set_role(&store, "user_1", role("admin"), &[]).await,
        Decided::Deleted
    );
    assert_eq!(
        set_role(&store, "user_2", role("admin"), &[]).await,
        Decided::Unknown
    );
    let strange = UserKey::Clerk("user\0_1' or 1=1".to_owned());
    let decided =
        store
            .store
            .administration
            .set_role(&strange, None, false, by("user_9", at(NOW)), &[]);
    assert_eq!(decided.await.unwrap(), Decided::Unknown);
    assert_eq!(audit_lines(&store).await, Vec::<String>::new());
}

async fn the_last_admin_stays(store: TestStore) {
    for name in ["user_1", "user_2"] {
        store.apply(user(name).updated(5)).await;
        changed(set_role(&store, name, role("admin"), &[]).await);
    }
    let deactivate = async |name: &str| {
        let decided = store
            .store
            .administration
            .deactivate(&key(name), by(name, at(NOW)), &[])
            .await;
        decided.unwrap()
    };
    changed(deactivate("user_2").await);
    assert_eq!(deactivate("user_1").await, Decided::LastAdmin);
    assert_eq!(
        set_role(&store, "user_1", None, &[]).await,
        Decided::LastAdmin
    );
    assert_eq!(
        set_role(&store, "user_1", role("solo"), &[]).await,
        Decided::LastAdmin
    );
    assert_eq!(store.user("user_1").await["role"], "admin");
    // Whoever is no admin may go.
    store.apply(user("user_3").updated(5)).await;
    changed(deactivate("user_3").await);
}

async fn of_two_admins_who_leave_at_once_one_stays(store: TestStore) {
    for name in ["user_1", "user_2"] {
        store.apply(user(name).updated(5)).await;
        changed(set_role(&store, name, role("admin"), &[]).await);
    }
    let leave = |name: &'static str| {
        let administration = store.store.administration.clone();
        tokio::spawn(async move {
            administration
                .set_role(&key(name), role("solo"), false, by(name, at(NOW)), &[])
                .await
                .unwrap()
        })
    };
    let (one, other) = (leave("user_1"), leave("user_2"));
    let outcomes = [one.await.unwrap(), other.await.unwrap()];
    let stayed = outcomes
        .iter()
        .filter(|outcome| **outcome == Decided::LastAdmin);
    assert_eq!(stayed.count(), 1, "{outcomes:?}");
}

async fn a_configured_admin_counts_unless_he_cannot_sign_in(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    changed(set_role(&store, "user_1", role("admin"), &[]).await);
    // One who has never called may come any time.
    changed(set_role(&store, "user_1", role("solo"), &[id("user_boss")]).await);
    changed(set_role(&store, "user_1", role("admin"), &[]).await);
    store.apply(deleted_user("user_boss").updated(7)).await;
    let alone = set_role(&store, "user_1", role("solo"), &[id("user_boss")]).await;
    assert_eq!(alone, Decided::LastAdmin);
    // A configured admin stays one whatever his row says.
    changed(set_role(&store, "user_1", role("solo"), &[id("user_1")]).await);
}

async fn an_account_is_closed_and_opened(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    let administration = &store.store.administration;
    let closed = administration
        .deactivate(&key("user_1"), by("user_9", at(NOW)), &[])
        .await;
    let closed = changed(closed.unwrap());
    assert_eq!(
        (closed.is_active, closed.deactivated_at),
        (false, Some(at(NOW)))
    );
    // What Clerk tells later does not open it.
    store.apply(user("user_1").updated(9).named("Ann")).await;
    assert_eq!(store.user("user_1").await["is_active"], false);
    let opened = administration
        .reactivate(&key("user_1"), by("user_9", at(NOW)))
        .await;
    let opened = changed(opened.unwrap());
    assert_eq!((opened.is_active, opened.deactivated_at), (true, None));
}

async fn revoked_tokens_end_the_open_sessions_for_good(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    store
        .apply(session("sess_open", "active").of("user_1").updated(5))
        .await;
    store
        .apply(session("sess_over", "ended").of("user_1").updated(6))
        .await;
    store
        .apply(session("sess_other", "active").of("user_2").updated(5))
        .await;
    let revoke = store
        .store
        .administration
        .revoke_tokens(&key("user_1"), by("user_9", at(NOW)))
        .await;
    let user = changed(revoke.unwrap());
    assert_eq!(user.tokens_valid_after, Some(at(NOW)));
    let status = async |name: &str| store.session(name).await["status"].clone();
    assert_eq!(status("sess_open").await, "revoked");
    assert_eq!(status("sess_over").await, "ended");
    assert_eq!(status("sess_other").await, "active");
    store
        .apply(session("sess_open", "active").of("user_1").updated(NOW + 9))
        .await;
    assert_eq!(status("sess_open").await, "revoked");
    let feed = store.feed().await;
    assert_eq!(
        feed[feed.len() - 2..],
        ["upsert user user_1", "upsert session sess_open"]
    );
    // Time only moves forward.
    let earlier = by("user_9", at(NOW) - TimeDelta::hours(1));
    let again = store
        .store
        .administration
        .revoke_tokens(&key("user_1"), earlier)
        .await;
    assert_eq!(changed(again.unwrap()).tokens_valid_after, Some(at(NOW)));
}

async fn one_session_is_ended_told_of_or_not(store: TestStore) {
    store
        .apply(session("sess_1", "active").of("user_1").updated(5))
        .await;
    let revoke = async |session: &str, of: Option<&str>| {
        let session = id(session);
        let revoked =
            store
                .store
                .administration
                .revoke_session(&session, of.map(id), by("user_9", at(NOW)));
        revoked.await.unwrap().map(|session| session.status)
    };
    assert_eq!(revoke("sess_1", Some("user_2")).await, None);
    assert_eq!(store.session("sess_1").await["status"], "active");
    assert_eq!(
        revoke("sess_1", Some("user_1")).await,
        Some(SessionStatus::Revoked)
    );
    assert_eq!(revoke("sess_1", None).await, Some(SessionStatus::Revoked));
    assert_eq!(
        revoke("sess_new", Some("user_1")).await,
        Some(SessionStatus::Revoked)
    );
    store
        .apply(session("sess_new", "active").of("user_1").updated(9))
        .await;
    let row = store.session("sess_new").await;
    assert_eq!(
        (&row["status"], &row["clerk_user_id"]),
        (&json!("revoked"), &json!("user_1"))
    );
    assert_eq!(audit_lines(&store).await.len(), 2);
}

async fn preferences_are_patched_and_parallel_patches_all_count(store: TestStore) {
    store.apply(user("user_1").updated(5)).await;
    let own = Attribution {
        actor: Actor::User(id("user_1")),
        ..Attribution::system(at(NOW))
    };
    let patches = (0..20).map(|number| {
        let (administration, own) = (store.store.administration.clone(), own.clone());
        tokio::spawn(async move {
            let patch = json!({ format!("key_{number}"): number });
            administration
                .patch_preferences(&key("user_1"), &patch, own)
                .await
                .unwrap()
        })
    });
    for patch in patches.collect::<Vec<_>>() {
        assert!(matches!(
            patch.await.unwrap(),
            PreferencesOutcome::Written(_)
        ));
    }
    let kept = store.user("user_1").await["preferences"].clone();
    assert_eq!(kept.as_object().unwrap().len(), 20);
    store.apply(user("user_1").updated(9).named("Ann")).await;
    assert_eq!(store.user("user_1").await["preferences"], kept);

    let patch = async |of: &str, patch| {
        let outcome = store
            .store
            .administration
            .patch_preferences(&key(of), &patch, own.clone())
            .await;
        outcome.unwrap()
    };
    let refused = PreferencesOutcome::Refused(PreferencesError::NotAnObject);
    assert_eq!(patch("user_1", json!([])).await, refused);
    assert_eq!(
        patch("user_2", json!({})).await,
        PreferencesOutcome::Unknown
    );
    assert_eq!(audit_lines(&store).await, Vec::<String>::new());
}
