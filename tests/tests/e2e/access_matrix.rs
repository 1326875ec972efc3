//! Every route that there is for every kind of caller, under each of its names and by each of its methods: who is let in
//! is what the route says, the document says the same (`x-access`), and nothing else is there. A new route is in it by
//! itself.

use domain::{Attribution, Role, UserKey};
use e2e::{TestDatabase, Visitor, World};
use emulator::{Caller, TokenKey, TokenRequest};
use reqwest::Method;
use serde_json::{Value, json};

use crate::parity::{Verdict, stream};

e2e::on_both! {
    who_is_let_in_is_what_the_document_says,
}

const CODE: &str = "Beta-2026";
/// Enough for every route.
const TOKENS: usize = 400;
const SERVICE: &str = "an-example-service-token-of-32-characters";

/// One kind of caller.
struct Kind {
    name: &'static str,
    /// A new token for each route, as one of them ends the session.
    token: Box<dyn Fn(usize) -> Option<String>>,
    /// What he is and has.
    has: &'static [&'static str],
    /// What he is told everywhere, where he is nobody.
    barred: Option<(u16, &'static str)>,
}

/// A route by one method.
struct Operation {
    method: Method,
    path: String,
    ways: Vec<Vec<String>>,
    has_body: bool,
    is_stream: bool,
}

/// Methods by which a route of any method is asked: what it lets in, and what it does, must not depend on them.
const ANY: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

/// Every route that the service has; the document says which of them take a body or do not end.
fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut documented = 0;
    for route in api::served_routes() {
        let methods = match &route.method {
            Some(method) => vec![method.clone()],
            None => ANY.to_vec(),
        };
        let long = route.path.replacen("/api/", "/api/v1/", 1);
        let item = &document["paths"];
        let item = [&item[&route.path], &item[&long]];
        for method in methods {
            let name = method.as_str().to_lowercase();
            let mut told = item.iter().map(|item| &item[&name]);
            let told = told.find(|told| told.is_object()).unwrap_or(&Value::Null);
            if document["paths"][&route.path][&name] == *told && told.is_object() {
                documented += 1;
            }
            if told.is_object() {
                let ways = json!(route.access);
                assert_eq!(told["x-access"], ways, "{route}");
            }
            let answers = &told["responses"]["200"]["content"];
            let answers: Vec<&String> = answers
                .as_object()
                .into_iter()
                .flat_map(|content| content.keys())
                .collect();
            operations.push(Operation {
                method,
                path: filled(&route.path),
                ways: route.access.clone(),
                has_body: told.get("requestBody").is_some(),
                is_stream: name == "get" && answers == ["text/event-stream"],
            });
        }
    }
    // Nothing is documented that is not there.
    let paths = document["paths"].as_object().unwrap();
    let told: usize = paths
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert!(documented >= told, "{documented} of {told}");
    operations
}

