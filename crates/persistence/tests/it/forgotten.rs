//! What is told of a forgotten person later is not kept, whoever tells it.

use domain::Outcome::{Applied, Stale};
use domain::{Listing, Mirrored, MockDirectory, Page, Payload, Write};
use domain::{ReconcileOptions, reconcile};
use serde_json::{Value, json};

use crate::erasure::{MARKS, all_texts, by, execute, person, request};
use crate::facts::{RECEIVED, at, id, membership, organization, role, session, user};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    a_sweep_does_not_bring_a_forgotten_person_back,
    a_forgotten_persons_rows_cannot_be_corrected,
    later_events_leave_nothing_of_a_forgotten_person,
    later_events_still_tell_of_others,
    what_comes_while_a_person_is_being_forgotten_is_not_kept,
    an_erasure_that_is_called_off_half_way_lets_the_row_be_filled_again,
}

fn assert_nothing_of_the_person(texts: &str) {
    let texts = texts.to_lowercase();
    for mark in MARKS {
        assert!(!texts.contains(&mark.to_lowercase()), "{mark}: {texts}");
    }
}

/// What Clerk goes on listing.
fn at_clerk(listing: Listing) -> Write {
    match listing {
        Listing::Users => user("user_1")
            .named("Annika")
            .primary_email("ann@example.com")
            .updated(9)
            .write(),
        Listing::Organizations => organization("org_1").updated(5).write(),
        Listing::Memberships => membership("orgmem_1")
            .metadata("desk", "Lynx")
            .updated(9)
            .write(),
    }
}

async fn a_sweep_does_not_bring_a_forgotten_person_back(store: TestStore) {
    person(&store).await;
    request(&store).await;
    execute(&store).await;
    let before = store.everything().await;
    let mut clerk = MockDirectory::new();
    clerk.expect_count().returning(|_| Ok(1));
    clerk.expect_page().returning(|listing, _| {
        Ok(Page {
            writes: vec![at_clerk(listing)],
            ..Page::default()
        })
    });
    clerk.expect_find().returning(|row| {
        Ok(Some(at_clerk(match row.clerk_id().as_str() {
            "user_1" => Listing::Users,
            "org_1" => Listing::Organizations,
            _ => Listing::Memberships,
        })))
    });
    let options = ReconcileOptions {
        repair: true,
        ..ReconcileOptions::default()
    };
    let (mirror, rows) = (&*store.store.mirror, &*store.store.rows);
    let now = || at(RECEIVED);
    for _ in 0..2 {
        let swept = reconcile(&clerk, mirror, rows, &options, &|_| {}, &now).await;
        let swept = swept.unwrap();
        assert_eq!((swept.drift, swept.stopped()), (0, false), "{swept:?}");
    }
    assert_eq!(store.everything().await, before);
    assert_nothing_of_the_person(&all_texts(&store).await);
}

async fn a_forgotten_persons_rows_cannot_be_corrected(store: TestStore) {
    person(&store).await;
    let whole = |listing, clerk_id| store.store.rows.with_ids(listing, vec![id(clerk_id)]);
    let listed = [
        (Listing::Users, "user_1"),
        (Listing::Memberships, "orgmem_1"),
    ];
    let mut seen = Vec::new();
    for (listing, clerk_id) in listed {
        seen.push(whole(listing, clerk_id).await.unwrap().pop());
    }
    request(&store).await;
    execute(&store).await;
    let before = store.everything().await;
    for ((listing, clerk_id), seen) in listed.into_iter().zip(seen) {
        let row = whole(listing, clerk_id).await.unwrap().pop();
        assert_eq!(row, Some(Mirrored::Forgotten(id(clerk_id))));
        for expected in [seen, row] {
            let corrected = store
                .store
                .mirror
                .correct(expected, at_clerk(listing), at(RECEIVED));
            assert!(!corrected.await.unwrap());
        }
    }
    assert_eq!(store.everything().await, before);
}

/// A message whose body has all of the person.
fn body() -> Payload {
    Payload::Json(json!({"data": {
        "user_id": "user_1", "to": "ann@example.com", "names": ["Annika"], "from": "192.0.2.7 Lynx",
    }}).into())
}

