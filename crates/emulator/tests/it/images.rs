use reqwest::Method;
use serde_json::{Value, json};

use crate::running::{Answer, Running, running};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnothing more of it";

async fn upload(clerk: &Running, method: Method, path: &str, name: &str, bytes: &[u8]) -> Answer {
    let mut body = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n").into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    let request = clerk
        .request(method, path)
        .bearer_auth(clerk.secret_key())
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(body);
    Running::send(request).await
}

#[tokio::test]
async fn an_image_changes_its_address_and_goes_again() {
    let clerk = running().await;
    let user = clerk.new_user("a@example.com").unwrap();
    let made = clerk
        .post("/v1/organizations", json!({"name": "Works"}))
        .await
        .ok();
    for (method, path, before) in [
        (
            Method::POST,
            format!("/v1/users/{}/profile_image", user.id),
            json!(user.image_url),
        ),
        (
            Method::PUT,
            format!("/v1/organizations/{}/logo", made["id"].as_str().unwrap()),
            made["image_url"].clone(),
        ),
    ] {
        let set = upload(&clerk, method.clone(), &path, "file", PNG)
            .await
            .ok();
        assert_eq!(set["has_image"], true);
        assert_ne!(set["image_url"], before);
        let gone = clerk.delete(&path).await.ok();
        assert_eq!(
            (&gone["has_image"], &gone["image_url"]),
            (&Value::Bool(false), &before)
        );
        assert_eq!(
            upload(&clerk, method.clone(), &path, "file", b"MZ")
                .await
                .status,
            422
        );
        assert_eq!(
            upload(&clerk, method, &path, "image", PNG).await.code(),
            "form_param_missing"
        );
    }
    assert_eq!(
        clerk.events(),
        [
            "user.created",
            "organization.created",
            "user.updated",
            "user.updated",
            "organization.updated",
            "organization.updated"
        ]
    );
    let none = upload(
        &clerk,
        Method::POST,
        "/v1/users/user_404/profile_image",
        "file",
        PNG,
    )
    .await;
    assert_eq!(none.status, 404);
    let plain = clerk
        .post(&format!("/v1/users/{}/profile_image", user.id), json!({}))
        .await;
    assert_eq!((plain.status, plain.code()), (400, "request_body_invalid"));
}
