//! Generated pictures of users and organizations, so that no page needs another host for them.

use axum::extract::{Path, RawQuery};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use sha2::{Digest as _, Sha256};

/// Lets pages of other origins show it.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A picture of any id and version: the same ones look the same.
pub(super) async fn get(Path(id): Path<String>, RawQuery(version): RawQuery) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "image/svg+xml"),
        (CACHE_CONTROL, "public, max-age=86400"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (RESOURCE_POLICY, "cross-origin"),
    ];
    (headers, draw(&id, version.as_deref()))
}

/// Two shapes on a ground, their colours and places from a digest of what is drawn.
fn draw(id: &str, version: Option<&str>) -> String {
    // Browsers ask for sizes (`?width=80`); only another version is another picture.
    let version = version
        .filter(|it| it.starts_with("v="))
        .unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(id.as_bytes())
        .chain_update(version.as_bytes())
        .finalize();
    let mut bytes = digest.iter().map(|byte| u32::from(*byte));
    let mut next = |below: u32| bytes.next().unwrap_or_default() * below / 256;
    let hue = next(360);
    let (first, second) = ((hue + 40 + next(60)) % 360, (hue + 150 + next(90)) % 360);
    let (x, y, radius) = (10 + next(60), 5 + next(40), 22 + next(20));
    let (across, down, turn) = (20 + next(50), 45 + next(40), next(90));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 100\" width=\"160\" height=\"160\" role=\"img\">\
         <rect width=\"100\" height=\"100\" fill=\"hsl({hue},55%,46%)\"/>\
         <circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"hsl({first},65%,62%)\"/>\
         <rect x=\"{across}\" y=\"{down}\" width=\"52\" height=\"52\" rx=\"10\" fill=\"hsl({second},60%,40%)\" \
         transform=\"rotate({turn} {across} {down})\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_looks_the_same_at_any_size() {
        assert_eq!(draw("user_1", None), draw("user_1", Some("width=80")));
        assert_ne!(draw("user_1", None), draw("user_2", None));
        assert_ne!(draw("user_1", None), draw("user_1", Some("v=2")));
        assert!(!draw("<script>", Some("v=<script>")).contains("script"));
    }
}
