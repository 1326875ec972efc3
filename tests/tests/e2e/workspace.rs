//! What users keep, over HTTP.

mod calculations;
mod chat;
mod imports;
mod isolation;
mod listings;
mod sharing;
mod storm;

use e2e::{Answer, TestDatabase, Visitor, World, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// Nobody has it.
const UNKNOWN: &str = "0197a0c0-0000-7000-8000-000000000000";

/// The policy that holds where there is no other.
const POLICY: &str = include_str!("../../../crates/domain/src/access/built_in.toml");

/// A world whose invite gate is open.
async fn open(database: TestDatabase) -> World {
    World::with(database, &[("INVITE_CODE_ENABLED", "false")]).await
}

/// Where rows are, and what keeps people apart there.
struct Ground {
    database: TestDatabase,
    /// The role that the service works as, where policies bind it.
    role: Option<String>,
}

impl Ground {
    /// What keeps people apart is the queries alone.
    fn of_queries(database: TestDatabase) -> Self {
        let role = None;
        Self { database, role }
    }

    /// PostgreSQL's policies stand behind the queries, as in production.
    async fn of_policies() -> Self {
        let database = e2e::migrated_postgres().await;
        let role = Some(database.bare_role_url().await);
        Self { database, role }
    }

    async fn world(self, own: &[(&str, &str)]) -> World {
        let Self { database, role } = self;
        let owner = database.url().to_owned();
        let mut all = own.to_vec();
        if let Some(role) = &role {
            all.push(("DATABASE_URL", role));
            all.push(("DATABASE_MIGRATION_URL", &owner));
        }
        World::with(database, &all).await
    }

    async fn open(self) -> World {
        self.world(&[("INVITE_CODE_ENABLED", "false")]).await
    }
}

/// Makes a test of each `async fn name(ground: Ground)` on SQLite, on PostgreSQL as the superuser, and on PostgreSQL as
/// a role that policies bind.
macro_rules! on_every_wall {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let database = e2e::TestDatabase::sqlite();
                    super::$case(crate::workspace::Ground::of_queries(database)).await;
                }
            )+
        }

        mod by_queries_alone {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    let database = e2e::migrated_postgres().await;
                    super::$case(crate::workspace::Ground::of_queries(database)).await;
                }
            )+
        }

        mod behind_policies {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case(crate::workspace::Ground::of_policies().await).await;
                }
            )+
        }
    };
}
use on_every_wall;

/// Makes a row, and gives its id.
pub(crate) async fn made(visitor: &Visitor, path: &str, body: &Value) -> String {
    let row = visitor.submit(Method::POST, path, body).await;
    let row = row.expect_json(201);
    row["id"].as_str().unwrap().to_owned()
}

async fn patch(visitor: &Visitor, path: &str, body: &Value) -> Answer {
    visitor.submit(Method::PATCH, path, body).await
}

/// The ids on the first page of a list.
async fn ids(visitor: &Visitor, path: &str) -> Vec<String> {
    let page = visitor.get(path).await.expect_json(200);
    let items = page["items"].as_array().unwrap();
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

/// Our id of a visitor.
async fn id_of(visitor: &Visitor) -> String {
    let me = visitor.get(e2e::ME).await.expect_json(200);
    me["id"].as_str().unwrap().to_owned()
}

/// A person whom the configuration makes an admin.
async fn admin(world: &World) -> Visitor {
    let admin = world.caller("admin").await;
    let key = domain::UserKey::Clerk(admin.user_id().to_owned());
    let by = domain::Attribution::system(chrono::Utc::now());
    let role = Some(domain::Role::from_store("admin".to_owned()));
    let decisions = &world.store().administration;
    let decided = decisions.set_role(&key, role, false, by, &[]).await;
    decided.unwrap();
    let is_admin = async || {
        let me = admin.get(e2e::ME).await.expect_json(200);
        (me["role"] == "admin").then_some(())
    };
    eventually("the role", is_admin).await;
    admin
}

/// Every resource: where its rows are, a body that makes one, and one that changes it.
pub(crate) async fn resources(owner: &Visitor) -> Vec<(&'static str, Value, Value)> {
    let listing = made(owner, "/api/v1/listings", &json!({"title": "Bicycle"})).await;
    let collection = made(owner, "/api/v1/collections", &json!({"name": "Spring"})).await;
    let portfolio = made(owner, "/api/v1/portfolios", &json!({"name": "Savings"})).await;
    vec![
        (
            "/api/v1/listings",
            json!({"title": "Tandem"}),
            json!({"status": "sold"}),
        ),
        (
            "/api/v1/profiles",
            json!({"name": "Tours", "weights": {"condition": "1"}}),
            json!({"name": "Long tours"}),
        ),
        (
            "/api/v1/valuation-rulesets",
            json!({"name": "Used", "rules": [{"name": "less", "effect": {"multiply": "0.9"}}]}),
            json!({"rules": []}),
        ),
        (
            "/api/v1/collections",
            json!({"name": "Autumn"}),
            json!({"description": "What is left"}),
        ),
        (
            "/api/v1/collection-items",
            json!({"collection_id": collection, "listing_id": listing}),
            json!({"note": "first"}),
        ),
        (
            "/api/v1/shares",
            json!({"listing_id": listing, "user_id": UNKNOWN, "permission": "read"}),
            json!({"permission": "comment"}),
        ),
        (
            "/api/v1/portfolios",
            json!({"name": "Pension"}),
            json!({"name": "Old age"}),
        ),
        (
            "/api/v1/positions",
            json!({"portfolio_id": portfolio, "symbol": "AAPL", "quantity": "1", "entry_price": "2"}),
            json!({"quantity": "3"}),
        ),
    ]
}
