//! What has changed lately, and instances without organizations.

use chrono::{DateTime, Utc};
use domain::{Directory as _, DirectoryError, Listing, Page};
use serde_json::{Value, json};

use crate::{
    rows::{UPDATED_AT, organization, user},
    stub::{Asked, KEY, Reply, Stub, fault, ok},
};

/// Users that changed a second after one another, the last of them at [`UPDATED_AT`].
fn changed(count: usize) -> impl Fn(&Asked) -> Reply + Clone {
    move |asked| {
        assert_eq!(asked.parameter("order_by").as_deref(), Some("-updated_at"));
        assert_eq!(asked.parameter("starting_after"), None);
        ok(page(asked, count)
            .map(|n| {
                let mut user = user(&format!("user_{n}"));
                user["updated_at"] = json!(UPDATED_AT - 1000 * i64::try_from(n).unwrap());
                user
            })
            .collect())
    }
}

fn page(asked: &Asked, count: usize) -> impl Iterator<Item = usize> + use<> {
    let number = |name| asked.parameter(name).map(|text| text.parse().unwrap());
    let (limit, offset): (usize, usize) = (number("limit").unwrap(), number("offset").unwrap_or(0));
    offset..count.min(offset + limit)
}

fn seconds_ago(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(UPDATED_AT - 1000 * seconds).unwrap()
}

/// The numbers of objects on each page.
async fn sizes(stub: &Stub, page_size: u16, listing: Listing, since: DateTime<Utc>) -> Vec<usize> {
    let client = stub.client_with(|config| config.page_size = page_size);
    let (mut sizes, mut after) = (Vec::new(), None);
    loop {
        let page = client.recent(listing, since, after).await.unwrap();
        sizes.push(page.writes.len());
        after = page.next;
        assert!(sizes.len() < 50, "paging does not end");
        if after.is_none() {
            return sizes;
        }
    }
}

#[tokio::test]
async fn users_are_read_until_they_are_older() {
    let stub = Stub::start(changed(10)).await;
    let read = async |seconds| sizes(&stub, 3, Listing::Users, seconds_ago(seconds)).await;
    assert_eq!(read(-1).await, [3]);
    assert_eq!(read(1).await, [3]);
    // The last of the page is as young as asked for: another one may be.
    assert_eq!(read(2).await, [3, 3]);
    assert_eq!(read(100).await, [3, 3, 3, 1]);
    let exact = Stub::start(changed(3)).await;
    assert_eq!(
        sizes(&exact, 3, Listing::Users, seconds_ago(100)).await,
        [3, 0]
    );
}

#[tokio::test]
async fn organizations_are_read_by_when_they_were_made() {
    let stub = Stub::start(|asked: &Asked| {
        assert_eq!(asked.parameter("order_by").as_deref(), Some("-created_at"));
        let data: Vec<Value> = page(asked, 5)
            .map(|n| {
                let mut made = organization(&format!("org_{n}"));
                made["created_at"] = json!(UPDATED_AT - 1000 * i64::try_from(n).unwrap());
                made
            })
            .collect();
        ok(json!({"data": data, "total_count": 5}))
    })
    .await;
    let read = async |seconds| sizes(&stub, 2, Listing::Organizations, seconds_ago(seconds)).await;
    assert_eq!(read(0).await, [2]);
    assert_eq!(read(2).await, [2, 2]);
    assert_eq!(read(100).await, [2, 2, 1]);
}

#[tokio::test]
async fn a_cursor_of_a_whole_listing_is_none_of_the_latest() {
    let stub = Stub::start(changed(3)).await;
    let after = Some("after:user_1".to_owned());
    let refused = stub
        .client_with(|_| {})
        .recent(Listing::Users, seconds_ago(0), after)
        .await;
    assert!(matches!(refused, Err(DirectoryError::Refused(_))));
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn an_instance_without_organizations_lists_none() {
    let stub = Stub::start(|_: &Asked| fault(403, "organization_not_enabled_in_instance")).await;
    let client = stub.client_with(|_| {});
    for listing in [Listing::Organizations, Listing::Memberships] {
        let whole = client.page(listing, None).await.unwrap();
        let latest = client.recent(listing, seconds_ago(0), None).await.unwrap();
        for page in [whole, latest] {
            let Page {
                writes,
                next,
                switched_off: Some(words),
                ..
            } = page
            else {
                panic!("not switched off");
            };
            assert!(writes.is_empty() && next.is_none());
            assert!(words.contains("organization_not_enabled_in_instance") && !words.contains(KEY));
        }
    }
}

#[tokio::test]
async fn an_object_without_times_says_the_same_with_every_reading() {
    for odd in [json!(null), json!("soon"), json!(99_999_999_999_999_i64)] {
        let stub = Stub::start(move |_: &Asked| {
            let mut user = user("user_1");
            user["updated_at"] = odd.clone();
            ok(json!([user]))
        })
        .await;
        let client = stub.client_with(|_| {});
        let first = client.page(Listing::Users, None).await.unwrap();
        // Readings of one millisecond would prove nothing.
        let before = Utc::now().timestamp_millis();
        while Utc::now().timestamp_millis() == before {
            tokio::task::yield_now().await;
        }
        assert_eq!(client.page(Listing::Users, None).await.unwrap(), first);
        let domain::Write::User(user) = &first.writes[0] else {
            panic!("no user");
        };
        assert_eq!(user.profile.updated_at, user.profile.created_at);
        assert!(user.precedence > domain::Precedence::NOTHING_KNOWN);
    }
}
