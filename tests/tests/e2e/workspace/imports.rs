//! Files of positions.

use e2e::{Answer, Visitor};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Ground, ids, made};

super::on_every_wall! {
    a_file_becomes_a_portfolio,
    a_file_with_faults_becomes_nothing,
    a_file_has_bounds,
}

const IMPORT: &str = "/api/v1/onboarding/import";

async fn send(visitor: &Visitor, file: impl Into<Vec<u8>>) -> Answer {
    visitor
        .submit_as(Method::POST, IMPORT, "text/csv", file)
        .await
}

async fn a_file_becomes_a_portfolio(ground: Ground) {
    let world = ground.open().await;
    let ann = world.caller("ann").await;
    let file =
        "\u{feff}Ticker;Shares;Price;Date\r\nbrk.b;3;400.10;2026-03-31\r\nAAPL;0.1;150.25;\r\n";
    let path = format!("{IMPORT}?name=Old%20broker");
    let answer = ann
        .submit_as(Method::POST, &path, "text/csv; charset=utf-8", file)
        .await;
    let place = answer.header("location").unwrap().to_owned();
    let portfolio = answer.expect_json(201);
    assert_eq!(portfolio["name"], "Old broker");
    assert_eq!(portfolio["position_count"], 2);
    let id = portfolio["id"].as_str().unwrap();
    assert_eq!(place, format!("/api/v1/portfolios/{id}"));
    let positions = ann
        .get(&format!("/api/v1/positions?portfolio_id={id}"))
        .await;
    let positions = positions.expect_json(200)["items"].clone();
    let of = |symbol: &str| -> Value {
        let mut all = positions.as_array().unwrap().iter();
        all.find(|row| row["symbol"] == symbol).unwrap().clone()
    };
    assert_eq!(of("BRK.B")["quantity"], "3");
    assert_eq!(of("BRK.B")["entry_price"], "400.1");
    assert_eq!(of("BRK.B")["entry_date"], "2026-03-31");
    assert_eq!(of("AAPL")["entry_date"], json!(null));

    // The same as a form.
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"p.csv\"\r\ncontent-type: text/csv\r\n\r\n\
                symbol,quantity,cost\nMSFT,1,2\n\r\n--b--\r\n";
    let kind = "multipart/form-data; boundary=b";
    let answer = ann.submit_as(Method::POST, IMPORT, kind, form).await;
    let portfolio = answer.expect_json(201);
    assert_eq!(portfolio["name"], "Imported portfolio");
}

async fn a_file_with_faults_becomes_nothing(ground: Ground) {
    let world = ground.open().await;
    let ann = world.caller("ann").await;
    let file =
        "symbol,quantity,entry_price,entry_date\nA,1,1,2026-01-01\nB,-1,x,2026-02-30\n=1+1,1,1,\n";
    let answer = send(&ann, file).await;
    let problem = answer.expect_problem(422, "import_invalid").json();
    let places: Vec<(u64, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|words| !words.is_empty())
            );
            (
                error["line"].as_u64().unwrap(),
                error["column"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            (3, "quantity"),
            (3, "entry_price"),
            (3, "entry_date"),
            (4, "symbol")
        ]
    );
    for wrong in [
        "",
        "symbol,quantity\nA,1\n",
        "a,b,c\n1,2,3\n",
        "symbol,quantity,price\n",
    ] {
        send(&ann, wrong)
            .await
            .expect_problem(422, "import_invalid");
    }
    send(&ann, [0xff, 0xfe, 0, 0xd8].as_slice())
        .await
        .expect_problem(422, "import_invalid");
    let many: String = (0..500).map(|_| "A,x,1\n").collect();
    let answer = send(&ann, format!("symbol,quantity,price\n{many}")).await;
    let problem = answer.expect_problem(422, "import_invalid").json();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 100);

    for (kind, body, status, code) in [
        ("application/json", "{}", 415, "unsupported_media_type"),
        ("multipart/form-data", "", 415, "unsupported_media_type"),
        (
            "multipart/form-data; boundary=b",
            "--b--\r\n",
            400,
            "body_invalid",
        ),
        ("multipart/form-data; boundary=b", "x", 400, "body_invalid"),
    ] {
        ann.submit_as(Method::POST, IMPORT, kind, body)
            .await
            .expect_problem(status, code);
    }
    let nameless = format!("{IMPORT}?name={}", "x".repeat(201));
    ann.submit_as(
        Method::POST,
        &nameless,
        "text/csv",
        "symbol,quantity,price\nA,1,1\n",
    )
    .await
    .expect_problem(400, "body_invalid");
    assert_eq!(ids(&ann, "/api/v1/portfolios").await, [""; 0]);
    assert_eq!(ids(&ann, "/api/v1/positions").await, [""; 0]);
}

async fn a_file_has_bounds(ground: Ground) {
    let own = [
        ("INVITE_CODE_ENABLED", "false"),
        ("IMPORT_BODY_LIMIT", "200"),
        ("IMPORT_MAX_ROWS", "3"),
    ];
    let world = ground.world(&own).await;
    let ann = world.caller("ann").await;
    let file = |rows: usize| format!("symbol,quantity,price\n{}", "A,1,1\n".repeat(rows));
    send(&ann, file(3)).await.expect(201);
    send(&ann, file(4))
        .await
        .expect_problem(422, "import_invalid");
    send(&ann, file(40))
        .await
        .expect_problem(413, "body_too_large");
    made(&ann, "/api/v1/listings", &json!({"title": "still served"})).await;
}
