//! Clerk's browser bundles, from a folder that the developer names: the emulator ships none of them.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::backend::ApiError;
use crate::instance::Instance;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// A file of a version named in full never changes; one of a range may be another one tomorrow.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `/npm/@clerk/<package>@<version>/dist/<file>`, as Clerk's libraries address it. Files are public and the same for
/// everybody, so that any page may load them.
pub(crate) fn router() -> Router<Arc<Instance>> {
    Router::new().route("/npm/@clerk/{package}/dist/{*file}", get(bundle))
}

async fn bundle(
    State(instance): State<Arc<Instance>>,
    Path((package, file)): Path<(String, String)>,
) -> Response {
    let Some(folder) = &instance.front.assets else {
        return absent(
            "The emulator was not given Clerk's bundles: start it with --clerk-assets DIR, where DIR holds \
             clerk-js and ui as node_modules/@clerk does.",
        );
    };
    let (name, version) = package.split_once('@').unwrap_or((&package, ""));
    let Some(found) = find(folder, name, version, &file) else {
        return absent(
            "The folder given with --clerk-assets has no such file: it holds <package>/dist/<file>.",
        );
    };
    let Ok(bytes) = tokio::fs::read(&found).await else {
        return absent("The file cannot be read.");
    };
    let cached = if is_exact(version) { FOR_EVER } else { A_WHILE };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type(&found))),
        (CACHE_CONTROL, cached),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, bytes).into_response()
}

fn absent(long: &str) -> Response {
    let status = StatusCode::NOT_FOUND;
    ApiError::new(status, "resource_not_found", "no such bundle", long).into_response()
}

/// The file in `<name>@<version>`, in `<name>@<major>` or in `<name>`, whichever folder is there. Nothing outside its
/// `dist` folder is found, whatever links stand there.
fn find(folder: &FilePath, name: &str, version: &str, file: &str) -> Option<PathBuf> {
    let plain = |text: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        !text.is_empty() && text.bytes().all(known) && !text.bytes().all(|byte| byte == b'.')
    };
    if !plain(name) || !file.split('/').all(plain) || !(version.is_empty() || plain(version)) {
        return None;
    }
    let major = version.split('.').next().unwrap_or_default();
    let candidates = [
        format!("{name}@{version}"),
        format!("{name}@{major}"),
        name.to_owned(),
    ];
    let dist = candidates
        .iter()
        .map(|candidate| folder.join(candidate).join("dist"))
        .find(|dist| dist.is_dir())?;
    let dist = dist.canonicalize().ok()?;
    let found = dist.join(file).canonicalize().ok()?;
    (found.starts_with(&dist) && found.is_file()).then_some(found)
}

/// Whether the version is named in full, such as `6.40.0`.
fn is_exact(version: &str) -> bool {
    let mut parts = version.splitn(3, '.');
    let mut number = || {
        let part = parts.next().unwrap_or_default();
        part.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit())
    };
    number() && number() && number()
}

fn content_type(file: &FilePath) -> &'static str {
    match file.extension().and_then(|it| it.to_str()) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_dist_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "ui/dist/a.js",
            "ui/package.json",
            "clerk-js@5/dist/b.js",
            "clerk-js/dist/c.js",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::fs::create_dir_all(root.join("ui/dist/deep")).unwrap();
        assert!(find(root, "ui", "1.36.0", "a.js").is_some());
        assert!(find(root, "ui", "", "a.js").is_some());
        assert!(find(root, "clerk-js", "5.128.0", "b.js").is_some());
        assert!(find(root, "clerk-js", "6", "c.js").is_some());
        for (name, version, file) in [
            ("ui", "1", "../package.json"),
            ("ui", "1", "..%2fpackage.json"),
            ("ui", "1", "deep"),
            ("ui", "1", "/etc/passwd"),
            ("ui", "1", ""),
            ("..", "1", "a.js"),
            ("ui", "../ui", "a.js"),
            ("ui", "1", "a.js\0"),
            ("none", "1", "a.js"),
        ] {
            assert_eq!(
                find(root, name, version, file),
                None,
                "{name} {version} {file}"
            );
        }
        #[cfg(unix)]
        {
            let secret = root.join("secret");
            std::fs::write(&secret, "x").unwrap();
            std::os::unix::fs::symlink(&secret, root.join("ui/dist/link.js")).unwrap();
            assert_eq!(find(root, "ui", "1", "link.js"), None);
        }
    }

    #[test]
    fn only_full_versions_never_change() {
        for exact in ["6.40.0", "1.2.3-beta.1"] {
            assert!(is_exact(exact), "{exact}");
        }
        for range in ["", "6", "6.40", "latest", "canary.x.y"] {
            assert!(!is_exact(range), "{range}");
        }
    }
}
