//! URLs of the Backend API. Ids come from outside, so none of them is ever pasted into a text.

use domain::{DirectoryError, Listing};
use url::Url;

/// The path of a listing.
pub(crate) fn collection(listing: Listing) -> &'static str {
    match listing {
        Listing::Users => "users",
        Listing::Organizations => "organizations",
        Listing::Memberships => "organization_memberships",
    }
}

/// The URL of a path, each part of it escaped.
pub(crate) fn url(base: &Url, parts: &[&str]) -> Result<Url, DirectoryError> {
    let mut url = base.clone();
    // A part of dots alone would name the folder above it, however it is escaped.
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(DirectoryError::Refused(
            "an id of dots, which no path can name".to_owned(),
        ));
    }
    match url.path_segments_mut() {
        Ok(mut path) => {
            path.pop_if_empty().push("v1").extend(parts);
        }
        Err(()) => {
            return Err(DirectoryError::Refused(
                "a base URL that takes no path".to_owned(),
            ));
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> String {
        let base = Url::parse("https://api.clerk.com/proxy/").unwrap();
        let url = url(&base, parts).unwrap();
        assert_eq!(url.host_str(), Some("api.clerk.com"));
        assert_eq!((url.query(), url.fragment()), (None, None));
        url.path().to_owned()
    }

    #[test]
    fn an_id_is_one_part_of_the_path_whatever_it_holds() {
        assert_eq!(path(&["users", "user_1"]), "/proxy/v1/users/user_1");
        for (id, escaped) in [
            ("a/b", "a%2Fb"),
            ("../users", "..%2Fusers"),
            ("a?b=c", "a%3Fb=c"),
            ("a#b", "a%23b"),
            ("a\\b", "a%5Cb"),
            ("a%2fb", "a%252fb"),
            ("%2e%2e", "%252e%252e"),
            ("a;b@c:d", "a;b@c:d"),
        ] {
            assert_eq!(path(&["users", id]), format!("/proxy/v1/users/{escaped}"));
        }
    }

    #[test]
    fn an_id_of_dots_is_refused() {
        let base = Url::parse("https://api.clerk.com").unwrap();
        for id in [".", "..", ""] {
            assert!(url(&base, &["users", id]).is_err(), "{id}");
        }
    }
}
