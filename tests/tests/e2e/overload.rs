//! More to do than can be done: whoever fits in is served, and the others are told so at once.

use e2e::{ME, TestDatabase, WEBHOOKS, Wire, World, sample};
use reqwest::Method;

use crate::outage::behind_a_proxy_with;

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_fit_in_is_told_so_at_once() {
    let (world, proxy) = behind_a_proxy_with(&[("MAX_CONCURRENT_REQUESTS", "4")]).await;
    let ann = world.caller("ann").await;
    ann.get(ME).await.expect(200);
    // Nobody gets on with his work any more.
    proxy.silence();
    let many = (0..24).map(|_| world.deliver(sample("user.updated")));
    let answers = futures_util::future::join_all(many);
    let (answers, live) = tokio::join!(answers, async {
        world.anonymous().get("/health/live").await
    });
    live.expect(200);
    let (full, waited): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|answer| answer.code() == "overloaded");
    assert_eq!((full.len(), waited.len()), (20, 4));
    for answer in full {
        assert!(answer.header("retry-after").is_some());
        answer.expect(503);
    }
    for answer in waited {
        answer.expect_problem(503, "store_unavailable");
    }
    proxy.restore();
    e2e::eventually("service", async || {
        let taken = world.deliver(sample("user.updated")).await;
        (taken.status == 204 && ann.get(ME).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_take_no_places() {
    let own = [("MAX_CONCURRENT_REQUESTS", "2")];
    let world = World::with(TestDatabase::sqlite(), &own).await;
    let ann = world.caller("ann").await;
    let message = world.signed(sample("user.created"));
    let (first, rest) = message.body().split_at(10);
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut wire = Wire::to(world.address()).await;
        wire.send(&message.head(WEBHOOKS, message.body().len()))
            .await;
        wire.send(b"\r\n").await;
        wire.send(first).await;
        slow.push(wire);
    }
    for _ in 0..10 {
        ann.get(ME).await.expect(200);
        let unsigned = world.anonymous().ask(Method::POST, WEBHOOKS).await;
        unsigned.expect(401);
    }
    // Once it is whole, each is served.
    for mut wire in slow {
        wire.send(rest).await;
        let answer = wire.until("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }
}
