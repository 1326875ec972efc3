//! Single objects.

use domain::{Directory as _, DirectoryError, Write};
use serde_json::json;

use crate::{
    rows::{
        UPDATED_AT, id, membership, membership_row, organization, organization_row, user, user_row,
    },
    stub::{Stub, fault, ok, raw},
};

#[tokio::test]
async fn objects_are_found_by_their_ids() {
    let stub = Stub::start(|asked| match asked.path() {
        "/v1/users/user_1" => ok(user("user_1")),
        "/v1/organizations/org_1" => ok(organization("org_1")),
        "/v1/organizations/org_1/memberships" => ok(json!({
            "data": [membership("orgmem_9", "org_1", "user_1"), membership("orgmem_1", "org_1", "user_1")],
            "total_count": 2,
        })),
        _ => fault(404, "resource_not_found"),
    })
    .await;
    let client = stub.client();

    let found = client.find(&user_row("user_1")).await.unwrap();
    assert!(
        matches!(found, Some(Write::User(write)) if write.profile.clerk_user_id == id("user_1"))
    );
    let found = client.find(&organization_row("org_1")).await.unwrap();
    assert!(matches!(found, Some(Write::Organization(_))));
    let row = membership_row("orgmem_1", Some("org_1"), Some("user_1"));
    let found = client.find(&row).await.unwrap();
    assert!(
        matches!(found, Some(Write::Membership(write)) if write.profile.clerk_membership_id == id("orgmem_1"))
    );
    assert_eq!(
        stub.targets()[2],
        "/v1/organizations/org_1/memberships?user_id=user_1&limit=100"
    );
    let user = client.user(&id("user_1")).await.unwrap().unwrap();
    assert_eq!(user.precedence.version_millis(), UPDATED_AT);

    for row in [
        user_row("user_2"),
        organization_row("org_2"),
        // He left and came back: the old membership is gone.
        membership_row("orgmem_2", Some("org_1"), Some("user_1")),
        membership_row("orgmem_1", Some("org_2"), Some("user_1")),
    ] {
        assert_eq!(client.find(&row).await.unwrap(), None, "{row:?}");
    }
    assert_eq!(client.user(&id("user_2")).await.unwrap(), None);
}

#[tokio::test]
async fn a_404_of_anything_else_is_no_absence() {
    let row = membership_row("orgmem_1", Some("org_1"), Some("user_1"));
    for (status, content_type, body) in [
        (404, "text/html", "<html>404</html>"),
        (
            404,
            "application/json",
            r#"{"errors":[{"code":"url_not_found"}]}"#,
        ),
        (404, "application/json", "{}"),
        (404, "application/json", ""),
        (
            410,
            "application/json",
            r#"{"errors":[{"code":"resource_not_found"}]}"#,
        ),
    ] {
        let stub = Stub::start(move |_| raw(status, &[("content-type", content_type)], body)).await;
        let client = stub.client();
        for row in [&user_row("user_1"), &organization_row("org_1"), &row] {
            assert!(client.find(row).await.is_err(), "{body}");
        }
        assert!(client.user(&id("user_1")).await.is_err());
        assert_eq!(stub.asked().len(), 4, "no attempt is repeated");
    }
}

#[tokio::test]
async fn another_object_than_was_asked_for_is_no_answer() {
    // An organization's path takes slugs too, and `count` is a place of its own.
    let stub = Stub::start(|asked| match asked.path() {
        "/v1/organizations/acme" => ok(organization("org_1")),
        "/v1/users/count" => ok(json!({"object": "total_count", "total_count": 3})),
        "/v1/users/user_1" => ok(json!([user("user_1")])),
        _ => ok(json!({"id": "user_2", "email_addresses": "none"})),
    })
    .await;
    let client = stub.client();
    for row in [
        organization_row("acme"),
        user_row("count"),
        user_row("user_1"),
        user_row("user_2"),
    ] {
        let found = client.find(&row).await;
        assert!(
            matches!(found, Err(DirectoryError::Unreadable(_))),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_membership_that_is_not_on_a_cut_page_is_not_judged() {
    let stub = Stub::start(|_| {
        ok(json!({"data": [membership("orgmem_9", "org_1", "user_9")], "total_count": 2}))
    })
    .await;
    let row = membership_row("orgmem_1", Some("org_1"), Some("user_1"));
    let found = stub.client().find(&row).await;
    assert!(matches!(found, Err(DirectoryError::Unreadable(_))));
}

#[tokio::test]
async fn a_membership_of_unknown_ends_cannot_be_asked_for() {
    let stub = Stub::start(|_| ok(json!({}))).await;
    for row in [
        membership_row("orgmem_1", None, Some("user_1")),
        membership_row("orgmem_1", Some("org_1"), None),
    ] {
        assert!(stub.client().find(&row).await.is_err());
    }
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn odd_ids_stay_within_their_part_of_the_path() {
    let stub = Stub::start(|_| fault(404, "resource_not_found")).await;
    let client = stub.client();
    for (odd, escaped) in [
        ("a/b", "a%2Fb"),
        ("../jwks", "..%2Fjwks"),
        ("a?limit=1", "a%3Flimit=1"),
        ("a#b", "a%23b"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b", "a%5Cb"),
    ] {
        assert_eq!(client.find(&user_row(odd)).await.unwrap(), None);
        let target = stub.targets().pop().unwrap();
        assert_eq!(target, format!("/v1/users/{escaped}"));
        let row = membership_row("orgmem_1", Some(odd), Some("user_1"));
        assert_eq!(client.find(&row).await.unwrap(), None);
        let target = stub.targets().pop().unwrap();
        let path = target.split('?').next().unwrap();
        assert_eq!(path, format!("/v1/organizations/{escaped}/memberships"));
    }
    let before = stub.asked().len();
    for dots in [".", ".."] {
        assert!(client.find(&user_row(dots)).await.is_err());
        assert!(client.user(&id(dots)).await.is_err());
        let row = membership_row("orgmem_1", Some(dots), Some("user_1"));
        assert!(client.find(&row).await.is_err());
    }
    assert_eq!(stub.asked().len(), before);
}

#[tokio::test]
async fn a_sign_before_a_users_id_is_no_filter() {
    let stub = Stub::start(|_| ok(json!({"data": [], "total_count": 0}))).await;
    let client = stub.client();
    for (user, sent) in [
        ("-user_1", "+-user_1"),
        ("+user_1", "++user_1"),
        ("u&limit=1", "u&limit=1"),
    ] {
        let row = membership_row("orgmem_1", Some("org_1"), Some(user));
        assert_eq!(client.find(&row).await.unwrap(), None);
        let asked = stub.asked().pop().unwrap();
        assert_eq!(asked.parameter("user_id").as_deref(), Some(sent));
        assert_eq!(asked.parameter("limit").as_deref(), Some("100"));
    }
}
