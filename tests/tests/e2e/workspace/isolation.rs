//! Whose rows are whose: every resource, every verb, every caller.

use e2e::{Answer, Tables, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Ground, UNKNOWN, admin, id_of, ids, made, patch, resources};

super::on_every_wall! {
    anothers_row_is_as_one_that_there_is_not,
    admins_see_and_change_everything,
    naming_anothers_row_is_as_naming_none,
    writing_needs_an_invite_and_reading_does_not,
}

/// What a problem says, without the request's id.
fn told(answer: Answer) -> (u16, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("instance");
    (answer.status, body)
}

async fn tries(visitor: &Visitor, path: &str, change: &Value) -> Vec<(u16, Value)> {
    vec![
        told(visitor.get(path).await),
        told(patch(visitor, path, change).await),
        told(visitor.ask(Method::DELETE, path).await),
    ]
}

async fn anothers_row_is_as_one_that_there_is_not(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let resources = resources(&ann).await;
    for (path, new, change) in &resources {
        let id = made(&ann, path, new).await;
        let (own, unknown) = (format!("{path}/{id}"), format!("{path}/{UNKNOWN}"));
        let before = ann.get(&own).await.expect_json(200);
        let foreign = tries(&bob, &own, change).await;
        assert_eq!(foreign, tries(&bob, &unknown, change).await, "{path}");
        assert!(
            foreign
                .iter()
                .all(|(status, body)| *status == 404 && body["code"] == "resource_not_found"),
            "{path}: {foreign:?}"
        );
        for (filter, whose) in [
            ("", "own"),
            ("?owner=none", "nobody's"),
            ("?owner=shared", "shared"),
        ] {
            assert_eq!(
                ids(&bob, &format!("{path}{filter}")).await,
                [""; 0],
                "{path}: {whose}"
            );
        }
        let of_ann = format!("{path}?owner={}", id_of(&ann).await);
        assert_eq!(ids(&bob, &of_ann).await, [""; 0], "{path}");
        assert_eq!(ann.get(&own).await.expect_json(200), before, "{path}");
        assert!(ids(&ann, path).await.contains(&id), "{path}");

        let nobody = world.anonymous();
        for (method, at) in [
            (Method::GET, path.to_owned()),
            (Method::POST, path.to_owned()),
            (Method::GET, own.as_str()),
            (Method::PATCH, own.as_str()),
            (Method::DELETE, own.as_str()),
        ] {
            nobody
                .ask(method, at)
                .await
                .expect_problem(401, "token_missing");
        }
        patch(&ann, &own, change).await.expect(200);
        ann.ask(Method::DELETE, &own).await.expect(204);
        ann.get(&own)
            .await
            .expect_problem(404, "resource_not_found");
        ann.ask(Method::DELETE, &own)
            .await
            .expect_problem(404, "resource_not_found");
    }
}

async fn admins_see_and_change_everything(ground: Ground) {
    let world = ground.open().await;
    let (ann, admin) = (world.caller("ann").await, admin(&world).await);
    let resources = resources(&ann).await;
    for (path, new, change) in &resources {
        let id = made(&ann, path, new).await;
        let row = format!("{path}/{id}");
        assert!(ids(&admin, path).await.contains(&id), "{path}");
        assert!(
            !ids(&admin, &format!("{path}?owner=me")).await.contains(&id),
            "{path}"
        );
        let of_ann = format!("{path}?owner={}", id_of(&ann).await);
        assert!(ids(&admin, &of_ann).await.contains(&id), "{path}");
        let seen = admin.get(&row).await.expect_json(200);
        assert_eq!(seen["owner_id"], id_of(&ann).await, "{path}");
        let changed = patch(&admin, &row, change).await.expect_json(200);
        for (name, value) in change.as_object().unwrap() {
            assert_eq!(changed[name], *value, "{path}");
        }
        assert_eq!(ann.get(&row).await.expect_json(200), changed, "{path}");
        admin.ask(Method::DELETE, &row).await.expect(204);
        ann.get(&row)
            .await
            .expect_problem(404, "resource_not_found");
    }
    // And it is written down.
    let audit = admin
        .get("/api/v1/admin/audit?action=workspace.deleted")
        .await;
    let audit = audit.expect_json(200);
    let lines = audit["items"].as_array().unwrap().len();
    assert_eq!(lines, resources.len(), "{audit}");
}