async fn later_events_leave_nothing_of_a_forgotten_person(store: TestStore) {
    person(&store).await;
    request(&store).await;
    execute(&store).await;
    let before = store.user("user_1").await;
    let profile = user("user_1").named("Annika").last_sign_in(900);
    let told = profile.primary_email("ann@example.com").updated(900);
    assert_eq!(store.apply(told.payload(body())).await, Stale);
    // He is still signed in at Clerk, and may sign in anew.
    for name in ["sess_1", "sess_2"] {
        let sign_in = session(name, "active")
            .of("user_1")
            .since(800)
            .signed_in("192.0.2.7", "Lynx");
        store.apply(sign_in.updated(900).payload(body())).await;
        let goes_on = session(name, "active").of("user_1").acted_by("Lynx");
        store.apply(goes_on.updated(901).payload(body())).await;
        // Not every event says whose session it is.
        let goes_on = session(name, "active").of_nobody().acted_by("Lynx");
        store.apply(goes_on.updated(902)).await;
    }
    for name in ["orgmem_1", "orgmem_2"] {
        let told = membership(name).metadata("desk", "Lynx").updated(900);
        assert_eq!(store.apply(told.payload(body())).await, Applied);
    }
    let data = json!({"id": "role_1", "user_id": "user_1", "name": "Annika"});
    store.apply(role("role_1", data).updated(900)).await;
    let unread = br#"{"user_id": "user_1", "name": "Annika", "#.to_vec();
    let told = user("user_1").updated(901).payload(Payload::Bytes(unread));
    store.apply(told).await;
    assert_nothing_of_the_person(&all_texts(&store).await);
    let bytes = "select cast(payload_bytes as text) as line from webhook_deliveries \
                 where length(payload_bytes) > 0";
    assert_eq!(store.lines(bytes).await, Vec::<String>::new());
    assert_eq!(store.user("user_1").await, before);
}

async fn later_events_still_tell_of_others(store: TestStore) {
    person(&store).await;
    request(&store).await;
    execute(&store).await;
    let message = |marked: &str| Payload::Json(json!({"data": {"user_id": marked}}).into());
    let other = user("user_2").named("Bob").updated(900).message("msg_2");
    store.apply(other.payload(message("user_2"))).await;
    let sign_in = session("sess_2", "active").of("user_2");
    let sign_in = sign_in.signed_in("192.0.2.9", "Fox").updated(900);
    store.apply(sign_in).await;
    let joined = membership("orgmem_2").joins("user_2", "org_1");
    store.apply(joined.metadata("desk", "3").updated(900)).await;
    assert_eq!(store.user("user_2").await["first_name"], "Bob");
    assert_eq!(store.session("sess_2").await["client_ip"], "192.0.2.9");
    let kept =
        "select cast(payload as text) as line from webhook_deliveries where svix_id = 'msg_2'";
    let kept: Value = serde_json::from_str(&store.lines(kept).await[0]).unwrap();
    assert_eq!(kept["data"]["user_id"], "user_2");
    // The organization that he was in is told of as ever.
    let renamed = organization("org_1").named("Acme").updated(900);
    assert_eq!(store.apply(renamed).await, Applied);
    assert_eq!(store.organization("org_1").await["name"], "Acme");
}

/// As if the erasure had been broken off right after its first step.
async fn begin(store: &TestStore) {
    request(store).await;
    let mark = if store.is_postgres() {
        "decode(repeat('ff', 26), 'hex')".to_owned()
    } else {
        format!("x'{}'", "ff".repeat(26))
    };
    let begun = format!("update users set precedence = {mark} where clerk_user_id = 'user_1'");
    store.execute(&begun).await;
}

async fn what_comes_while_a_person_is_being_forgotten_is_not_kept(store: TestStore) {
    person(&store).await;
    begin(&store).await;
    let lines = store.lines("select svix_id as line from webhook_deliveries");
    let lines = lines.await.len();
    let sign_in = session("sess_2", "active").signed_in("192.0.2.8", "Ocelot");
    store.apply(sign_in.updated(900).payload(body())).await;
    let told = user("user_1").named("Ocelot").updated(900);
    assert_eq!(store.apply(told.payload(body())).await, Stale);
    assert!(!all_texts(&store).await.contains("Ocelot"));
    // A sweep is not to judge the row, nor to take it for one that Clerk has not.
    let live = store.store.rows.live_after(Listing::Users, None, 9);
    assert_eq!(live.await.unwrap(), []);
    let row = store
        .store
        .rows
        .with_ids(Listing::Users, vec![id("user_1")]);
    assert_eq!(row.await.unwrap(), [Mirrored::Forgotten(id("user_1"))]);
    execute(&store).await;
    assert_nothing_of_the_person(&all_texts(&store).await);
    let after = store.lines("select svix_id as line from webhook_deliveries");
    assert_eq!(after.await.len(), lines + 2);
}

async fn an_erasure_that_is_called_off_half_way_lets_the_row_be_filled_again(store: TestStore) {
    person(&store).await;
    begin(&store).await;
    let told = || user("user_1").named("Ann").updated(900);
    assert_eq!(store.apply(told()).await, Stale);
    let key = (&id("user_1")).into();
    let cancelled = store.store.erasures.cancel(&key, by(200));
    cancelled.await.unwrap();
    assert_eq!(store.apply(told()).await, Applied);
    assert_eq!(store.user("user_1").await["first_name"], "Ann");
}
