//! One resource for all: what is made, changed, paged and refused.

use reqwest::Method;
use serde_json::json;

use super::{Ground, UNKNOWN, ids, made, patch};

super::on_every_wall! {
    a_listing_lives_from_its_making_to_its_end,
    what_is_wrong_is_named_field_by_field,
    a_list_is_read_by_pages,
    money_is_kept_as_it_was_written,
    listings_are_valued_and_scored,
}

const LISTINGS: &str = "/api/v1/listings";

async fn a_listing_lives_from_its_making_to_its_end(ground: Ground) {
    let world = ground.open().await;
    let ann = world.caller("ann").await;
    let new = json!({
        "title": "Touring bicycle", "price": "1250.00", "currency": "EUR", "condition": "good",
        "components": {"frame": "steel", "gears": 27}, "status": "active",
    });
    let answer = ann.submit(Method::POST, LISTINGS, &new).await;
    let place = answer.header("location").unwrap().to_owned();
    let row = answer.expect_json(201);
    assert_eq!(place, format!("{LISTINGS}/{}", row["id"].as_str().unwrap()));
    for (name, value) in [
        ("title", json!("Touring bicycle")),
        ("price", json!("1250")),
        ("currency", json!("EUR")),
        ("condition", json!("good")),
        ("components", json!({"frame": "steel", "gears": 27})),
        ("status", json!("active")),
        ("organization_id", json!(null)),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    assert_eq!(ann.get(&place).await.expect_json(200), row);
    // The shorter name is the same route.
    let short = place.replace("/api/v1/", "/api/");
    assert_eq!(ann.get(&short).await.expect_json(200), row);

    let changed = patch(
        &ann,
        &place,
        &json!({"price": null, "currency": null, "status": "sold"}),
    )
    .await;
    let changed = changed.expect_json(200);
    assert_eq!(changed["price"], json!(null));
    assert_eq!(changed["title"], row["title"]);
    assert_eq!(changed["created_at"], row["created_at"]);
    // Nothing named, nothing changed.
    let same = patch(&ann, &place, &json!({})).await.expect_json(200);
    assert_eq!(same["status"], "sold");
    ann.ask(Method::DELETE, &place).await.expect(204);
    ann.get(&place)
        .await
        .expect_problem(404, "resource_not_found");
}

async fn what_is_wrong_is_named_field_by_field(ground: Ground) {
    let world = ground.open().await;
    let ann = world.caller("ann").await;
    let wrong = json!({"title": " ", "price": "-1", "currency": "eur", "components": [1]});
    let answer = ann.submit(Method::POST, LISTINGS, &wrong).await;
    let problem = answer.expect_problem(400, "body_invalid").json();
    let fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["title", "price", "currency", "components"]);
    for body in [
        json!({}),
        json!([]),
        json!("title"),
        json!({"title": "A", "owner_id": UNKNOWN}),
        json!({"title": "A", "user_id": UNKNOWN}),
        json!({"title": "A", "id": UNKNOWN}),
        json!({"title": 1}),
        json!({"title": "A", "status": "gone"}),
        json!({"title": "A", "condition": "new "}),
        json!({"title": "A", "price": "1,5", "currency": "EUR"}),
        json!({"title": "A", "price": "1e999", "currency": "EUR"}),
        json!({"title": "A\u{0}"}),
        json!({"title": "A", "components": {"a": "\u{0}"}}),
        json!({"title": "é".repeat(201)}),
    ] {
        let answer = ann.submit(Method::POST, LISTINGS, &body).await;
        answer.expect_problem(400, "body_invalid");
    }
    let twice = r#"{"title": "A", "title": "B"}"#;
    ann.submit_as(Method::POST, LISTINGS, "application/json", twice)
        .await
        .expect_problem(400, "body_invalid");
    ann.submit_as(Method::POST, LISTINGS, "text/plain", twice)
        .await
        .expect_problem(415, "unsupported_media_type");
    let large = json!({"title": "A", "components": {"a": "x".repeat(600_000)}});
    ann.submit(Method::POST, LISTINGS, &large)
        .await
        .expect_problem(413, "body_too_large");
    assert_eq!(ids(&ann, LISTINGS).await, [""; 0]);
    for query in [
        "?limit=0",
        "?cursor=x",
        "?owner=everybody",
        "?owner=me&owner=me",
        "?parent=1",
        "?listing_id=1",
    ] {
        let answer = ann.get(&format!("{LISTINGS}{query}")).await;
        answer.expect_problem(400, "parameter_invalid");
    }
    ann.get("/api/v1/shares?listing_id=1")
        .await
        .expect_problem(400, "parameter_invalid");
    for id in ["x", "0", "%00", "..%2f", UNKNOWN] {
        let answer = ann.get(&format!("{LISTINGS}/{id}")).await;
        assert!(matches!(answer.status, 404), "{answer:?}");
    }
}

