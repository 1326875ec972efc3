//! How PostgreSQL reads a page behind the policies: by the index of the owner, however many rows others have.

use tokio_postgres::{NoTls, SimpleQueryMessage};
use uuid::Uuid;

use super::as_application_of;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_by_the_owners_index() {
    let (store, url) = as_application_of().await;
    let owner = Uuid::now_v7();
    store
        .execute(&format!(
            "insert into listings (id, user_id, title, components, status, created_at, updated_at)
             select gen_random_uuid(), case when n % 100 = 0 then '{owner}'::uuid else gen_random_uuid() end,
                 'A', '{{}}', 'draft', now(), now()
             from generate_series(1, 20000) n;
             analyze listings;"
        ))
        .await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(&format!(
            "begin; select set_config('app.current_user_id', '{owner}', true)"
        ))
        .await
        .unwrap();
    let page = format!(
        "explain (costs off) select * from listings where listings.user_id = '{owner}' \
         order by listings.id desc limit 51"
    );
    let plan = client.simple_query(&page).await.unwrap();
    let lines: Vec<&str> = plan
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    let plan = lines.join("\n");
    assert!(
        plan.contains("Index Scan Backward using listings_owner"),
        "{plan}"
    );
    assert!(!plan.contains("Seq Scan on listings"), "{plan}");
    assert!(!plan.contains("Sort"), "{plan}");
}
