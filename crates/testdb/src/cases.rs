//! One body, two databases.

/// Makes a test on SQLite and one on PostgreSQL of each `async fn name(database: TestDatabase)` that is named, as
/// `on_sqlite::name` and `on_postgres::name`. Once a module. The calling package needs tokio with `macros` and
/// `rt-multi-thread`: migrations block a thread of the runtime.
///
/// ```
/// use testdb::TestDatabase;
///
/// testdb::on_both! { has_a_url }
///
/// async fn has_a_url(database: TestDatabase) {
///     assert!(database.url().contains("://"));
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        #[cfg(test)]
        mod on_sqlite {
            $(
                #[::tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case($crate::TestDatabase::sqlite()).await;
                }
            )+
        }

        #[cfg(test)]
        mod on_postgres {
            $(
                #[::tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    super::$case($crate::TestDatabase::postgres().await).await;
                }
            )+
        }
    };
}
