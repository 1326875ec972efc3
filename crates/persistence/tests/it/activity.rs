//! How much there is and how much goes on, counted by days of UTC whatever the database's own clock thinks.

use chrono::NaiveDate;
use domain::{DayActivity, Effect, Outcome, Totals};

use crate::facts::{at, deleted_user, organization, session, user, without_effect};
use crate::store::{TestStore, on_both_stores};

on_both_stores! {
    what_is_deleted_or_over_is_not_counted,
    each_day_has_its_own,
}

const DAY: i64 = 24 * 3_600_000;

async fn what_is_deleted_or_over_is_not_counted(store: TestStore) {
    let overview = &store.store.overview;
    assert_eq!(overview.totals(at(0)).await.unwrap(), Totals::default());
    for name in ["user_1", "user_2", "user_3"] {
        store.apply(user(name).updated(5)).await;
    }
    store.apply(deleted_user("user_3").updated(6)).await;
    store.apply(organization("org_1").updated(5)).await;
    store
        .apply(session("sess_1", "active").since(0).updated(5))
        .await;
    store
        .apply(session("sess_2", "ended").since(0).updated(5))
        .await;
    let totals = |users, sessions| Totals {
        users,
        organizations: 1,
        sessions,
    };
    let count = async |when| overview.totals(at(when)).await.unwrap();
    assert_eq!(count(10).await, totals(2, 1));
    // Nothing tells that a session has expired.
    assert_eq!(count(8 * DAY).await, totals(2, 0));
}

async fn each_day_has_its_own(store: TestStore) {
    for (id, begun) in [
        ("sess_1", 0),
        ("sess_2", DAY - 1),
        ("sess_3", DAY),
        ("sess_4", 2 * DAY),
        ("sess_5", 3 * DAY),
    ] {
        let fact = session(id, "active").since(begun).updated(begun);
        store.apply(fact.signed_in("192.0.2.1", "Browser/1")).await;
    }
    store.apply(session("sess_6", "active").updated(5)).await;
    let quarantined = Effect::Quarantined {
        reason: "unreadable".to_owned(),
    };
    store.apply(without_effect("msg_1", quarantined)).await;
    // Every delivery comes on the first day.
    let first = at(0).date_naive();
    let day = |number: u64| first + chrono::Days::new(number);
    let activity =
        async |last: NaiveDate, days| store.store.overview.activity(last, days).await.unwrap();
    let days = activity(day(2), 3).await;
    let told: Vec<(NaiveDate, u64, u64)> = days
        .iter()
        .map(|day| (day.day, day.sign_ins, day.delivered()))
        .collect();
    assert_eq!(told, [(day(0), 2, 7), (day(1), 1, 0), (day(2), 1, 0)]);
    assert_eq!(days[0].of(Outcome::Applied), 6);
    assert_eq!(days[0].of(Outcome::Quarantined), 1);
    assert_eq!(days[0].of(Outcome::Rejected), 0);
    // A day before all of it, and one without a length.
    let before = first - chrono::Days::new(1);
    assert_eq!(activity(before, 1).await, [DayActivity::quiet(before)]);
    assert_eq!(activity(day(3), 0).await[0].sign_ins, 1);
}
