//! A token that breaks one rule is refused under the code of that rule, and makes no row.

use e2e::{ME, PARTY, TestDatabase, World};
use emulator::{TokenKey, TokenRequest};
use serde_json::{Value, json};

e2e::on_both! {
    every_broken_rule_has_its_code,
    an_audience_is_demanded_when_configured,
    texts_that_are_no_tokens_are_refused,
    keys_that_cannot_be_had_are_our_fault,
    the_emulators_key_counts_in_development_only,
    another_policy_takes_other_parties,
    a_token_does_not_choose_its_key,
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// Somebody of whom no webhook has told: whatever makes a row for him shows.
fn forged() -> TokenRequest {
    TokenRequest {
        session_id: Some("sess_forged".to_owned()),
        ..TokenRequest::for_user("user_forged")
    }
}

/// Tokens that are right but for one thing, with the code of that thing.
fn broken() -> Vec<(TokenRequest, &'static str)> {
    let claim = |name: &str, value: Value| forged().claim(name, value);
    let header = |name: &str, value: Value| forged().header(name, value);
    vec![
        (forged().expires_in(-60), "token_expired"),
        (claim("nbf", json!(now() + 60)), "token_not_yet_valid"),
        (claim("iat", json!(now() + 60)), "token_not_yet_valid"),
        (forged().signed_with(TokenKey::Other), "signature_invalid"),
        (forged().signed_with(TokenKey::None), "signature_invalid"),
        (
            header("alg", json!("none")).signed_with(TokenKey::None),
            "algorithm_not_allowed",
        ),
        (
            header("alg", json!("HS256")).signed_with(TokenKey::PublicPemAsHmac),
            "algorithm_not_allowed",
        ),
        (
            forged().signed_with(TokenKey::PublicPemAsHmac),
            "signature_invalid",
        ),
        (header("alg", json!("RS512")), "algorithm_not_allowed"),
        (header("alg", json!("rs256")), "algorithm_not_allowed"),
        (header("alg", Value::Null), "algorithm_not_allowed"),
        (header("kid", json!("ins_unknown")), "key_unknown"),
        (header("kid", Value::Null), "key_unknown"),
        (header("kid", json!(7)), "token_malformed"),
        (header("crit", json!(["exp"])), "token_malformed"),
        (header("crit", json!([])), "token_malformed"),
        (header("b64", json!(false)), "token_malformed"),
        (header("zip", json!("DEF")), "token_malformed"),
        (header("typ", json!("at+jwt")), "token_category_mismatch"),
        (
            header("cat", json!("cl_B7d4PD222AAA")),
            "token_category_mismatch",
        ),
        (
            header("cat", json!("cl_B7d4PD333AAA")),
            "token_category_mismatch",
        ),
        (claim("sub", json!("mch_1")), "token_category_mismatch"),
        (
            claim("iss", json!("https://clerk.other.example")),
            "issuer_mismatch",
        ),
        (
            claim("iss", json!(format!("{}/", emulator::ISSUER))),
            "issuer_mismatch",
        ),
        (claim("iss", Value::Null), "issuer_mismatch"),
        (claim("iss", json!([emulator::ISSUER])), "claims_invalid"),
        (
            claim("azp", json!("https://evil.example")),
            "authorized_party_mismatch",
        ),
        (
            claim("azp", json!(format!("{PARTY}.evil.example"))),
            "authorized_party_mismatch",
        ),
        (claim("azp", Value::Null), "authorized_party_mismatch"),
        (claim("sts", json!("pending")), "session_pending"),
        (claim("sts", json!("paused")), "claims_invalid"),
        (
            claim("exp", json!((now() + 60).to_string())),
            "claims_invalid",
        ),
        (claim("exp", Value::Null), "claims_invalid"),
        (claim("exp", json!([now() + 60])), "claims_invalid"),
        (claim("nbf", json!("0")), "claims_invalid"),
        (claim("iat", json!(true)), "claims_invalid"),
        (claim("sid", Value::Null), "claims_invalid"),
        (claim("sid", json!("user_1")), "claims_invalid"),
        (claim("sub", json!("user_")), "claims_invalid"),
        (claim("sub", json!("user_1/../2")), "claims_invalid"),
        (claim("sub", json!(7)), "claims_invalid"),
    ]
}

async fn no_rows(world: &World) {
    for user_id in ["user_forged", "user_1"] {
        assert_eq!(world.known(user_id, "sess_forged").await, None);
    }
}

async fn every_broken_rule_has_its_code(database: TestDatabase) {
    let world = World::start(database).await;
    for (request, code) in broken() {
        let what = format!("{request:?}");
        let token = world.token(request);
        let answer = world.anonymous().bearer(&token).get(ME).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, code),
            "{what}"
        );
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        let signature = token.rsplit('.').next().unwrap();
        let echoes = body.contains(&token) || (!signature.is_empty() && body.contains(signature));
        assert!(!echoes, "{what}: {body}");
    }
    no_rows(&world).await;
    // The same without a fault is let in.
    let token = world.token(forged());
    world.anonymous().bearer(&token).get(ME).await.expect(200);
}