async fn a_list_is_read_by_pages(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(made(&ann, LISTINGS, &json!({"title": number.to_string()})).await);
        made(&bob, LISTINGS, &json!({"title": "another's"})).await;
    }
    all.reverse();
    let mut seen = Vec::new();
    let mut path = format!("{LISTINGS}?limit=3");
    loop {
        let page = ann.get(&path).await.expect_json(200);
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        assert_eq!(items.len(), 3);
        path = format!("{LISTINGS}?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, all);
    // A cursor of one list is none of another.
    let cursor = ann
        .get(&format!("{LISTINGS}?limit=1"))
        .await
        .expect_json(200);
    let cursor = cursor["next_cursor"].as_str().unwrap();
    ann.get(&format!("/api/v1/profiles?cursor={cursor}"))
        .await
        .expect_problem(400, "parameter_invalid");
}

async fn money_is_kept_as_it_was_written(ground: Ground) {
    let world = ground.open().await;
    let ann = world.caller("ann").await;
    for (price, kept) in [
        (r#""0.1""#, "0.1"),
        ("0.1", "0.1"),
        (
            "9999999999999999.999999999999",
            "9999999999999999.999999999999",
        ),
        ("1e-12", "0.000000000001"),
    ] {
        let body = format!(r#"{{"title": "A", "currency": "EUR", "price": {price}}}"#);
        let row = ann
            .submit_as(Method::POST, LISTINGS, "application/json", body)
            .await;
        let row = row.expect_json(201);
        assert_eq!(row["price"], kept);
        let place = format!("{LISTINGS}/{}", row["id"].as_str().unwrap());
        assert_eq!(ann.get(&place).await.expect_json(200)["price"], kept);
    }
}

async fn listings_are_valued_and_scored(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let listing = json!({
        "title": "Bicycle", "price": "1000", "currency": "EUR", "condition": "new",
        "components": {"km": 1200, "light": true},
    });
    let listing = made(&ann, LISTINGS, &listing).await;
    let rules = json!([
        {"name": "worn", "when": [{"field": "km", "op": "gt", "value": 1000}], "effect": {"multiply": "0.9"}},
        {"name": "light", "when": [{"field": "light", "op": "eq", "value": true}], "effect": {"add": "25.50"}},
        {"name": "never", "when": [{"field": "motor", "op": "exists"}], "effect": {"set": "0"}},
    ]);
    let path = "/api/v1/valuation-rulesets";
    let ruleset = made(&ann, path, &json!({"name": "Used", "rules": rules})).await;
    let evaluate = format!("{path}/{ruleset}/evaluate");
    let of = json!({ "listing_id": listing });
    let valuation = ann
        .submit(Method::POST, &evaluate, &of)
        .await
        .expect_json(200);
    assert_eq!(valuation["value"], "925.5");
    let names: Vec<&str> = valuation["applied"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["worn", "light"]);

    let weights = json!({"condition": "3", "light": "1", "motor": 2});
    let profile = json!({"name": "Tours", "weights": weights});
    let profile = made(&ann, "/api/v1/profiles", &profile).await;
    let score = format!("/api/v1/profiles/{profile}/score");
    let scored = ann.submit(Method::POST, &score, &of).await.expect_json(200);
    assert_eq!(scored["missing"], json!(["motor"]));
    assert_eq!(scored["score"], "0.666667");

    for path in [&evaluate, &score] {
        bob.submit(Method::POST, path, &of)
            .await
            .expect_problem(404, "resource_not_found");
        ann.submit(Method::POST, path, &json!({"listing_id": UNKNOWN}))
            .await
            .expect_problem(422, "reference_unknown");
    }
    let empty = made(&ann, "/api/v1/profiles", &json!({"name": "Nothing"})).await;
    ann.submit(
        Method::POST,
        &format!("/api/v1/profiles/{empty}/score"),
        &of,
    )
    .await
    .expect_problem(422, "calculation_failed");
    for (path, wrong) in [
        (path, json!({"name": "A", "rules": [{"name": "a"}]})),
        (path, json!({"name": "A", "rules": {}})),
        (
            "/api/v1/profiles",
            json!({"name": "A", "weights": {"a": "heavy"}}),
        ),
    ] {
        let answer = ann.submit(Method::POST, path, &wrong).await;
        answer.expect_problem(400, "body_invalid");
    }
}