/// The path with an id that nobody has.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| {
        if part == "{*rest}" {
            // A file of the document's page.
            "index.css"
        } else if part.starts_with('{') {
            "0197a0c0-0000-7000-8000-000000000000"
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// What the caller is to be told: none when he is let in.
fn expected(operation: &Operation, kind: &Kind) -> Option<(u16, &'static str)> {
    // A gate is closed where the policy has such a feature, which this one has not.
    let has = |what: &String| kind.has.contains(&what.as_str()) || what.starts_with("gate:");
    let is_open = |way: &Vec<String>| way.iter().all(has);
    if operation.ways == [["anybody"]] {
        return None;
    }
    if operation.ways == [["signature"]] {
        return Some((401, "header_missing"));
    }
    if let Some(barred) = kind.barred {
        return Some(barred);
    }
    if operation.ways.iter().any(is_open) {
        return None;
    }
    let of_users = operation.ways.iter().find(|way| has(&way[0])).unwrap();
    let missing = of_users.iter().find(|what| !has(what)).unwrap();
    Some(match missing.split(':').next().unwrap() {
        "admin" | "role" => (403, "role_required"),
        "invite" => (403, "invite_required"),
        "tier" => (403, "tier_required"),
        "permission" => (403, "permission_required"),
        "feature" => (403, "feature_required"),
        "step-up" => (403, "reverification_required"),
        other => panic!("what is {other}?"),
    })
}

async fn ask(world: &World, operation: &Operation, token: Option<&String>) -> Verdict {
    if operation.is_stream {
        let line = token.map(|token| format!("authorization: Bearer {token}\r\n"));
        return stream(world, &operation.path, &line.unwrap_or_default()).await;
    }
    let visitor = world.anonymous();
    let visitor = match token {
        Some(token) => visitor.bearer(token),
        None => visitor,
    };
    let (method, path) = (operation.method.clone(), operation.path.as_str());
    let answer = if operation.has_body {
        visitor.submit(method, path, &json!({})).await
    } else {
        visitor.ask(method, path).await
    };
    let is_problem = answer.header("content-type") == Some("application/problem+json");
    let code = if is_problem {
        answer.code()
    } else {
        String::new()
    };
    (answer.status, code)
}

async fn kinds(world: &World) -> Vec<Kind> {
    let (clerk, by) = (world.clerk(), Caller::default());
    let names = [
        "user", "invited", "tenant", "admin", "closed", "deleted", "banned",
    ];
    let mut people: Vec<Visitor> = Vec::new();
    for name in names {
        people.push(world.newcomer(name));
    }
    world.settled().await;
    let [_, invited, tenant, admin, closed, deleted, banned] = &people[..] else {
        unreachable!("seven people");
    };
    let code = json!({ "invite_code": CODE });
    let path = "/api/v1/onboarding/validate-invite";
    invited.submit(Method::POST, path, &code).await.expect(200);
    let organization = json!({"name": "Acme", "created_by": tenant.user_id()});
    let organization = clerk.create_organization(organization, &by).unwrap();
    clerk.delete_user(deleted.user_id(), &by).unwrap();
    clerk.set_banned(banned.user_id(), true, &by).unwrap();
    world.settled().await;
    let decisions = &world.store().administration;
    let now = || Attribution::system(chrono::Utc::now());
    let key = |who: &Visitor| UserKey::Clerk(who.user_id().to_owned());
    let role = Some(Role::from_store("admin".to_owned()));
    decisions
        .set_role(&key(admin), role, false, now(), &[])
        .await
        .unwrap();
    decisions
        .deactivate(&key(closed), now(), &[])
        .await
        .unwrap();

    let mint = |request: TokenRequest| world.token(request);
    // Enough for every route: minted here, as closures outlive the borrow of the world.
    let tokens = |who: &Visitor, change: &dyn Fn(TokenRequest) -> TokenRequest| {
        let minted: Vec<String> = (0..TOKENS)
            .map(|number| {
                let session = format!("sess_{}_{number}", who.user_id());
                let request = TokenRequest::for_user(who.user_id()).claim("sid", session);
                mint(change(request))
            })
            .collect();
        let token: Box<dyn Fn(usize) -> Option<String>> =
            Box::new(move |number| minted.get(number).cloned());
        token
    };
    let plain = |request: TokenRequest| request;
    let forged = |request: TokenRequest| request.signed_with(TokenKey::Other);
    let organization = organization.id;
    let in_organization = move |request: TokenRequest| {
        let claim = json!({"id": organization, "slg": "acme", "rol": "admin"});
        request.claim("v", 2).claim("o", claim)
    };
    let kind = |name, token, has, barred| Kind {
        name,
        token,
        has,
        barred,
    };
    vec![
        kind(
            "nobody",
            Box::new(|_| None),
            &[],
            Some((401, "token_missing")),
        ),
        kind(
            "forged",
            tokens(admin, &forged),
            &[],
            Some((401, "signature_invalid")),
        ),
        kind("user", tokens(&people[0], &plain), &["user"], None),
        kind(
            "invited",
            tokens(invited, &plain),
            &["user", "invite"],
            None,
        ),
        kind(
            "other tenant",
            tokens(tenant, &in_organization),
            &["user"],
            None,
        ),
        kind(
            "admin",
            tokens(admin, &plain),
            &["user", "invite", "admin"],
            None,
        ),
        kind(
            "deactivated",
            tokens(closed, &plain),
            &[],
            Some((403, "user_inactive")),
        ),
        kind(
            "deleted",
            tokens(deleted, &plain),
            &[],
            Some((401, "user_deleted")),
        ),
        kind(
            "banned",
            tokens(banned, &plain),
            &[],
            Some((403, "user_inactive")),
        ),
    ]
}

async fn who_is_let_in_is_what_the_document_says(database: TestDatabase) {
    let services = format!("follower={SERVICE}");
    let own = [
        ("BETA_INVITE_CODE", CODE),
        ("SERVICE_TOKENS", services.as_str()),
        // Whoever is asked at Clerk about the id that nobody has is no part of this.
        ("CLERK_SECRET_KEY", ""),
    ];
    let world = World::with(database, &own).await;
    let kinds = kinds(&world).await;
    let document = world.anonymous().get("/api/openapi.json").await;
    let operations = operations(&document.expect_json(200));
    let count = operations.len();
    assert!((50..TOKENS).contains(&count), "{count}");
    for (number, operation) in operations.iter().enumerate() {
        let asked = format!("{} {}", operation.method, operation.path);
        for kind in &kinds {
            let token = (kind.token)(number);
            let (status, code) = ask(&world, operation, token.as_ref()).await;
            let name = kind.name;
            match expected(operation, kind) {
                Some(refusal) => {
                    assert_eq!((status, code.as_str()), refusal, "{name}: {asked}");
                }
                None => assert!(
                    !matches!(status, 401 | 403 | 405) && status < 500 && code != "not_found",
                    "{name}: {asked}: {status} {code}"
                ),
            }
        }
        let of_services = operation.ways.iter().any(|way| way == &["service"]);
        if !operation.is_stream && operation.ways != [["anybody"]] {
            let token = SERVICE.to_owned();
            let (status, code) = ask(&world, operation, Some(&token)).await;
            let is_refused = matches!(status, 401 | 403);
            assert_eq!(
                is_refused, !of_services,
                "a service: {asked}: {status} {code}"
            );
        }
    }
}
