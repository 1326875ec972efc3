use emulator::{Caller, SessionStatus, TokenKey, TokenRequest};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::running::{Running, running};

/// Verifies as a service would: key by kid from the served set, RS256 only, the issuer exact.
async fn verify(clerk: &Running, jwt: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let keys: JwkSet = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(clerk.jwks_url())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let kid = decode_header(jwt)?.kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap())?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[clerk.issuer()]);
    validation.leeway = 0;
    validation.validate_nbf = true;
    decode::<Value>(jwt, &key, &validation).map(|token| token.claims)
}

#[tokio::test]
async fn the_keys_are_at_every_address_with_all_six_members() {
    let clerk = running().await;
    let mut sets = Vec::new();
    for path in [
        "/.well-known/jwks.json",
        "/v1/jwks",
        "/__clerk/.well-known/jwks.json",
        "/__clerk/v1/jwks",
    ] {
        sets.push(Running::send(clerk.request(Method::GET, path)).await.ok());
    }
    assert!(sets.windows(2).all(|pair| pair[0] == pair[1]));
    let key = sets[0]["keys"][0].as_object().unwrap();
    let names: Vec<_> = key.keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(key["kid"], "ins_emulator");
    assert_eq!(key["n"].as_str().unwrap().len(), 342, "2048 bits");
    let wrong = clerk
        .request(Method::GET, "/v1/jwks")
        .bearer_auth("sk_live_x");
    assert_eq!(Running::send(wrong).await.code(), "clerk_key_invalid");
}

#[tokio::test]
async fn a_session_token_verifies_and_has_clerks_claims() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let path = format!("/v1/sessions/{}/tokens", session.id);
    let token = clerk.post(&path, json!({})).await.ok();
    assert_eq!(token["object"], "token");
    let jwt = token["jwt"].as_str().unwrap();
    let claims = verify(&clerk, jwt).await.unwrap();
    let names: Vec<_> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "exp", "fva", "iat", "iss", "jti", "nbf", "sid", "sts", "sub", "v"
        ]
    );
    let number = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(number("exp") - number("iat"), 60);
    assert_eq!(number("iat") - number("nbf"), 10);
    assert_eq!(
        (&claims["sub"], &claims["sid"]),
        (&json!(user.id), &json!(session.id))
    );
    assert_eq!(
        (&claims["sts"], &claims["v"]),
        (&json!("active"), &json!(2))
    );
    let header: Value = part(jwt, 0);
    assert_eq!(
        header,
        json!({"alg": "RS256", "kid": "ins_emulator", "typ": "JWT", "cat": "cl_B7d4PD111AAA"})
    );
}

#[tokio::test]
async fn a_pages_origin_becomes_azp_and_a_template_token_has_no_session() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    let path = format!("/v1/sessions/{}/tokens", session.id);
    let from_page = clerk
        .request(Method::POST, &path)
        .bearer_auth("sk_test_x")
        .header("origin", "http://localhost:3000");
    let answer = Running::send(from_page).await.ok();
    assert_eq!(
        part(answer["jwt"].as_str().unwrap(), 1)["azp"],
        "http://localhost:3000"
    );

    let body = json!({"expires_in_seconds": 300});
    let answer = clerk.post(&format!("{path}/reports"), body).await.ok();
    let jwt = answer["jwt"].as_str().unwrap();
    let claims = verify(&clerk, jwt).await.unwrap();
    assert!(claims.get("sid").is_none());
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        300
    );
    assert_eq!(part(jwt, 0)["cat"], "cl_B7d4PD222AAA");
    let bad = clerk.post(&path, json!({"expires_in_seconds": 5})).await;
    assert_eq!((bad.status, bad.code()), (422, "form_param_format_invalid"));
}

