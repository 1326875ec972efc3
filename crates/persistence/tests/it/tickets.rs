//! Stream tickets: taken once, by one, in time.

use domain::StreamTicket;
use tokio::task::JoinSet;

use crate::facts::{at, id};
use crate::store::{TestStore, on_both_stores, open};

on_both_stores! {
    a_ticket_is_taken_once,
    a_ticket_is_taken_in_time,
    of_many_who_take_a_ticket_at_once_one_gets_it,
    expired_tickets_are_pruned_a_few_at_a_time,
}

fn ticket(number: u8, expires_at: i64) -> StreamTicket {
    StreamTicket {
        digest: [number; 32],
        clerk_user_id: id("user_1"),
        clerk_session_id: id("sess_1"),
        expires_at: at(expires_at),
    }
}

async fn issue(store: &TestStore, ticket: StreamTicket) {
    store.store.tickets.issue(ticket).await.unwrap();
}

async fn redeem(store: &TestStore, number: u8, now: i64) -> Option<StreamTicket> {
    let redeemed = store.store.tickets.redeem([number; 32], at(now)).await;
    redeemed.unwrap()
}

async fn a_ticket_is_taken_once(store: TestStore) {
    issue(&store, ticket(1, 10)).await;
    issue(&store, ticket(2, 10)).await;
    assert_eq!(redeem(&store, 3, 0).await, None);
    assert_eq!(redeem(&store, 1, 0).await, Some(ticket(1, 10)));
    assert_eq!(redeem(&store, 1, 0).await, None);
    assert_eq!(redeem(&store, 2, 9).await, Some(ticket(2, 10)));
}

async fn a_ticket_is_taken_in_time(store: TestStore) {
    issue(&store, ticket(1, 10)).await;
    assert_eq!(redeem(&store, 1, 10).await, None);
    assert_eq!(redeem(&store, 1, 9).await, None, "it is gone");
}

async fn of_many_who_take_a_ticket_at_once_one_gets_it(store: TestStore) {
    let replicas = [store.store.clone(), open(store.database.url())];
    for number in 0..5 {
        issue(&store, ticket(number, 10)).await;
        let mut calls = JoinSet::new();
        for caller in 0..16 {
            let tickets = replicas[caller % 2].tickets.clone();
            calls.spawn(async move { tickets.redeem([number; 32], at(0)).await.unwrap() });
        }
        let taken = calls.join_all().await;
        assert_eq!(taken.iter().flatten().count(), 1);
    }
}

async fn expired_tickets_are_pruned_a_few_at_a_time(store: TestStore) {
    for number in 0..5 {
        issue(&store, ticket(number, i64::from(number))).await;
    }
    let prune = async |now: i64| store.store.tickets.prune_tickets(at(now), 2).await.unwrap();
    assert_eq!(prune(2).await, 2);
    assert_eq!(prune(2).await, 1);
    assert_eq!(prune(2).await, 0);
    assert_eq!(redeem(&store, 4, 3).await, Some(ticket(4, 4)));
}
