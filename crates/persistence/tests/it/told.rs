//! Whoever remembers rows is told of every local write of one before it is answered, in this process and in others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Attribution, Changes, CommitObserver, FeedMark, InviteAttempt, InviteCode, InviteOutcome,
    InviteRules, Role, Tier, UserKey,
};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::facts::{RECEIVED, at, id, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    every_local_write_of_a_row_is_told_before_it_is_answered,
}

/// Counts the changes that are in the feed whenever it is told of a commit.
struct Watch {
    changes: Arc<dyn Changes>,
    seen: AtomicUsize,
}

#[async_trait]
impl CommitObserver for Watch {
    async fn committed(&self, _: Option<Vec<FeedMark>>) {
        let changes = self.changes.after(0, 1000).await.unwrap();
        self.seen.store(changes.len(), Ordering::SeqCst);
    }
}

/// What another process hears. On SQLite there is nothing to be heard.
struct Woken(Option<Arc<Semaphore>>);

impl Woken {
    async fn listening(store: &TestStore) -> Self {
        if !store.is_postgres() {
            return Self(None);
        }
        let heard = Arc::new(Semaphore::new(0));
        let (ring, wake_ups) = (Arc::clone(&heard), Arc::clone(&store.store.wake_ups));
        tokio::spawn(async move { wake_ups.listen(&|| ring.add_permits(1)).await });
        let woken = Self(Some(heard));
        woken.once("the beginning").await;
        woken
    }

    /// Each commit is heard once.
    async fn once(&self, what: &str) {
        if let Some(heard) = &self.0 {
            let heard = tokio::time::timeout(Duration::from_secs(30), heard.acquire()).await;
            heard.expect(what).unwrap().forget();
        }
    }
}

fn key() -> UserKey {
    (&id("user_1")).into()
}

fn by(millis: i64) -> Attribution {
    Attribution::system(at(millis))
}

async fn every_local_write_of_a_row_is_told_before_it_is_answered(store: TestStore) {
    let watch = Arc::new(Watch {
        changes: Arc::clone(&store.store.changes),
        seen: AtomicUsize::new(0),
    });
    let observer: Arc<dyn CommitObserver> = watch.clone();
    store
        .store
        .commits
        .observe(Arc::downgrade(&observer) as Weak<_>);
    store.apply(user("user_1").updated(1)).await;
    let open = |name: &str| session(name, "active").of("user_1").updated(1);
    store.apply(open("sess_1")).await;
    store.apply(open("sess_2")).await;

    let woken = Woken::listening(&store).await;
    let mut before = watch.seen.load(Ordering::SeqCst);
    let mut told = async |what: &str| {
        let seen = watch.seen.load(Ordering::SeqCst);
        assert!(seen > before, "{what} was answered before it was told");
        let changes = store.store.changes.after(0, 1000).await.unwrap();
        assert_eq!(seen, changes.len(), "{what}");
        before = seen;
        woken.once(what).await;
    };
    let administration = &store.store.administration;
    let role = || Some(Role::from_store("growth"));
    administration
        .set_role(&key(), role(), false, by(1), &[])
        .await
        .unwrap();
    told("a role").await;
    let tier = Some(Tier::from_store("paid"));
    administration.set_tier(&key(), tier, by(2)).await.unwrap();
    told("a tier").await;
    let patch = json!({ "theme": "dark" });
    administration
        .patch_preferences(&key(), &patch, by(3))
        .await
        .unwrap();
    told("preferences").await;
    administration
        .revoke_session(&id("sess_1"), None, by(RECEIVED))
        .await
        .unwrap();
    told("the end of a session").await;
    administration
        .revoke_tokens(&key(), by(RECEIVED))
        .await
        .unwrap();
    told("the end of all tokens").await;
    administration.deactivate(&key(), by(6), &[]).await.unwrap();
    told("a closed account").await;
    administration.reactivate(&key(), by(7)).await.unwrap();
    told("an open account").await;

    let code: InviteCode = InviteCode::parse("open-sesame-1").unwrap();
    let user_id = store
        .store
        .users
        .caller("user_1", "sess_1")
        .await
        .unwrap()
        .unwrap()
        .user
        .id;
    let attempt = InviteAttempt {
        user_id,
        address: None,
        digest: Some(code.digest()),
        by: by(8),
    };
    let rules = InviteRules {
        shared: Some(code.digest()),
        attempts_per_user: 10,
        attempts_per_address: 10,
    };
    let outcome = store.store.invites.redeem(attempt, rules).await.unwrap();
    assert!(matches!(
        outcome,
        InviteOutcome::Validated { is_first: true, .. }
    ));
    told("an invite").await;

    let erasures = &store.store.erasures;
    erasures.request(&key(), at(10), by(9), &[]).await.unwrap();
    told("an account that is to be forgotten").await;
    erasures.execute(&key(), by(11)).await.unwrap();
    told("a forgotten person").await;
}
