//! Files that pages need, embedded, each under a name that holds a digest of its content: a new content has a new name, so
//! browsers may keep them for as long as they like.

use std::sync::LazyLock;

use api::{Kind, Problem};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest as _, Sha256};

const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One file.
pub(crate) struct Asset {
    name: String,
    kind: &'static str,
    content: &'static [u8],
}

impl Asset {
    fn of(stem: &str, extension: &str, kind: &'static str, content: &'static [u8]) -> Self {
        let digest = Sha256::digest(content);
        let short: String = digest
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            name: format!("{stem}-{short}.{extension}"),
            kind,
            content,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("assets/console.css");
    Asset::of("console", "css", "text/css; charset=utf-8", content)
});
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("assets/console.js");
    Asset::of("console", "js", "text/javascript; charset=utf-8", content)
});
pub(crate) static MARK: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_bytes!("assets/mark.svg");
    Asset::of("mark", "svg", "image/svg+xml", content)
});

/// The file of this name.
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let all: [&Asset; 3] = [&STYLE, &SCRIPT, &MARK];
    let found = all.into_iter().find(|asset| asset.name == name);
    let asset = found.ok_or_else(|| Problem::of(Kind::NotFound))?;
    let mut response = asset.content.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, KEPT);
    Ok(response)
}