#[tokio::test]
async fn an_ended_session_gives_no_token() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let session = clerk.new_session(&user.id).unwrap();
    clerk
        .end_session(&session.id, SessionStatus::Ended, &Caller::default())
        .unwrap();
    let path = format!("/v1/sessions/{}/tokens", session.id);
    let answer = clerk.post(&path, json!({})).await;
    assert_eq!(
        (answer.status, answer.code()),
        (401, "authentication_invalid")
    );
    let unknown = clerk.post("/v1/sessions/sess_404/tokens", json!({})).await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (404, "resource_not_found")
    );
}

#[tokio::test]
async fn the_public_pem_verifies_too() {
    let clerk = running().await;
    let jwt = clerk.mint(TokenRequest::for_user("user_1")).unwrap();
    let key = DecodingKey::from_rsa_pem(clerk.jwt_key_pem().as_bytes()).unwrap();
    let claims = decode::<Value>(&jwt, &key, &Validation::new(Algorithm::RS256))
        .unwrap()
        .claims;
    assert_eq!(claims["sub"], "user_1");
}

#[tokio::test]
async fn minted_tokens_take_any_claim_and_header() {
    let clerk = running().await;
    let answer = clerk
        .post(
            "/__emu/tokens",
            json!({
                "user_id": "user_1", "session_id": "sess_1",
                "claims": {"azp": "http://localhost:3000", "sts": null, "iat": "text"},
                "header": {"kid": "ins_other", "typ": null, "crit": ["exp"]},
            }),
        )
        .await
        .ok();
    let jwt = answer["jwt"].as_str().unwrap();
    let (header, claims) = (part(jwt, 0), part(jwt, 1));
    assert_eq!(header["kid"], "ins_other");
    assert_eq!(header["crit"], json!(["exp"]));
    assert!(header.get("typ").is_none() && claims.get("sts").is_none());
    assert_eq!(claims["azp"], "http://localhost:3000");
    assert_eq!(claims["iat"], "text");
    assert_eq!(claims["sid"], "sess_1");
}

#[tokio::test]
async fn minted_tokens_are_wrong_exactly_where_asked() {
    let clerk = running().await;
    let good = TokenRequest::for_user("user_1");
    assert!(
        verify(&clerk, &clerk.mint(good.clone()).unwrap())
            .await
            .is_ok()
    );
    let expired = clerk.mint(good.clone().expires_in(-1)).unwrap();
    let kind = verify(&clerk, &expired).await.unwrap_err().into_kind();
    assert_eq!(kind, jsonwebtoken::errors::ErrorKind::ExpiredSignature);
    for key in [TokenKey::Other, TokenKey::None, TokenKey::PublicPemAsHmac] {
        let jwt = clerk.mint(good.clone().signed_with(key)).unwrap();
        let kind = verify(&clerk, &jwt).await.unwrap_err().into_kind();
        assert_eq!(
            kind,
            jsonwebtoken::errors::ErrorKind::InvalidSignature,
            "{key:?}"
        );
    }
}

#[tokio::test]
async fn a_minted_token_is_of_the_newest_active_session() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let kept = clerk.new_session(&user.id).unwrap();
    let ended = clerk.new_session(&user.id).unwrap();
    clerk
        .end_session(&ended.id, SessionStatus::Removed, &Caller::default())
        .unwrap();
    let jwt = clerk.mint(TokenRequest::for_user(&user.id)).unwrap();
    assert_eq!(part(&jwt, 1)["sid"], json!(kept.id));
    let jwt = clerk.mint(TokenRequest::for_session(&ended.id)).unwrap();
    assert_eq!(part(&jwt, 1)["sub"], json!(user.id));
    let nobody = clerk.post("/__emu/tokens", json!({})).await;
    assert_eq!((nobody.status, nobody.code()), (422, "form_param_missing"));
    let misspelt = clerk.post("/__emu/tokens", json!({"user": "user_1"})).await;
    assert_eq!(
        (misspelt.status, misspelt.code()),
        (400, "request_body_invalid")
    );
}

/// The header (0) or the claims (1).
pub(crate) fn part(jwt: &str, place: usize) -> Value {
    use base64::Engine as _;
    let text = jwt.split('.').nth(place).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
