//! Where somebody goes after he has signed in: a path of this site and nothing else.

use url::Url;

/// The longest target that is kept, in bytes.
const LONGEST: usize = 2048;

/// Another site's origin stands behind whatever a target might name; nothing is ever asked of it.
const ANY: &str = "http://site.invalid";

/// The target as a path with its query, when it is one that browsers too take for a path of this site.
///
/// Browsers read `//evil.example`, `/\evil.example` and `/⇥/evil.example` as other sites; none of that is let through.
pub(crate) fn local(target: &str) -> Option<&str> {
    let is_plain = target.len() <= LONGEST
        && target.bytes().all(|byte| {
            (0x21..0x7f).contains(&byte) && !matches!(byte, b'\\' | b'"' | b'<' | b'>')
        });
    let is_path = target.starts_with('/') && !target.starts_with("//");
    if !is_plain || !is_path {
        return None;
    }
    // What a browser would make of it.
    let base = Url::parse(ANY).ok()?;
    let joined = base.join(target).ok()?;
    let stays = joined.origin() == base.origin() && joined.username().is_empty();
    let path = joined.path();
    let turns_back = path == "/sign-in" || path == "/sign-up" || path == "/sign-out";
    (stays && !path.starts_with("//") && !turns_back).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_this_site_are_kept() {
        for target in [
            "/",
            "/settings",
            "/admin/users?q=a%20b&role=admin",
            "/admin/users/user_1#history",
            "/a//b",
            "/@evil.example",
            "/?next=https://evil.example",
        ] {
            assert_eq!(local(target), Some(target));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let long = format!("/{}", "a".repeat(LONGEST));
        for target in [
            "",
            "settings",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/ /evil.example",
            "https:evil.example",
            "https://evil.example",
            "http:/evil.example",
            "HTTPS://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "user@evil.example",
            "https://localhost:3000@evil.example",
            "/../..//evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/%5cevil.example\\",
            "/é",
            "/\u{0}",
            "/\"onclick=x",
            "/<script>",
            "/sign-in",
            "/sign-in?redirect_url=/",
            "/x/../sign-up",
            "/sign-out",
            &long,
        ] {
            assert_eq!(local(target), None, "{target:?}");
        }
    }
}
