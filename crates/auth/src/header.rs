//! The JOSE header: what must hold before a key is looked for, and what is judged once the signature holds.

use serde_json::Value;

use crate::error::TokenError;
use crate::shown::Shown;
use crate::strict_json;

/// What signs Clerk's session tokens.
pub(crate) const RS256: &str = "RS256";
/// Clerk's category of session tokens.
const SESSION: &str = "cl_B7d4PD111AAA";
/// Clerk's "carries no information", which is as good as no category.
const NO_INFORMATION: &str = "cl_I7d4PD111III";

/// A header whose `alg` is the one asked for and that asks for nothing we do not do. `jku`, `jwk`, `x5u` and `x5c` are not even read:
/// a token does not choose its own key.
pub(crate) struct Header {
    kid: Option<String>,
    typ: Option<Value>,
    cat: Option<Value>,
}

impl Header {
    /// Reads the decoded header. `crit` is refused whatever it lists, since no extension is understood here (RFC 7515
    /// 4.1.11); so are `zip` and `enc`, which belong to encryption, and `b64` (RFC 7797), which changes what is signed.
    pub(crate) fn parse(bytes: &[u8], expected_alg: &str) -> Result<Self, TokenError> {
        let Some(mut header) = strict_json::object(bytes) else {
            return Err(TokenError::Malformed(
                "its header is not a JSON object with unique names",
            ));
        };
        match header.get("alg") {
            Some(Value::String(alg)) if alg == expected_alg => {}
            alg => {
                let alg = alg.and_then(Value::as_str).map(Shown::new);
                return Err(TokenError::AlgorithmNotAllowed { alg });
            }
        }
        for (name, problem) in [
            (
                "crit",
                "its header demands extensions (crit), and none is understood",
            ),
            ("zip", "its header asks for decompression (zip)"),
            ("enc", "its header is one of an encrypted token (enc)"),
            ("b64", "its header changes how the payload is encoded (b64)"),
        ] {
            if header.contains_key(name) {
                return Err(TokenError::Malformed(problem));
            }
        }
        let kid = match header.remove("kid") {
            None => None,
            Some(Value::String(kid)) if !kid.is_empty() => Some(kid),
            Some(_) => return Err(TokenError::Malformed("its kid is not a text")),
        };
        Ok(Self {
            kid,
            typ: header.remove("typ"),
            cat: header.remove("cat"),
        })
    }

    /// The name of the key, untrusted.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it claims one of Clerk's categories, whichever.
    pub(crate) fn has_category(&self) -> bool {
        self.cat.is_some()
    }

    /// Whether the issuer means a session token. `typ` is absent or exactly `JWT`, as Clerk writes it (RFC 7515 would
    /// let case differ; no session token of Clerk's does). `cat` is absent, the session's, or the one without information.
    pub(crate) fn require_session_token(&self) -> Result<(), TokenError> {
        match &self.typ {
            None => {}
            Some(Value::String(typ)) if typ == "JWT" => {}
            Some(Value::String(_)) => {
                return Err(TokenError::CategoryMismatch("its typ is not JWT"));
            }
            Some(_) => return Err(TokenError::Malformed("its typ is not a text")),
        }
        match &self.cat {
            None => Ok(()),
            Some(Value::String(cat)) if cat == SESSION || cat == NO_INFORMATION => Ok(()),
            Some(_) => Err(TokenError::CategoryMismatch(
                "its category (cat) is that of a template or machine token",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(header: &str) -> &'static str {
        let judged = Header::parse(header.as_bytes(), RS256)
            .and_then(|header| header.require_session_token());
        judged.map_or_else(|error| error.code(), |()| "accepted")
    }

    #[test]
    fn rs256_and_nothing_else() {
        assert_eq!(code(r#"{"alg":"RS256"}"#), "accepted");
        for alg in [
            "none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256",
            "RS256 ", "",
        ] {
            assert_eq!(
                code(&format!(r#"{{"alg":"{alg}"}}"#)),
                "algorithm_not_allowed",
                "{alg}"
            );
        }
        for header in [
            r#"{}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["RS256"]}"#,
            r#"{"ALG":"RS256"}"#,
        ] {
            assert_eq!(code(header), "algorithm_not_allowed", "{header}");
        }
    }

    #[test]
    fn crit_refuses_whatever_it_lists() {
        for crit in [
            r#"[]"#,
            r#"["exp"]"#,
            r#"["b64"]"#,
            r#"null"#,
            r#""exp""#,
            r#"["alg"]"#,
        ] {
            assert_eq!(
                code(&format!(r#"{{"alg":"RS256","crit":{crit}}}"#)),
                "token_malformed",
                "{crit}"
            );
        }
    }

    #[test]
    fn compression_encryption_and_unencoded_payloads_are_refused() {
        for extra in [
            r#""zip":"DEF""#,
            r#""enc":"A256GCM""#,
            r#""b64":false"#,
            r#""b64":true"#,
        ] {
            assert_eq!(
                code(&format!(r#"{{"alg":"RS256",{extra}}}"#)),
                "token_malformed",
                "{extra}"
            );
        }
    }

    #[test]
    fn keys_inside_the_token_and_unknown_parameters_are_ignored() {
        let header = r#"{"alg":"RS256","jku":"https://evil.example","jwk":{},"x5u":"x","x5c":[],"oiat":1,"new":{}}"#;
        assert_eq!(code(header), "accepted");
    }

    #[test]
    fn names_are_unique_and_kid_is_a_text() {
        assert_eq!(code(r#"{"alg":"RS256","alg":"RS256"}"#), "token_malformed");
        for kid in ["1", "null", "[]", "{}", r#""""#] {
            assert_eq!(
                code(&format!(r#"{{"alg":"RS256","kid":{kid}}}"#)),
                "token_malformed",
                "{kid}"
            );
        }
    }

    #[test]
    fn typ_is_jwt_or_absent() {
        assert_eq!(code(r#"{"alg":"RS256","typ":"JWT"}"#), "accepted");
        for typ in ["at+jwt", "application/at+jwt", "jwt", "JOSE", "", "JWT "] {
            assert_eq!(
                code(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)),
                "token_category_mismatch",
                "{typ}"
            );
        }
        assert_eq!(code(r#"{"alg":"RS256","typ":1}"#), "token_malformed");
    }

    #[test]
    fn cat_is_the_sessions_the_empty_one_or_absent() {
        for cat in [SESSION, NO_INFORMATION] {
            assert_eq!(
                code(&format!(r#"{{"alg":"RS256","cat":"{cat}"}}"#)),
                "accepted",
                "{cat}"
            );
        }
        for cat in [
            r#""cl_B7d4PD222AAA""#,
            r#""cl_B7d4PD333AAA""#,
            r#""""#,
            r#""x""#,
            "1",
            "null",
            "[]",
        ] {
            assert_eq!(
                code(&format!(r#"{{"alg":"RS256","cat":{cat}}}"#)),
                "token_category_mismatch",
                "{cat}"
            );
        }
    }
}