async fn an_audience_is_demanded_when_configured(database: TestDatabase) {
    let world = World::with(database, &[("CLERK_AUDIENCE", "api")]).await;
    for (aud, code) in [
        (Value::Null, "audience_mismatch"),
        (json!("other"), "audience_mismatch"),
        (json!([]), "audience_mismatch"),
        (json!(["other", "API"]), "audience_mismatch"),
        (json!({"api": true}), "claims_invalid"),
    ] {
        let token = world.token(forged().claim("aud", aud));
        let answer = world.anonymous().bearer(&token).get(ME).await;
        answer.expect_problem(401, code);
    }
    no_rows(&world).await;
    for aud in [json!("api"), json!(["other", "api"])] {
        let token = world.token(forged().claim("aud", aud));
        world.anonymous().bearer(&token).get(ME).await.expect(200);
    }
}

async fn texts_that_are_no_tokens_are_refused(database: TestDatabase) {
    let world = World::start(database).await;
    let good = world.token(forged());
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    for text in [
        "x".to_owned(),
        "..".to_owned(),
        "null".to_owned(),
        format!("{head}.{claims}"),
        format!("{good}.x"),
        format!(".{claims}.{signature}"),
        format!("{head}..{signature}"),
        format!("{head}=.{claims}.{signature}"),
        format!("{head}.{claims}.{signature}="),
        format!("{head}. {claims}.{signature}"),
        format!("{good} {good}"),
        format!("{good},{good}"),
        "A".repeat(20_000),
        ".".repeat(9_000),
    ] {
        let answer = world.anonymous().bearer(&text).get(ME).await;
        let code = answer.code();
        let named = [
            "token_malformed",
            "algorithm_not_allowed",
            "signature_invalid",
        ];
        assert!(named.contains(&code.as_str()), "{text}: {answer:?}");
        assert_eq!(answer.status, 401, "{text}");
    }
    no_rows(&world).await;
}

async fn keys_that_cannot_be_had_are_our_fault(database: TestDatabase) {
    // A port that was free a moment ago: nobody listens there now.
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/jwks.json", listener.local_addr().unwrap())
    };
    let world = World::with(database, &[("CLERK_JWKS_URL", &closed)]).await;
    let ann = world.caller("ann").await;
    ann.get(ME).await.expect_problem(503, "keys_unavailable");
    // Webhooks and health do not need the keys.
    let live = world.anonymous().get("/health/ready").await;
    live.expect(200);
    let health = world.anonymous().get("/health").await.expect_json(200);
    assert_eq!(health["status"], "degraded");
    assert!(world.known(ann.user_id(), ann.session_id()).await.is_some());
}

async fn the_emulators_key_counts_in_development_only(database: TestDatabase) {
    let issuer = "https://clerk.example.com";
    let mut own = vec![
        ("CLERK_SYNC_ENV", "production"),
        ("CLERK_PUBLISHABLE_KEY", ""),
        ("CLERK_SECRET_KEY", ""),
        ("CLERK_ISSUER", issuer),
    ];
    // Outside development the service does not work as a superuser.
    let owner = database.url().to_owned();
    let role = match database.is_postgres() {
        true => database.bare_role_url().await,
        false => owner.clone(),
    };
    own.push(("DATABASE_URL", &role));
    own.push(("DATABASE_MIGRATION_URL", &owner));
    let world = World::with(database, &own).await;
    let token = world.token(forged().claim("iss", issuer));
    let answer = world.anonymous().bearer(&token).get(ME).await;
    answer.expect_problem(401, "key_unknown");
    no_rows(&world).await;
}

async fn another_policy_takes_other_parties(database: TestDatabase) {
    let own = [("CLERK_AZP_POLICY", "if-present")];
    let world = World::with(database, &own).await;
    let ask = async |azp: Value| {
        let token = world.token(forged().claim("azp", azp));
        world.anonymous().bearer(&token).get(ME).await
    };
    ask(Value::Null).await.expect(200);
    ask(json!(PARTY)).await.expect(200);
    let other = ask(json!("https://evil.example")).await;
    other.expect_problem(401, "authorized_party_mismatch");
}

async fn a_token_does_not_choose_its_key(database: TestDatabase) {
    let world = World::start(database).await;
    // Whoever comes here was sent by a token.
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys.json", canary.local_addr().unwrap());
    let key = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": emulator::INSTANCE_ID});
    for (name, value) in [
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("jwk", key),
        ("x5c", json!(["AAAA"])),
    ] {
        let request = forged().header(name, value.clone());
        let token = world.token(request.clone().signed_with(TokenKey::Other));
        let answer = world.anonymous().bearer(&token).get(ME).await;
        answer.expect_problem(401, "signature_invalid");
        let unknown = request.header("kid", "ins_unknown");
        let token = world.token(unknown.signed_with(TokenKey::Other));
        let answer = world.anonymous().bearer(&token).get(ME).await;
        answer.expect_problem(401, "key_unknown");
        no_rows(&world).await;
    }
    // An answer waits for every fetch that it needs, so whatever was fetched was fetched before now.
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, canary.accept()).await;
    assert!(nobody.is_err(), "a token made the server fetch something");
}
