//! The right to be forgotten, and the right to know.

use domain::{Attribution, Decided, ErasureOutcome, InviteAttempt, InviteRules, UserKey};
use serde_json::json;

use crate::facts::{at, id, membership, organization, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    an_erasure_is_held_back_and_can_be_called_off,
    a_forgotten_person_is_nowhere_and_does_not_come_back,
    due_requests_come_in_pages,
    who_is_to_be_forgotten_is_not_reactivated,
    others_are_left_as_they_are,
    the_last_admin_is_not_forgotten,
    an_export_holds_everything,
    an_export_says_what_is_not_whole,
    tries_of_invites_are_forgotten_too,
}

fn key() -> UserKey {
    (&id("user_1")).into()
}

pub(crate) fn by(millis: i64) -> Attribution {
    Attribution::system(at(millis))
}

pub(crate) const MARKS: [&str; 4] = ["Annika", "ann@example.com", "192.0.2.7", "Lynx"];

/// Messages whose stored bodies name the person too.
pub(crate) async fn person(store: &TestStore) {
    let profile = user("user_1")
        .named("Annika")
        .primary_email("Ann@example.com");
    store.apply(profile.updated(5)).await;
    let sign_in = session("sess_1", "active")
        .of("user_1")
        .signed_in("192.0.2.7", "Lynx");
    store.apply(sign_in.updated(5)).await;
    store.apply(organization("org_1").updated(5)).await;
    store.apply(membership("orgmem_1").updated(5)).await;
    let body = r#"{"to": "ANN@example.com", "names": ["Annika"]}"#;
    store
        .execute(&format!(
            "update webhook_deliveries set payload = '{body}' where object_id = 'user_1'"
        ))
        .await;
}

/// Every text of every table, but the audit log.
pub(crate) async fn all_texts(store: &TestStore) -> String {
    let mut texts = store.everything().await;
    let payloads = "select coalesce(cast(payload as text), '-') as line from webhook_deliveries";
    texts.extend(store.lines(payloads).await.into_iter().map(Into::into));
    texts.iter().map(ToString::to_string).collect()
}

pub(crate) async fn request(store: &TestStore) -> ErasureOutcome {
    let request = store
        .store
        .erasures
        .request(&key(), at(1000), by(100), &[])
        .await;
    request.unwrap()
}

pub(crate) async fn execute(store: &TestStore) -> ErasureOutcome {
    store
        .store
        .erasures
        .execute(&key(), by(1001))
        .await
        .unwrap()
}

async fn an_erasure_is_held_back_and_can_be_called_off(store: TestStore) {
    person(&store).await;
    let erasures = &store.store.erasures;
    assert_eq!(execute(&store).await, ErasureOutcome::Unknown);
    let ErasureOutcome::Done(open) = request(&store).await else {
        panic!("nothing was open");
    };
    assert_eq!(request(&store).await, ErasureOutcome::Already(open.clone()));
    assert_eq!(store.user("user_1").await["is_active"], false);
    assert_eq!(erasures.due(at(999), None, 9).await.unwrap(), []);
    assert_eq!(
        erasures.due(at(1000), None, 9).await.unwrap(),
        std::slice::from_ref(&open)
    );
    let before = all_texts(&store).await;
    let cancelled = erasures.cancel(&key(), by(200)).await.unwrap();
    assert!(
        matches!(cancelled, ErasureOutcome::Done(called_off) if called_off.cancelled_at == Some(at(200)))
    );
    assert_eq!(
        erasures.cancel(&key(), by(201)).await.unwrap(),
        ErasureOutcome::Unknown
    );
    assert_eq!(erasures.due(at(1000), None, 9).await.unwrap(), []);
    assert_eq!(execute(&store).await, ErasureOutcome::Unknown);
    assert_eq!(all_texts(&store).await, before);
    // And may be asked for again.
    assert!(matches!(request(&store).await, ErasureOutcome::Done(_)));
}

async fn a_forgotten_person_is_nowhere_and_does_not_come_back(store: TestStore) {
    person(&store).await;
    let before = all_texts(&store).await;
    for mark in MARKS {
        assert!(
            before.to_lowercase().contains(&mark.to_lowercase()),
            "{mark}"
        );
    }
    request(&store).await;
    let done = execute(&store).await;
    assert!(matches!(&done, ErasureOutcome::Done(done) if done.executed_at == Some(at(1001))));
    let forgotten = async || {
        let texts = all_texts(&store).await.to_lowercase();
        for mark in MARKS {
            assert!(!texts.contains(&mark.to_lowercase()), "{mark}");
        }
        let row = store.user("user_1").await;
        assert_eq!(
            (&row["is_active"], &row["deleted_at"]),
            (&false.into(), &1001.into())
        );
    };
    forgotten().await;
    assert!(matches!(execute(&store).await, ErasureOutcome::Already(_)));
    assert!(matches!(request(&store).await, ErasureOutcome::Already(_)));
    // Neither a late profile nor a late sign-in fills the rows again.
    store
        .apply(
            user("user_1")
                .named("Annika")
                .primary_email("ann@example.com")
                .updated(9),
        )
        .await;
    let sign_in = session("sess_1", "active")
        .of("user_1")
        .signed_in("192.0.2.7", "Lynx");
    store.apply(sign_in.updated(9)).await;
    forgotten().await;
    let actions = "select action as line from audit_log order by id";
    let actions = store.lines(actions).await;
    assert_eq!(actions, ["user.erasure_requested", "user.erased"]);
    let feed = store.feed().await;
    let of_users = feed.iter().rfind(|line| line.contains(" user "));
    assert_eq!(of_users.unwrap(), "delete user user_1");
}

