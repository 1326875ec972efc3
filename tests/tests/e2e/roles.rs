//! PostgreSQL roles that may no more than they must.

use clerk_sync::{Config, Server, StartError};
use e2e::{ME, Tables, TestDatabase, World, settings};
use emulator::Caller;

/// Signs somebody up, changes and deletes the person, as far as the role lets the service.
async fn works(world: &World) {
    let ann = world.caller("ann").await;
    ann.get(ME).await.expect(200);
    let by = Caller::default();
    world.clerk().delete_user(ann.user_id(), &by).unwrap();
    world.settled().await;
    ann.get(ME).await.expect_problem(401, "user_deleted");
    world.anonymous().get("/health/ready").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_role_need_not_be_a_superuser() {
    let database = TestDatabase::postgres().await;
    let role = database.app_role_url().await;
    works(&World::with(database, &[("DATABASE_URL", &role)]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_roles_the_service_owns_nothing() {
    let database = TestDatabase::postgres().await;
    let (owner, service) = (
        database.app_role_url().await,
        database.bare_role_url().await,
    );
    let own = [
        ("DATABASE_URL", service.as_str()),
        ("DATABASE_MIGRATION_URL", &owner),
    ];
    let world = World::with(database, &own).await;
    works(&world).await;
    let tables = Tables::of(world.database()).await.unwrap();
    let (_, rest) = service.split_once("://").unwrap();
    let (role, _) = rest.split_once(':').unwrap();
    let owned = format!("schemaname = 'public' and tableowner = '{role}'");
    assert_eq!(tables.count("pg_tables", &owned).await, 0);
    assert!(tables.count("pg_tables", "schemaname = 'public'").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_development_policies_have_to_bind_the_service() {
    let database = TestDatabase::postgres().await;
    let clerk = World::new_clerk().await;
    let start = async |url: &str| {
        let settings = settings(url, &clerk, &[]);
        let lookup = |name: &str| {
            let found = settings.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let mut config = Config::read(lookup).unwrap();
        config.is_development = false;
        Server::start(config).await
    };
    let refusal = start(database.url()).await.err().unwrap();
    assert!(matches!(refusal, StartError::RowSecurity(_)), "{refusal:?}");
    let words = refusal.to_string();
    assert!(words.contains("is a superuser"), "{words}");
    assert!(words.contains("DATABASE_MIGRATION_URL"), "{words}");
    let database = TestDatabase::postgres().await;
    let role = database.app_role_url().await;
    start(&role).await.unwrap().shutdown().await;
}