/// On PostgreSQL, where a test can write a row that nobody owns; the store's own tests do so on SQLite too.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_nobody_owns_is_for_admins_until_it_is_given() {
    let world = Ground::of_policies().await.open().await;
    let (ann, admin) = (world.caller("ann").await, admin(&world).await);
    let row = made(&ann, "/api/v1/listings", &json!({"title": "From before"})).await;
    // As a migration of the team's own would leave it.
    let statement = format!("update listings set user_id = null where id = '{row}'");
    let tables = Tables::of(world.database()).await.unwrap();
    assert_eq!(tables.execute(&statement).await, 1);
    let (path, none) = (
        format!("/api/v1/listings/{row}"),
        "/api/v1/listings?owner=none",
    );
    ann.get(&path)
        .await
        .expect_problem(404, "resource_not_found");
    assert_eq!(ids(&ann, none).await, [""; 0]);
    assert_eq!(ids(&admin, none).await, [row.as_str()]);
    let seen = admin.get(&path).await.expect_json(200);
    assert_eq!(seen["owner_id"], Value::Null);

    let owner = format!("{path}/owner");
    let to_ann = json!({"user_id": id_of(&ann).await});
    ann.submit(Method::PUT, &owner, &to_ann)
        .await
        .expect_problem(403, "role_required");
    admin
        .submit(Method::PUT, &owner, &json!({"user_id": UNKNOWN}))
        .await
        .expect_problem(422, "reference_unknown");
    let given = admin.submit(Method::PUT, &owner, &to_ann).await;
    let given = given.expect_json(200);
    assert_eq!(given["owner_id"], to_ann["user_id"]);
    assert_eq!(ann.get(&path).await.expect_json(200), given);
    assert_eq!(ids(&admin, none).await, [""; 0]);
}

async fn naming_anothers_row_is_as_naming_none(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let listing = made(&ann, "/api/v1/listings", &json!({"title": "Bicycle"})).await;
    let portfolio = made(&ann, "/api/v1/portfolios", &json!({"name": "Savings"})).await;
    let collection = made(&ann, "/api/v1/collections", &json!({"name": "Spring"})).await;
    let own = made(&bob, "/api/v1/collections", &json!({"name": "Mine"})).await;
    let naming = |path: &str, id: &str| match path {
        "/api/v1/positions" => {
            json!({"portfolio_id": id, "symbol": "A", "quantity": "1", "entry_price": "1"})
        }
        "/api/v1/shares" => json!({"listing_id": id, "user_id": UNKNOWN, "permission": "read"}),
        "/api/v1/collection-items" => json!({"collection_id": own, "listing_id": id}),
        other => panic!("{other}"),
    };
    for (path, id) in [
        ("/api/v1/positions", &portfolio),
        ("/api/v1/shares", &listing),
        ("/api/v1/collection-items", &listing),
    ] {
        let answer = bob.submit(Method::POST, path, &naming(path, id)).await;
        let foreign = told(answer);
        let answer = bob.submit(Method::POST, path, &naming(path, UNKNOWN)).await;
        let unknown = told(answer);
        assert_eq!(foreign, unknown, "{path}");
        assert_eq!(foreign.0, 422);
        assert_eq!(foreign.1["code"], "reference_unknown");
    }
    let into_hers = json!({"collection_id": collection, "listing_id": listing});
    bob.submit(Method::POST, "/api/v1/collection-items", &into_hers)
        .await
        .expect_problem(422, "reference_unknown");
    // Lists narrowed by another's row are empty, as by none.
    for id in [portfolio.as_str(), UNKNOWN] {
        let path = format!("/api/v1/positions?portfolio_id={id}");
        assert_eq!(ids(&bob, &path).await, [""; 0]);
    }
}

async fn writing_needs_an_invite_and_reading_does_not(ground: Ground) {
    let world = ground.world(&[("BETA_INVITE_CODE", "Spring-2026")]).await;
    let ann = world.caller("ann").await;
    let listing = json!({"title": "Bicycle"});
    let denied = |method: Method, path: String| {
        let ann = ann.clone();
        let body = listing.clone();
        async move {
            ann.submit(method, &path, &body)
                .await
                .expect_problem(403, "invite_required")
        }
    };
    for path in [
        "listings",
        "profiles",
        "valuation-rulesets",
        "collections",
        "collection-items",
        "shares",
        "portfolios",
        "positions",
    ] {
        let (all, one) = (
            format!("/api/v1/{path}"),
            format!("/api/v1/{path}/{UNKNOWN}"),
        );
        denied(Method::POST, all.clone()).await;
        denied(Method::PATCH, one.clone()).await;
        denied(Method::DELETE, one.clone()).await;
        ann.get(&all).await.expect(200);
        ann.get(&one)
            .await
            .expect_problem(404, "resource_not_found");
    }
    denied(
        Method::POST,
        format!("/api/v1/portfolios/{UNKNOWN}/calculate"),
    )
    .await;
    denied(Method::POST, format!("/api/v1/profiles/{UNKNOWN}/score")).await;
    denied(Method::POST, "/api/v1/onboarding/import".to_owned()).await;
    denied(Method::POST, "/api/v1/chat/send".to_owned()).await;
    ann.get("/api/v1/chat/messages").await.expect(200);
    ann.get("/api/v1/portfolios/batch-status").await.expect(200);

    let code = json!({"invite_code": "spring 2026"});
    ann.submit(Method::POST, "/api/v1/onboarding/validate-invite", &code)
        .await
        .expect(200);
    made(&ann, "/api/v1/listings", &listing).await;
}
