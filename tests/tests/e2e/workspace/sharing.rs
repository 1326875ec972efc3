//! A listing that another may see, for as long as it is shared.

use reqwest::Method;
use serde_json::json;

use super::{Ground, id_of, ids, made, patch};

super::on_every_wall! {
    what_is_shared_is_seen_and_not_changed_until_it_is_taken_back,
}

async fn what_is_shared_is_seen_and_not_changed_until_it_is_taken_back(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob, eve) = (
        world.caller("ann").await,
        world.caller("bob").await,
        world.caller("eve").await,
    );
    let listing = made(&ann, "/api/v1/listings", &json!({"title": "Bicycle"})).await;
    let path = format!("/api/v1/listings/{listing}");
    let share = json!({"listing_id": listing, "user_id": id_of(&bob).await, "permission": "read"});
    let share_id = made(&ann, "/api/v1/shares", &share).await;
    assert_eq!(bob.get(&path).await.expect_json(200)["title"], "Bicycle");
    assert_eq!(
        ids(&bob, "/api/v1/listings?owner=shared").await,
        [listing.as_str()]
    );
    assert_eq!(ids(&bob, "/api/v1/listings").await, [""; 0]);
    assert_eq!(
        ids(&bob, "/api/v1/shares?owner=shared").await,
        [share_id.as_str()]
    );
    eve.get(&path)
        .await
        .expect_problem(404, "resource_not_found");

    // Seen, and put into a collection of one's own; not changed, not shared on.
    patch(&bob, &path, &json!({"title": "Mine"}))
        .await
        .expect_problem(404, "resource_not_found");
    bob.ask(Method::DELETE, &path)
        .await
        .expect_problem(404, "resource_not_found");
    let on = json!({"listing_id": listing, "user_id": id_of(&eve).await, "permission": "read"});
    bob.submit(Method::POST, "/api/v1/shares", &on)
        .await
        .expect_problem(422, "reference_unknown");
    let collection = made(&bob, "/api/v1/collections", &json!({"name": "Seen"})).await;
    let item = json!({"collection_id": collection, "listing_id": listing});
    made(&bob, "/api/v1/collection-items", &item).await;
    let share_path = format!("/api/v1/shares/{share_id}");
    patch(&bob, &share_path, &json!({"permission": "comment"}))
        .await
        .expect_problem(404, "resource_not_found");

    // Shared again is the same share.
    let again =
        json!({"listing_id": listing, "user_id": id_of(&bob).await, "permission": "comment"});
    assert_eq!(made(&ann, "/api/v1/shares", &again).await, share_id);
    let shares = format!("/api/v1/shares?listing_id={listing}");
    assert_eq!(ids(&ann, &shares).await, [share_id.as_str()]);
    assert_eq!(
        bob.get(&share_path).await.expect_json(200)["permission"],
        "comment"
    );

    ann.ask(Method::DELETE, &share_path).await.expect(204);
    bob.get(&path)
        .await
        .expect_problem(404, "resource_not_found");
    assert_eq!(ids(&bob, "/api/v1/listings?owner=shared").await, [""; 0]);
    ann.get(&path).await.expect(200);
}