async fn who_is_to_be_forgotten_is_not_reactivated(store: TestStore) {
    person(&store).await;
    let ErasureOutcome::Done(open) = request(&store).await else {
        panic!("nothing was open");
    };
    let reactivate = async || {
        let administration = &store.store.administration;
        administration.reactivate(&key(), by(150)).await.unwrap()
    };
    let before = all_texts(&store).await;
    assert_eq!(reactivate().await, Decided::Erasing(Box::new(open)));
    assert_eq!(all_texts(&store).await, before);
    assert_eq!(store.user("user_1").await["is_active"], false);
    store.store.erasures.cancel(&key(), by(200)).await.unwrap();
    assert!(matches!(reactivate().await, Decided::Changed { .. }));
    assert_eq!(store.user("user_1").await["is_active"], true);
    // Once it is done there is nobody left.
    request(&store).await;
    execute(&store).await;
    assert_eq!(reactivate().await, Decided::Deleted);
}

async fn due_requests_come_in_pages(store: TestStore) {
    // The first two are due at the same time.
    for (number, due_at) in [(1, 500), (2, 500), (3, 700), (4, 400), (5, 1001)] {
        let clerk_id = format!("user_{number}");
        store.apply(user(&clerk_id).updated(5)).await;
        let key = (&id(&clerk_id)).into();
        let requested = store.store.erasures.request(&key, at(due_at), by(100), &[]);
        assert!(matches!(requested.await.unwrap(), ErasureOutcome::Done(_)));
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.store.erasures.due(at(1000), after.clone(), 1);
        let Some(next) = page.await.unwrap().pop() else {
            break;
        };
        seen.push(next.clerk_user_id.to_string());
        after = Some(next);
    }
    assert_eq!(seen, ["user_4", "user_1", "user_2", "user_3"]);
}

async fn others_are_left_as_they_are(store: TestStore) {
    person(&store).await;
    let other = user("user_2").named("Bob").primary_email("bob@example.com");
    store.apply(other.updated(5)).await;
    let of_others = async || {
        let row = store.user("user_2").await;
        let changes =
            "select cast(data as text) as line from changes where clerk_id in ('user_2', 'org_1')";
        let payloads = "select cast(payload as text) as line from webhook_deliveries where object_id = 'user_2'";
        let texts = (store.lines(changes).await, store.lines(payloads).await);
        (row, store.organization("org_1").await, texts)
    };
    let before = of_others().await;
    request(&store).await;
    execute(&store).await;
    assert_eq!(of_others().await, before);
}

async fn the_last_admin_is_not_forgotten(store: TestStore) {
    person(&store).await;
    let role = Some(domain::Role::from_store("admin".to_owned()));
    let administration = &store.store.administration;
    administration
        .set_role(&key(), role, false, by(1), &[])
        .await
        .unwrap();
    assert_eq!(request(&store).await, ErasureOutcome::LastAdmin);
    assert_eq!(store.user("user_1").await["is_active"], true);
}

async fn an_export_holds_everything(store: TestStore) {
    person(&store).await;
    let held = store
        .store
        .erasures
        .export(&key(), by(50))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held["user"]["first_name"], "Annika");
    assert_eq!(held["emails"][0]["email_address"], "Ann@example.com");
    assert_eq!(held["sessions"][0]["client_ip"], "192.0.2.7");
    assert_eq!(
        held["organizations"][0]["membership"]["clerk_membership_id"],
        "orgmem_1"
    );
    assert_eq!(held["messages"][0]["payload"]["to"], "ANN@example.com");
    let told: Vec<&str> = held["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["clerk_id"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["orgmem_1", "sess_1", "user_1"], "the newest first");
    assert_eq!(held["changes"][2]["data"]["first_name"], "Annika");
    assert_eq!(held["truncated"], json!([]));
    let actions = "select action || ' ' || subject_id as line from audit_log";
    assert_eq!(store.lines(actions).await, ["user.exported user_1"]);
    let unknown = UserKey::Clerk("user_2".to_owned());
    assert_eq!(
        store.store.erasures.export(&unknown, by(51)).await.unwrap(),
        None
    );
}

async fn an_export_says_what_is_not_whole(store: TestStore) {
    person(&store).await;
    store
        .execute(
            "insert into sessions (clerk_session_id, clerk_user_id, status, created_at, updated_at, \
                 version, precedence, sign_in_precedence, mirrored_at) \
             with recursive number (n) as (select 1 union all select n + 1 from number where n < 10000) \
             select 'sess_x' || n, clerk_user_id, status, created_at, updated_at, version, precedence, \
                 sign_in_precedence, mirrored_at \
             from sessions, number where clerk_session_id = 'sess_1'",
        )
        .await;
    let held = store.store.erasures.export(&key(), by(50)).await;
    let held = held.unwrap().unwrap();
    assert_eq!(held["truncated"], json!(["sessions"]));
    assert_eq!(held["sessions"].as_array().unwrap().len(), 10_000);
}

async fn tries_of_invites_are_forgotten_too(store: TestStore) {
    person(&store).await;
    let user_id = store.store.overview.user(&key()).await.unwrap().unwrap().id;
    let attempt = InviteAttempt {
        user_id,
        address: None,
        digest: None,
        by: by(100),
    };
    let rules = InviteRules {
        shared: None,
        attempts_per_user: 10,
        attempts_per_address: 100,
    };
    store.store.invites.redeem(attempt, rules).await.unwrap();
    let held = store.store.erasures.export(&key(), by(150)).await;
    let held = held.unwrap().unwrap();
    assert_eq!(held["invite_attempts"].as_array().unwrap().len(), 1);
    request(&store).await;
    execute(&store).await;
    let tries = "select subject as line from invite_attempts";
    assert_eq!(store.lines(tries).await, Vec::<String>::new());
}
