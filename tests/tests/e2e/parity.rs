//! One verdict: header, cookie, forward auth, streams and tickets never disagree, and the page that is public judges
//! nobody.

use e2e::{ME, PARTY, TestDatabase, Visitor, World};
use emulator::{Caller, SessionStatus, TokenKey, TokenRequest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::forward_auth::VERIFY;
use crate::streams::{EVENTS, TICKET, open, ticket};

e2e::on_both! {
    every_way_in_gives_the_same_verdict,
}

/// What one way in says: the status, and the code where it refuses.
pub(crate) type Verdict = (u16, String);

pub(crate) async fn stream(world: &World, path: &str, header: &str) -> Verdict {
    let mut wire = open(world, path, header).await;
    let head = wire.until("\r\n\r\n").await;
    let status: u16 = head.get(9..12).unwrap().parse().unwrap();
    if status == 200 {
        return (status, String::new());
    }
    let answer = head + &wire.rest().await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    (status, body["code"].as_str().unwrap().to_owned())
}

async fn plain(visitor: &Visitor, method: Method, path: &str) -> Verdict {
    let answer = visitor.ask(method, path).await;
    let code = if answer.status < 400 {
        String::new()
    } else {
        answer.code()
    };
    (answer.status, code)
}

async fn every_way_in_gives_the_same_verdict(database: TestDatabase) {
    let world = World::start(database).await;
    let (clerk, by) = (world.clerk(), Caller::default());
    let names = ["fine", "over", "banned", "deleted", "pending"];
    let mut callers = Vec::new();
    for name in names {
        callers.push(world.newcomer(name));
    }
    world.settled().await;
    let [fine, over, banned, deleted, pending] = &callers[..] else {
        unreachable!("five callers");
    };
    let mut tickets = Vec::new();
    for caller in [fine, over, banned, deleted] {
        tickets.push(ticket(caller).await);
    }
    clerk
        .end_session(over.session_id(), SessionStatus::Ended, &by)
        .unwrap();
    clerk.delete_user(deleted.user_id(), &by).unwrap();
    let of = |visitor: &Visitor| TokenRequest::for_session(visitor.session_id());
    // Minted before, as Clerk gives a banned user none.
    let banned_token = world.token(of(banned));
    clerk.set_banned(banned.user_id(), true, &by).unwrap();
    world.settled().await;

    let cases: Vec<(&str, String, Option<&String>, Verdict)> = vec![
        (
            "fine",
            world.token(of(fine)),
            tickets.first(),
            (200, String::new()),
        ),
        (
            "over",
            world.token(TokenRequest::for_user(over.user_id()).claim("sid", over.session_id())),
            tickets.get(1),
            (401, "session_revoked".into()),
        ),
        (
            "deleted",
            world.token(
                TokenRequest::for_user(deleted.user_id()).claim("sid", deleted.session_id()),
            ),
            tickets.get(3),
            (401, "user_deleted".into()),
        ),
        // His sessions are over too, which is looked at first.
        (
            "banned",
            banned_token,
            tickets.get(2),
            (401, "session_revoked".into()),
        ),
        (
            "banned elsewhere",
            world.token(TokenRequest::for_user(banned.user_id()).claim("sid", "sess_elsewhere")),
            None,
            (403, "user_inactive".into()),
        ),
        (
            "pending",
            world.token(of(pending).claim("sts", "pending")),
            None,
            (401, "session_pending".into()),
        ),
        (
            "expired",
            world.token(of(fine).expires_in(-60)),
            None,
            (401, "token_expired".into()),
        ),
        (
            "early",
            world.token(of(fine).claim("nbf", 99_999_999_999_i64)),
            None,
            (401, "token_not_yet_valid".into()),
        ),
        (
            "another key",
            world.token(of(fine).signed_with(TokenKey::Other)),
            None,
            (401, "signature_invalid".into()),
        ),
        (
            "HMAC",
            world.token(
                of(fine)
                    .header("alg", "HS256")
                    .signed_with(TokenKey::PublicPemAsHmac),
            ),
            None,
            (401, "algorithm_not_allowed".into()),
        ),
        (
            "unknown key",
            world.token(of(fine).header("kid", "ins_other")),
            None,
            (401, "key_unknown".into()),
        ),
        (
            "another issuer",
            world.token(of(fine).claim("iss", "https://example.com")),
            None,
            (401, "issuer_mismatch".into()),
        ),
        (
            "another party",
            world.token(of(fine).claim("azp", "https://evil.example.com")),
            None,
            (401, "authorized_party_mismatch".into()),
        ),
        (
            "no session",
            world.token(of(fine).claim("sid", json!(null))),
            None,
            (401, "claims_invalid".into()),
        ),
        (
            "template",
            world.token(of(fine).header("cat", "cl_B7d4PD222AAA")),
            None,
            (401, "token_category_mismatch".into()),
        ),
        (
            "no token",
            "x.y.z".to_owned(),
            None,
            (401, "token_malformed".into()),
        ),
    ];
    for (name, token, ticket, expected) in cases {
        let header = world.anonymous().bearer(&token);
        let cookie = world
            .anonymous()
            .with("cookie", format!("__session={token}"))
            .with("origin", PARTY);
        for visitor in [&header, &cookie] {
            for (method, path) in [
                (Method::GET, ME),
                (Method::GET, "/api/v1/auth/me"),
                (Method::GET, VERIFY),
                (Method::POST, VERIFY),
                (Method::POST, TICKET),
            ] {
                let verdict = plain(visitor, method.clone(), path).await;
                assert_eq!(verdict, expected, "{name}: {method} {path}");
            }
            let page = visitor.get("/api/docs/").await;
            assert_eq!(page.status, 200, "{name}: the page is everybody's");
        }
        for line in [
            format!("authorization: Bearer {token}\r\n"),
            format!("cookie: __session={token}\r\n"),
        ] {
            let verdict = stream(&world, EVENTS, &line).await;
            assert_eq!(verdict, expected, "{name}: a stream");
        }
        if let Some(ticket) = ticket {
            let path = format!("{EVENTS}?ticket={ticket}");
            let verdict = stream(&world, &path, "").await;
            assert_eq!(verdict, expected, "{name}: a stream by ticket");
        }
        // The feed is for admins: who is nobody there is told the same, and whoever is somebody needs the role.
        let verdict = plain(&header, Method::GET, "/api/v1/changes").await;
        if expected.0 == 200 {
            assert_eq!(verdict, (403, "role_required".to_owned()), "{name}");
        } else {
            assert_eq!(verdict, expected, "{name}: the feed");
        }
    }
}
