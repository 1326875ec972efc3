//! A service in whose every table something is.

use std::num::NonZeroU32;

use chrono::{TimeDelta, Utc};
use domain::workspace::{ChatMessage, ChatRole, Scope};
use domain::{Attribution, UsageRequest};
use e2e::{ME, Message, Visitor, World, fixture_types, sample};
use emulator::TokenRequest;
use reqwest::Method;
use serde_json::{Value, json};

use crate::admin_access::admin;
use crate::workspace::{made, resources};

const ADMIN: &str = "/api/v1/admin";
const VALIDATE: &str = "/api/v1/onboarding/validate-invite";

/// Two who use the service, one of them an admin, and what they have left in it.
pub(super) struct Furnished {
    ann: Visitor,
    boss: Visitor,
    tokens: (String, String),
    portfolio: String,
    known: Message,
}

impl Furnished {
    pub(super) async fn furnish(world: &World) -> Self {
        let (ann, ben) = (world.caller("ann").await, world.caller("ben").await);
        let boss = admin(world, "boss").await;
        // Every kind of event, the ends at last; and what nobody can read, as it came.
        let (ends, rest): (Vec<_>, Vec<_>) = fixture_types()
            .into_iter()
            .partition(|event_type| event_type.ends_with(".deleted"));
        for event_type in rest {
            world.deliver(sample(&event_type)).await.expect(204);
        }
        for event_type in ends {
            let another = sample(&event_type).set("data.id", format!("{event_type}_1"));
            world.deliver(another).await.expect(204);
        }
        let odd = sample("user.created").set("data.id", 7);
        world.deliver(odd).await.expect(204);
        let raw = world.signed(b"\xff\x00 is no JSON".to_vec());
        world.send(raw).await.expect(204);
        let known = world.signed(sample("user.updated").set("data.id", "user_known"));
        world.send(known.clone()).await.expect(204);
        let forged = known.clone().with("svix-signature", "v1,AAAA");
        world.send(forged).await.expect(401);

        // An invite that is made and used, one that is guessed wrong, and the gate is open.
        let invite = json!({"code": "Spring 2027", "max_uses": 3, "note": "for friends"});
        let path = format!("{ADMIN}/invites");
        boss.submit(Method::POST, &path, &invite).await.expect(201);
        let code = json!({"invite_code": "spring-2027"});
        ann.submit(Method::POST, VALIDATE, &code).await.expect(200);
        let wrong = json!({"invite_code": "autumn"});
        ben.submit(Method::POST, VALIDATE, &wrong).await.expect(400);

        // What the team decides: the audit log tells of it.
        let tier = json!({"tier": "paid", "reason": "a friend"});
        let of =
            |visitor: &Visitor, what: &str| format!("{ADMIN}/users/{}/{what}", visitor.user_id());
        boss.submit(Method::PATCH, &of(&ann, "tier"), &tier)
            .await
            .expect(200);
        boss.submit(Method::POST, &of(&ben, "erasure"), &json!({}))
            .await
            .expect(202);
        let theme = json!({"theme": "dark", "zoom": 1.0}).to_string();
        ann.submit_as(
            Method::PATCH,
            "/api/v1/me/preferences",
            "application/merge-patch+json",
            theme,
        )
        .await
        .expect(200);

        // What users keep.
        for (path, new, _) in resources(&ann).await {
            made(&ann, path, &new).await;
        }
        let exact = json!({"title": "Exact", "price": "1234567890.000000000001", "currency": "EUR", "components": {"frame": {"size": 1.5}}});
        made(&ann, "/api/v1/listings", &exact).await;
        let file =
            "symbol,quantity,entry_price,entry_date\nAAPL,0.1,150.25,2026-03-31\nMSFT,3,400.10,\n";
        let imported = ann
            .submit_as(
                Method::POST,
                "/api/v1/onboarding/import?name=Old",
                "text/csv",
                file,
            )
            .await
            .expect_json(201);
        let portfolio = imported["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/portfolios/{portfolio}/calculate");
        ann.ask(Method::POST, &path).await.expect(200);
        used(world, &ann).await;
        // Where a backfill stands that was broken off.
        let kept = world
            .store()
            .housekeeping
            .keep_checkpoint("backfill:users", Some("500".to_owned()));
        kept.await.unwrap();
        world.settled().await;

        let token =
            |visitor: &Visitor| world.token(TokenRequest::for_session(visitor.session_id()));
        Self {
            tokens: (token(&ann), token(&boss)),
            ann,
            boss,
            portfolio,
            known,
        }
    }

    /// The same people before another service.
    pub(super) fn at(self, world: &World) -> Self {
        let again = |token: &str, visitor: &Visitor| {
            let visitor = (
                visitor.user_id().to_owned(),
                visitor.session_id().to_owned(),
            );
            world
                .anonymous()
                .bearer(token)
                .known_as(&visitor.0, &visitor.1)
        };
        let (ann, boss) = (
            again(&self.tokens.0, &self.ann),
            again(&self.tokens.1, &self.boss),
        );
        Self { ann, boss, ..self }
    }

