//! Pages and counts.

use chrono::Utc;
use clerk::ClerkApi;
use domain::{Directory as _, DirectoryError, Listing, Page, Precedence, Step, Write};
use serde_json::{Value, json};

use crate::{
    rows::{UPDATED_AT, membership, organization, user},
    stub::{Asked, KEY, Reply, Stub, ok},
};

/// Every page of a listing.
async fn pages(client: &ClerkApi, listing: Listing) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let mut after = None;
    loop {
        let page = client.page(listing, after).await.unwrap();
        after = page.next.clone();
        pages.push(page);
        assert!(pages.len() < 50, "paging does not end");
        if after.is_none() {
            return pages;
        }
    }
}

fn ids(pages: &[Page]) -> Vec<Vec<&str>> {
    pages
        .iter()
        .map(|page| page.writes.iter().map(id_of).collect())
        .collect()
}

fn id_of(write: &Write) -> &str {
    match write {
        Write::User(write) => write.profile.clerk_user_id.as_str(),
        Write::Organization(write) => write.profile.clerk_organization_id.as_str(),
        Write::Membership(write) => write.profile.clerk_membership_id.as_str(),
        other => panic!("no listed object: {other:?}"),
    }
}

/// Clerk's cursor over users that are `user_0` and so on.
fn users(count: usize) -> impl Fn(&Asked) -> Reply + Clone {
    move |asked| {
        let limit: usize = asked.parameter("limit").unwrap().parse().unwrap();
        let start = match asked.parameter("starting_after") {
            Some(id) => id.strip_prefix("user_").unwrap().parse::<usize>().unwrap() + 1,
            None => 0,
        };
        let page = (start..count.min(start + limit)).map(|n| user(&format!("user_{n}")));
        ok(page.collect())
    }
}

/// Clerk's offsets over `total` objects, of which it never gives more than `most` at once.
fn wrapped(
    total: usize,
    most: usize,
    make: fn(usize) -> Value,
) -> impl Fn(&Asked) -> Reply + Clone {
    move |asked| {
        let number = |name| asked.parameter(name).map(|text| text.parse().unwrap());
        let offset: usize = number("offset").unwrap_or(0);
        let limit = number("limit").unwrap().min(most);
        let data: Vec<Value> = (offset..total.min(offset + limit)).map(make).collect();
        ok(json!({"data": data, "total_count": total}))
    }
}

