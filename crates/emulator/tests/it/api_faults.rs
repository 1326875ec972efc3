use std::time::Duration;

use emulator::Chaos;
use serde_json::json;

use crate::running::{Running, running};

#[tokio::test]
async fn the_backend_api_fails_as_told_and_the_rest_does_not() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let path = format!("/v1/users/{}", user.id);
    let chaos = |chaos: Chaos| clerk.set_chaos(chaos).unwrap();
    chaos(Chaos {
        rate_429: 1.0,
        retry_after: 7,
        ..Chaos::default()
    });
    let request = clerk
        .request(reqwest::Method::GET, &path)
        .bearer_auth("sk_test_x");
    let response = request.send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"7".parse().unwrap())
    );
    let keyless = Running::send(clerk.request(reqwest::Method::GET, &path)).await;
    assert_eq!(keyless.code(), "clerk_key_invalid");
    assert_eq!(
        clerk.get("/v1/jwks").await.status,
        200,
        "keys are not limited"
    );
    assert_eq!(clerk.get("/__emu/state").await.status, 200);

    chaos(Chaos {
        error_5xx: 1.0,
        ..Chaos::default()
    });
    for number in 0..8 {
        let answer = clerk
            .patch(&path, json!({"first_name": number.to_string()}))
            .await;
        assert!((500..=503).contains(&answer.status), "{}", answer.status);
        assert_eq!(answer.code(), "internal_clerk_error");
    }
    let changes = clerk.events().len() - 1;
    assert!(
        (1..8).contains(&changes),
        "some took effect all the same: {changes}"
    );

    chaos(Chaos {
        garbage: 1.0,
        ..Chaos::default()
    });
    let before = clerk.events().len();
    for _ in 0..8 {
        let answer = clerk.patch(&path, json!({})).await;
        assert_eq!((answer.status, answer.body["id"].is_null()), (200, true));
    }
    assert_eq!(clerk.events().len(), before + 8, "and all took effect");

    chaos(Chaos {
        hang: 1.0,
        ..Chaos::default()
    });
    let request = clerk
        .request(reqwest::Method::GET, &path)
        .bearer_auth("sk_test_x");
    let waited = request.timeout(Duration::from_millis(200)).send().await;
    assert!(waited.unwrap_err().is_timeout());

    chaos(Chaos {
        slow_ms: 20,
        ..Chaos::default()
    });
    assert_eq!(clerk.get(&path).await.status, 200);
    chaos(Chaos {
        rate_limit: Some(2),
        ..Chaos::default()
    });
    let statuses = [
        clerk.get(&path).await.status,
        clerk.get(&path).await.status,
        clerk.get(&path).await.status,
    ];
    assert_eq!(statuses, [200, 200, 429]);
    chaos(Chaos::default());
    assert_eq!(clerk.get(&path).await.status, 200);
}
