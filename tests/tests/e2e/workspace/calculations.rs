//! Portfolios: how many there may be, and what they are worth.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Ground, POLICY, UNKNOWN, admin, ids, made};

super::on_every_wall! {
    a_portfolio_is_calculated,
    of_many_portfolios_the_state_is_told_at_once,
    portfolios_are_limited_by_tier_also_when_many_are_made_at_once,
    a_policy_may_keep_a_tier_from_calculating,
}

const PORTFOLIOS: &str = "/api/v1/portfolios";

async fn a_portfolio_is_calculated(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let portfolio = made(&ann, PORTFOLIOS, &json!({"name": "Savings"})).await;
    for (symbol, quantity, price) in [("aapl", "10", "150.25"), ("BTC-USD", "0.1", "0.2")] {
        let position = json!({"portfolio_id": portfolio, "symbol": symbol, "quantity": quantity, "entry_price": price});
        made(&ann, "/api/v1/positions", &position).await;
    }
    let path = format!("{PORTFOLIOS}/{portfolio}/calculate");
    let prices = json!({"prices": {"AAPL": "172.10"}});
    let job = ann
        .submit(Method::POST, &path, &prices)
        .await
        .expect_json(200);
    assert_eq!(job["status"], "done");
    let result = &job["result"];
    assert_eq!(result["cost"], "1502.52");
    assert_eq!(result["value"], "1721.02");
    assert_eq!(result["gain"], "218.5");
    assert_eq!(result["positions"][0]["symbol"], "AAPL");
    assert_eq!(result["positions"][1]["is_entry_price"], true);
    assert_eq!(result["positions_left_out"], 0);
    // Without a body everything is worth what it cost.
    let job = ann.ask(Method::POST, &path).await.expect_json(200);
    assert_eq!(job["result"]["gain"], "0");

    bob.ask(Method::POST, &path)
        .await
        .expect_problem(404, "resource_not_found");
    for wrong in [
        json!({"prices": {"AAPL": "much"}}),
        json!({"prices": {"=1+1": "1"}}),
        json!({"price": {}}),
    ] {
        ann.submit(Method::POST, &path, &wrong)
            .await
            .expect_problem(400, "body_invalid");
    }
    let negative = json!({"prices": {"AAPL": "-1"}});
    let job = ann
        .submit(Method::POST, &path, &negative)
        .await
        .expect_json(200);
    assert_eq!(
        (&job["status"], &job["error"]),
        (&json!("failed"), &json!("position_negative"))
    );
}

async fn of_many_portfolios_the_state_is_told_at_once(ground: Ground) {
    let world = ground.open().await;
    let (ann, bob) = (world.caller("ann").await, world.caller("bob").await);
    let hers = made(&ann, PORTFOLIOS, &json!({"name": "Savings"})).await;
    let his = made(&bob, PORTFOLIOS, &json!({"name": "Pension"})).await;
    let statuses = |ids: String| {
        let ann = ann.clone();
        async move {
            let path = format!("{PORTFOLIOS}/batch-status?ids={ids}");
            ann.get(&path).await.expect_json(200)["items"].clone()
        }
    };
    for id in [&hers, &his] {
        let visitor = if id == &hers { &ann } else { &bob };
        let path = format!("{PORTFOLIOS}/{id}/calculate");
        visitor.ask(Method::POST, &path).await.expect(200);
    }
    let told = statuses(format!("{hers},{his},{UNKNOWN},{hers}")).await;
    let told: Vec<(&Value, &Value)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["portfolio_id"], &line["status"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(hers), &json!("done")),
            (&json!(his), &json!("none")),
            (&json!(UNKNOWN), &json!("none")),
        ]
    );
    assert_eq!(statuses(String::new()).await, json!([]));
    let many = [UNKNOWN; 3].join(",");
    assert_eq!(statuses(many).await.as_array().unwrap().len(), 1);
    ann.get(&format!("{PORTFOLIOS}/batch-status?ids=1"))
        .await
        .expect_problem(400, "parameter_invalid");
}

async fn portfolios_are_limited_by_tier_also_when_many_are_made_at_once(ground: Ground) {
    let world = ground.open().await;
    let ann = world.caller("ann").await;
    let me = ann.get(e2e::ME).await.expect_json(200);
    let most = me["limits"]["max_portfolios"].as_u64().unwrap();
    let new = json!({"name": "Savings"});
    let tries = (0..most + 8).map(|_| ann.submit(Method::POST, PORTFOLIOS, &new));
    let answers = join_all(tries).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(u64::try_from(made).unwrap(), most);
    for answer in answers {
        if answer.status != 201 {
            answer.expect_problem(403, "portfolio_limit_reached");
        }
    }
    let file = "symbol,quantity,price\nA,1,1\n";
    ann.submit_as(Method::POST, "/api/v1/onboarding/import", "text/csv", file)
        .await
        .expect_problem(403, "portfolio_limit_reached");
    // What goes makes room.
    let first = ids(&ann, PORTFOLIOS).await.remove(0);
    let path = format!("{PORTFOLIOS}/{first}");
    ann.ask(Method::DELETE, &path).await.expect(204);
    ann.submit_as(Method::POST, "/api/v1/onboarding/import", "text/csv", file)
        .await
        .expect(201);
    assert_eq!(
        u64::try_from(ids(&ann, PORTFOLIOS).await.len()).unwrap(),
        most
    );
}

async fn a_policy_may_keep_a_tier_from_calculating(ground: Ground) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let better = "per_month = { ai_messages = 1000 }\n";
    assert!(POLICY.contains(better));
    let policy = POLICY.replace(better, &format!("{better}features = [\"calculate\"]\n"));
    std::fs::write(&file, policy).unwrap();
    let own = [
        ("INVITE_CODE_ENABLED", "false"),
        ("POLICY_FILE", file.to_str().unwrap()),
    ];
    let world = ground.world(&own).await;
    let (ann, admin) = (world.caller("ann").await, admin(&world).await);
    let portfolio = made(&ann, PORTFOLIOS, &json!({"name": "Savings"})).await;
    let path = format!("{PORTFOLIOS}/{portfolio}/calculate");
    ann.ask(Method::POST, &path)
        .await
        .expect_problem(403, "feature_required");
    let tier = format!("/api/v1/admin/users/{}/tier", ann.user_id());
    admin
        .submit(Method::PATCH, &tier, &json!({"tier": "paid"}))
        .await
        .expect(200);
    ann.ask(Method::POST, &path).await.expect(200);
}