    /// A message that has come before.
    pub(super) fn known_message(&self) -> Message {
        self.known.clone()
    }

    /// Everything that the service tells anybody, by path.
    pub(super) async fn everything(&self) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        let statuses = format!("/api/v1/portfolios/batch-status?ids={}", self.portfolio);
        for path in [ME, "/api/v1/me/preferences", "/api/v1/me/usage", &statuses] {
            all.push((path.to_owned(), self.ann.get(path).await.expect_json(200)));
        }
        all.push((
            format!("{ME} of the admin"),
            self.boss.get(ME).await.expect_json(200),
        ));
        for path in [
            "/api/v1/listings",
            "/api/v1/profiles",
            "/api/v1/valuation-rulesets",
            "/api/v1/collections",
            "/api/v1/collection-items",
            "/api/v1/shares",
            "/api/v1/portfolios",
            "/api/v1/positions",
            "/api/v1/chat/messages",
        ] {
            let own = self.ann.get(path).await.expect_json(200);
            assert_ne!(own["items"], json!([]), "{path}");
            all.push((path.to_owned(), own));
            all.push((
                format!("{path} of all"),
                self.boss.get(path).await.expect_json(200),
            ));
        }
        for list in [
            "users?limit=100&include_deleted=true",
            "organizations?limit=100",
            "sessions?limit=100",
            "deliveries?limit=100",
            "deliveries?outcome=quarantined",
            "audit?limit=100",
            "invites",
        ] {
            let path = format!("{ADMIN}/{list}");
            let page = self.boss.get(&path).await.expect_json(200);
            assert_ne!(page["items"], json!([]), "{path}");
            all.push((path, page));
        }
        for user in [&self.ann, &self.boss] {
            let path = format!("{ADMIN}/users/{}", user.user_id());
            all.push((path.clone(), self.boss.get(&path).await.expect_json(200)));
        }
        all.push((
            "the whole feed".to_owned(),
            Value::Array(self.feed("0").await),
        ));
        all
    }

    /// The items of the feed after a cursor.
    pub(super) async fn feed(&self, after: &str) -> Vec<Value> {
        let path = format!("/api/v1/changes?limit=1000&after={after}");
        let page = self.boss.get(&path).await.expect_json(200);
        page["items"].as_array().unwrap().clone()
    }

    /// Where somebody stands who has read half of the feed.
    pub(super) async fn cursor_in_the_middle(&self) -> String {
        let feed = self.feed("0").await;
        let middle = &feed[feed.len() / 2]["cursor"];
        middle
            .as_str()
            .map_or_else(|| middle.to_string(), str::to_owned)
    }

    /// Each goes on with what there was: writes to it, and counts on from it.
    pub(super) async fn goes_on(&self, world: &World) {
        let own = self.ann.get("/api/v1/listings").await.expect_json(200);
        let path = format!(
            "/api/v1/listings/{}",
            own["items"][0]["id"].as_str().unwrap()
        );
        let sold = json!({"status": "sold"});
        let row = self.ann.submit(Method::PATCH, &path, &sold).await;
        assert_eq!(row.expect_json(200)["status"], "sold");
        self.boss.ask(Method::DELETE, &path).await.expect(204);
        let before = self.ann.get("/api/v1/me/usage").await.expect_json(200);
        used(world, &self.ann).await;
        let used = self.ann.get("/api/v1/me/usage").await.expect_json(200);
        let count = |usage: &Value| usage["features"]["ai_messages"]["used"].as_u64().unwrap();
        assert!(count(&used) > count(&before), "{before} {used}");
    }
}

/// A message to the assistant and its answer, and one that is still being answered.
async fn used(world: &World, visitor: &Visitor) {
    let me = visitor.get(ME).await.expect_json(200);
    let user_id = me["id"].as_str().unwrap().parse().unwrap();
    let (store, now) = (world.store(), Utc::now());
    let request = || UsageRequest {
        user_id,
        feature: "ai_messages".to_owned(),
        amount: NonZeroU32::MIN,
        limit: 100,
        at: now,
    };
    store.usage.spend(request()).await.unwrap();
    store
        .usage
        .reserve(request(), now + TimeDelta::minutes(10))
        .await
        .unwrap();
    let scope = Scope {
        user_id,
        organization_id: None,
        is_admin: false,
        claims: json!({}),
        by: Attribution::system(now),
    };
    for (role, content) in [
        (ChatRole::User, "Is it \"worth\" that?"),
        (ChatRole::Assistant, "Yes – 😀"),
    ] {
        let said = ChatMessage {
            role,
            content: content.to_owned(),
            is_partial: false,
        };
        store
            .workspace
            .messages
            .create(&scope, said, None)
            .await
            .unwrap();
    }
}
