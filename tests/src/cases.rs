//! One body, two databases.

/// Makes a test on SQLite and one on PostgreSQL of each `async fn name(database: TestDatabase)` that is named, as
/// `on_sqlite::name` and `on_postgres::name`, like `testdb::on_both!`; the PostgreSQL one is a copy of a migrated
/// template, which spares each test the migrations. Once a module.
#[macro_export]
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case($crate::TestDatabase::sqlite()).await;
                }
            )+
        }

        mod on_postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case($crate::migrated_postgres().await).await;
                }
            )+
        }
    };
}
