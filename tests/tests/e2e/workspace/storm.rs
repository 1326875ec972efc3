//! Requests that are given up at random points: no transaction stays open, and nobody is taken for another afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::{Tables, Visitor, eventually};
use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Ground, id_of, ids, made};

/// Requests in all.
const REQUESTS: u64 = 20_000;
/// At one time.
const AT_ONCE: usize = 48;

struct Person {
    visitor: Visitor,
    id: String,
    row: String,
}

/// What became of a request that was answered: whether it was as it should be.
async fn ask(people: &[Person], number: u64) -> bool {
    let place = usize::try_from(number).unwrap() % people.len();
    let (own, other) = (&people[place], &people[(place + 1) % people.len()]);
    let path = "/api/v1/listings";
    match number % 5 {
        0 => {
            let title = json!({"title": format!("A {number}")});
            let row = format!("{path}/{}", own.row);
            own.visitor.submit(Method::PATCH, &row, &title).await.status == 200
        }
        1 => {
            let row = format!("{path}/{}", other.row);
            own.visitor.get(&row).await.status == 404
        }
        2 => {
            let row = format!("{path}/{}", own.row);
            own.visitor.get(&row).await.json()["owner_id"] == *own.id
        }
        3 => {
            let row = format!("{path}/{}", other.row);
            own.visitor.ask(Method::DELETE, &row).await.status == 404
        }
        _ => {
            let page = own.visitor.get(&format!("{path}?owner={}", other.id)).await;
            page.json()["items"] == json!([])
        }
    }
}

/// How long an answer takes here and now, when so many wait at one time.
async fn usual_wait(people: &Arc<Vec<Person>>) -> Duration {
    let waits = stream::iter(0..u64::try_from(AT_ONCE).unwrap() * 4).map(|number| {
        let people = Arc::clone(people);
        async move {
            let start = Instant::now();
            assert!(ask(&people, number).await);
            start.elapsed()
        }
    });
    let mut waits: Vec<Duration> = waits.buffer_unordered(AT_ONCE).collect().await;
    waits.sort_unstable();
    waits[waits.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_given_up_leave_nothing_behind() {
    let world = Ground::of_policies().await.open().await;
    let mut people = Vec::new();
    for number in 0..6 {
        let visitor = world.caller(&format!("person{number}")).await;
        let row = made(&visitor, "/api/v1/listings", &json!({"title": "A"})).await;
        people.push(Person {
            id: id_of(&visitor).await,
            visitor,
            row,
        });
    }
    let people = Arc::new(people);
    let usual = usual_wait(&people).await;
    let requests = stream::iter(0..REQUESTS).map(|number| {
        let people = Arc::clone(&people);
        async move {
            // From at once to three times as long as an answer takes, in an order that looks random and is always the same.
            let patience = usual * u32::try_from(number * 7_919 % 3_000).unwrap() / 1_000;
            let asked = tokio::time::timeout(patience, ask(&people, number)).await;
            asked.map_or((0_u64, true), |sound| (1, sound))
        }
    });
    let (answered, sound) = requests
        .buffer_unordered(AT_ONCE)
        .fold((0, true), async |(count, all), (one, sound)| {
            (count + one, all && sound)
        })
        .await;
    assert!(sound, "a request saw another's rows, or not its own");
    assert!(
        (1..REQUESTS).contains(&answered),
        "{answered} were answered"
    );

    let tables = Tables::of(world.database()).await.unwrap();
    let idle = "datname = current_database() and state like 'idle in transaction%'";
    let none_idles = async || (tables.count("pg_stat_activity", idle).await == 0).then_some(());
    eventually("no connection to idle in a transaction", none_idles).await;
    // Every connection of the pool, more than once: each has his own and nothing else.
    for _ in 0..4 {
        for person in &*people {
            let seen = ids(&person.visitor, "/api/v1/listings").await;
            assert_eq!(seen, [person.row.as_str()]);
        }
    }
    let strange = "user_id is null or title not like 'A%'";
    assert_eq!(tables.count("listings", strange).await, 0);
    let health: Value = world.anonymous().get("/health").await.json();
    assert_ne!(health["status"], "unhealthy");
}