#[tokio::test]
async fn users_are_read_behind_the_last_of_the_page_before() {
    let stub = Stub::start(users(5)).await;
    let client = stub.client_with(|config| config.page_size = 2);
    let pages = pages(&client, Listing::Users).await;
    assert_eq!(
        ids(&pages),
        [
            vec!["user_0", "user_1"],
            vec!["user_2", "user_3"],
            vec!["user_4"]
        ]
    );
    assert_eq!(
        stub.targets(),
        [
            "/v1/users?limit=2&order_by=%2Bcreated_at",
            "/v1/users?limit=2&order_by=%2Bcreated_at&starting_after=user_1",
            "/v1/users?limit=2&order_by=%2Bcreated_at&starting_after=user_3",
        ]
    );
    let asked = &stub.asked()[0];
    let header = |name: &str| asked.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(header("clerk-api-version"), "2026-05-12");
    assert_eq!(
        header("user-agent"),
        format!("clerk-sync/{}", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn a_full_last_page_is_followed_by_an_empty_one() {
    let stub = Stub::start(users(4)).await;
    let client = stub.client_with(|config| config.page_size = 2);
    let pages = pages(&client, Listing::Users).await;
    assert_eq!(pages.len(), 3);
    assert_eq!(pages[2], Page::default());
}

#[tokio::test]
async fn nobody_at_all_is_one_empty_page() {
    let stub = Stub::start(|asked| match asked.path() {
        "/v1/users" => ok(json!([])),
        _ => ok(json!({"data": [], "total_count": 0})),
    })
    .await;
    let client = stub.client();
    for listing in Listing::ALL {
        assert_eq!(client.page(*listing, None).await.unwrap(), Page::default());
    }
}

#[tokio::test]
async fn organizations_and_memberships_are_read_by_offset_until_the_total() {
    let make_organization = |n: usize| organization(&format!("org_{n}"));
    let make_membership = |n: usize| membership(&format!("orgmem_{n}"), "org_1", "user_1");
    for (listing, path, make) in [
        (
            Listing::Organizations,
            "/v1/organizations",
            make_organization as fn(usize) -> Value,
        ),
        (
            Listing::Memberships,
            "/v1/organization_memberships",
            make_membership,
        ),
    ] {
        // The server gives less than it is asked for: that is no end.
        let stub = Stub::start(wrapped(7, 2, make)).await;
        let client = stub.client_with(|config| config.page_size = 3);
        let pages = pages(&client, listing).await;
        let sizes: Vec<_> = pages.iter().map(|page| page.writes.len()).collect();
        assert_eq!(sizes, [2, 2, 2, 1]);
        assert_eq!(
            stub.targets(),
            [
                format!("{path}?limit=3&order_by=%2Bcreated_at"),
                format!("{path}?limit=3&order_by=%2Bcreated_at&offset=2"),
                format!("{path}?limit=3&order_by=%2Bcreated_at&offset=4"),
                format!("{path}?limit=3&order_by=%2Bcreated_at&offset=6"),
            ]
        );
        assert_eq!(client.count(listing).await.unwrap(), 7);
    }
}

#[tokio::test]
async fn a_listed_fact_is_below_an_events_of_the_same_time() {
    let stub = Stub::start(users(1)).await;
    let page = stub.client().page(Listing::Users, None).await.unwrap();
    let [Write::User(write)] = page.writes.as_slice() else {
        panic!("one user: {page:?}");
    };
    assert_eq!(write.precedence.version_millis(), UPDATED_AT);
    let at = write.profile.updated_at;
    let event = Precedence::new(Some(at), Some(at), Utc::now(), Step::Created, [0; 8]);
    assert!(write.precedence < event);
    assert!(write.precedence > Precedence::NOTHING_KNOWN);
}

#[tokio::test]
async fn users_are_counted_where_clerk_counts_them() {
    let stub = Stub::start(|asked| match asked.path() {
        "/v1/users/count" => ok(json!({"object": "total_count", "total_count": 12345})),
        _ => ok(json!({})),
    })
    .await;
    let client = stub.client();
    assert_eq!(client.count(Listing::Users).await.unwrap(), 12_345);
    assert!(matches!(
        client.count(Listing::Organizations).await,
        Err(DirectoryError::Unreadable(_))
    ));
    assert_eq!(stub.targets()[1], "/v1/organizations?limit=1");
}

#[tokio::test]
async fn what_cannot_be_mapped_is_named_and_stops_nothing() {
    let stub = Stub::start(|_| {
        let mut broken = user("user_2");
        broken["email_addresses"] = json!("a@example.com");
        ok(json!([user("user_1"), broken, {"id": 7}, "x", user("user_5")]))
    })
    .await;
    let page = stub.client().page(Listing::Users, None).await.unwrap();
    assert_eq!(ids(std::slice::from_ref(&page)), [["user_1", "user_5"]]);
    let unmappable: Vec<_> = page
        .unmappable
        .iter()
        .map(|(id, reason)| (id.as_deref(), reason.as_str()))
        .collect();
    assert_eq!(
        unmappable,
        [
            (
                Some("user_2"),
                "users[1].email_addresses is a string, not a list"
            ),
            (None, "users[2].id is a number, not a string"),
            (None, "users[3] is a string, not an object"),
        ]
    );
}

#[tokio::test]
async fn a_page_goes_on_behind_the_last_id_that_can_be_read() {
    let stub = Stub::start(|asked| match asked.before {
        0 => ok(json!([user("user_1"), {"id": null}])),
        _ => ok(json!([{"id": 7}, {}])),
    })
    .await;
    let client = stub.client_with(|config| config.page_size = 2);
    let page = client.page(Listing::Users, None).await.unwrap();
    let next = page.next.unwrap();
    let fault = client.page(Listing::Users, Some(next)).await.unwrap_err();
    assert_eq!(
        stub.asked()[1].parameter("starting_after").unwrap(),
        "user_1"
    );
    assert!(fault.to_string().contains("without a single id"), "{fault}");
}

#[tokio::test]
async fn a_server_that_does_not_know_the_cursor_is_not_read_for_ever() {
    let stub = Stub::start(|_| ok(json!([user("user_1"), user("user_2")]))).await;
    let client = stub.client_with(|config| config.page_size = 2);
    let page = client.page(Listing::Users, None).await.unwrap();
    let again = client.page(Listing::Users, page.next).await;
    assert!(matches!(again, Err(DirectoryError::Unreadable(_))));
}

#[tokio::test]
async fn an_answer_of_another_shape_is_no_page() {
    for (listing, body) in [
        (Listing::Users, json!({"data": [], "total_count": 0})),
        (Listing::Users, json!(null)),
        (Listing::Organizations, json!([])),
        (Listing::Organizations, json!({"data": []})),
        (Listing::Organizations, json!({"total_count": 0})),
        (
            Listing::Organizations,
            json!({"data": {}, "total_count": 0}),
        ),
        (
            Listing::Memberships,
            json!({"data": [], "total_count": "0"}),
        ),
        (Listing::Memberships, json!({"data": [], "total_count": 3})),
    ] {
        let answer = body.clone();
        let stub = Stub::start(move |_| ok(answer.clone())).await;
        let page = stub.client().page(listing, None).await;
        assert!(
            matches!(page, Err(DirectoryError::Unreadable(_))),
            "{body}: {page:?}"
        );
    }
}

#[tokio::test]
async fn a_cursor_is_checked_before_anybody_is_asked() {
    let stub = Stub::start(|_| ok(json!([]))).await;
    let client = stub.client();
    for (listing, cursor) in [
        (Listing::Users, "offset:2"),
        (Listing::Users, "after:a b"),
        (Listing::Memberships, "after:user_1"),
        (Listing::Organizations, "offset:1&limit=1"),
    ] {
        let page = client.page(listing, Some(cursor.to_owned())).await;
        assert!(matches!(page, Err(DirectoryError::Refused(_))), "{cursor}");
    }
    assert!(stub.asked().is_empty());
    // An odd id travels escaped.
    let odd = "after:user_1&limit=1#%2F".to_owned();
    client.page(Listing::Users, Some(odd)).await.unwrap();
    assert_eq!(
        stub.asked()[0].parameter("starting_after").as_deref(),
        Some("user_1&limit=1#%2F")
    );
    assert_eq!(stub.asked()[0].parameter("limit").as_deref(), Some("500"));
}
