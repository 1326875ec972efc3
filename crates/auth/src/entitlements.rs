//! The claims that grant something, read leniently: templates may add claims of any name and shape, so one that cannot be
//! read grants nothing and refuses nothing.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::claims::{ActiveOrganization, Actor, CustomClaims, FactorAges, Feature, Plan, is_id};
use crate::permissions;

/// The lenient part, taken out of the claims; what is left is custom.
pub(crate) struct Entitlements {
    pub(crate) version: u8,
    pub(crate) organization: Option<ActiveOrganization>,
    pub(crate) factor_ages: Option<FactorAges>,
    pub(crate) plan: Option<Plan>,
    pub(crate) features: Arc<[Feature]>,
    pub(crate) actor: Option<Actor>,
    pub(crate) custom: CustomClaims,
}

impl Entitlements {
    pub(crate) fn take(mut claims: Map<String, Value>) -> Self {
        let version = if claims.get("v").and_then(Value::as_u64) == Some(2) {
            2
        } else {
            1
        };
        // Positions matter to the masks, so what cannot be read keeps its place until they are decoded.
        let positioned = claims
            .get("fea")
            .and_then(Value::as_str)
            .map(features)
            .unwrap_or_default();
        let organization = match version {
            2 => claims
                .get("o")
                .and_then(|o| organization_v2(o, &positioned)),
            _ => organization_v1(&claims),
        };
        let entitlements = Self {
            version,
            organization,
            factor_ages: claims.get("fva").and_then(factor_ages),
            plan: claims.get("pla").and_then(Value::as_str).and_then(plan),
            features: positioned.into_iter().flatten().collect(),
            actor: claims.get("act").and_then(actor),
            custom: CustomClaims::default(),
        };
        let organization_claims: &[&str] = match version {
            2 => &["o"],
            _ => &["org_id", "org_slug", "org_role", "org_permissions"],
        };
        for name in ["v", "fea", "fva", "pla", "act", "jti"]
            .iter()
            .chain(organization_claims)
        {
            claims.remove(*name);
        }
        Self {
            custom: claims.into(),
            ..entitlements
        }
    }
}

/// The elements of `fea` in their order, `None` for those that cannot be read.
pub(crate) fn features(list: &str) -> Vec<Option<Feature>> {
    let feature = |element: &str| {
        let (scope, name) = element.trim().split_once(':')?;
        let (for_user, for_organization) = match scope {
            "u" => (true, false),
            "o" => (false, true),
            "uo" | "ou" => (true, true),
            _ => return None,
        };
        (!name.is_empty()).then(|| Feature {
            for_user,
            for_organization,
            name: name.to_owned(),
        })
    };
    list.split(',').map(feature).collect()
}

fn plan(text: &str) -> Option<Plan> {
    let (scope, slug) = text.split_once(':')?;
    let of_organization = match scope {
        "o" => true,
        "u" => false,
        _ => return None,
    };
    (!slug.is_empty()).then(|| Plan {
        of_organization,
        slug: slug.to_owned(),
    })
}

fn organization_v2(o: &Value, features: &[Option<Feature>]) -> Option<ActiveOrganization> {
    let o = o.as_object()?;
    let permissions = match (owned(o, "per"), owned(o, "fpm")) {
        (Some(names), Some(masks)) => permissions::decode(features, &names, &masks).into(),
        _ => Arc::default(),
    };
    Some(ActiveOrganization {
        id: owned(o, "id").filter(|id| is_id(id, "org_"))?,
        slug: owned(o, "slg"),
        role: owned(o, "rol").and_then(|role| prefixed(&role)),
        permissions,
    })
}

fn organization_v1(claims: &Map<String, Value>) -> Option<ActiveOrganization> {
    let permissions = claims.get("org_permissions").and_then(Value::as_array);
    let permissions = permissions.into_iter().flatten().filter_map(Value::as_str);
    Some(ActiveOrganization {
        id: owned(claims, "org_id").filter(|id| is_id(id, "org_"))?,
        slug: owned(claims, "org_slug"),
        role: owned(claims, "org_role").and_then(|role| prefixed(&role)),
        permissions: permissions
            .filter(|name| name.starts_with("org:"))
            .filter_map(prefixed)
            .collect(),
    })
}

/// The name with exactly one `org:` before it.
fn prefixed(name: &str) -> Option<String> {
    let bare = name.trim_start_matches("org:");
    (!bare.is_empty()).then(|| format!("org:{bare}"))
}

fn factor_ages(fva: &Value) -> Option<FactorAges> {
    let age = |minutes: &Value| match minutes.as_i64()? {
        -1 => Some(None),
        minutes => u32::try_from(minutes).ok().map(Some),
    };
    match fva.as_array()?.as_slice() {
        [first, second] => Some(FactorAges {
            first: age(first)?,
            second: age(second)?,
        }),
        _ => None,
    }
}

fn actor(act: &Value) -> Option<Actor> {
    let act = act.as_object()?;
    Some(Actor {
        subject: owned(act, "sub"),
        issuer: owned(act, "iss"),
        session_id: owned(act, "sid"),
        kind: owned(act, "type"),
    })
}

fn owned(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn take(claims: Value) -> Entitlements {
        Entitlements::take(claims.as_object().unwrap().clone())
    }

    #[test]
    fn both_versions_say_the_same() {
        let two = take(
            json!({"v": 2, "fea": "o:dashboard,o:teams", "pla": "o:pro", "fva": [7, -1],
            "o": {"id": "org_1", "slg": "acme", "rol": "admin", "per": "manage,read", "fpm": "3,2"}}),
        );
        let one = take(
            json!({"org_id": "org_1", "org_slug": "acme", "org_role": "org:admin",
            "org_permissions": ["org:dashboard:manage", "org:dashboard:read", "org:teams:read"]}),
        );
        assert_eq!(two.organization, one.organization);
        assert_eq!(two.organization.unwrap().role.as_deref(), Some("org:admin"));
        assert_eq!((two.version, one.version), (2, 1));
        assert_eq!(
            two.plan,
            Some(Plan {
                of_organization: true,
                slug: "pro".to_owned()
            })
        );
        assert_eq!(
            two.factor_ages,
            Some(FactorAges {
                first: Some(7),
                second: None
            })
        );
        assert_eq!(two.features.len(), 2);
    }

    #[test]
    fn plans_and_features_say_whose_they_are() {
        let read = take(json!({"fea": "u:a,o:b,uo:c,ou:d,x:e", "pla": "u:free"}));
        let plan = Plan {
            of_organization: false,
            slug: "free".to_owned(),
        };
        assert_eq!(read.plan, Some(plan));
        let scopes = read.features.iter();
        let scopes: Vec<_> = scopes
            .map(|its| (its.name.as_str(), its.for_user, its.for_organization))
            .collect();
        assert_eq!(
            scopes,
            [
                ("a", true, false),
                ("b", false, true),
                ("c", true, true),
                ("d", true, true)
            ]
        );
    }

    #[test]
    fn roles_have_one_prefix() {
        for role in ["admin", "org:admin", "org:org:admin"] {
            assert_eq!(prefixed(role).as_deref(), Some("org:admin"));
        }
        assert_eq!(prefixed("org:"), None);
        assert_eq!(prefixed(""), None);
    }

    #[test]
    fn what_cannot_be_read_grants_nothing() {
        for odd in [
            json!(null),
            json!(7),
            json!("x"),
            json!([]),
            json!({}),
            json!([1, 2, 3]),
            json!({"id": 1}),
            json!({"id": "user_1"}),
        ] {
            for version in [json!(2), json!(1), json!("2"), json!(null)] {
                let read = take(
                    json!({"v": version, "o": odd, "fva": odd, "pla": odd, "fea": odd, "org_id": odd,
                    "org_permissions": odd, "org_role": odd}),
                );
                assert_eq!(
                    (read.organization, read.plan, read.factor_ages),
                    (None, None, None),
                    "{odd}"
                );
                assert!(read.features.is_empty(), "{odd}");
            }
        }
        for fva in [
            json!([1]),
            json!([-2, 0]),
            json!([1.5, 0]),
            json!(["1", 0]),
            json!([1, null]),
            json!([u64::MAX, 0]),
        ] {
            assert_eq!(take(json!({"fva": fva})).factor_ages, None, "{fva}");
        }
        for pla in ["pro", "x:pro", "o:", ":pro", ""] {
            assert_eq!(take(json!({"pla": pla})).plan, None, "{pla}");
        }
    }

    #[test]
    fn an_organization_without_readable_masks_has_no_permissions() {
        for o in [
            json!({"id": "org_1"}),
            json!({"id": "org_1", "per": "read"}),
            json!({"id": "org_1", "per": ["read"], "fpm": 1}),
        ] {
            let read = take(json!({"v": 2, "fea": "o:a", "o": o}));
            assert!(read.organization.unwrap().permissions.is_empty());
        }
        let mixed =
            json!({"org_id": "org_1", "org_permissions": ["org:a:b", 5, "a:b", "org:", null]});
        assert_eq!(*take(mixed).organization.unwrap().permissions, ["org:a:b"]);
    }

    #[test]
    fn the_organization_of_the_other_version_is_custom() {
        let two = take(json!({"v": 2, "org_id": "org_1", "org_role": "org:admin"}));
        assert_eq!(two.organization, None);
        assert_eq!(two.custom.get("org_role"), Some(json!("org:admin")));
        let one = take(json!({"o": {"id": "org_1", "rol": "admin"}}));
        assert_eq!(one.organization, None);
        assert!(one.custom.get("o").is_some());
    }

    #[test]
    fn an_actor_is_one_whatever_its_parts() {
        let agent = take(json!({"act": {"sub": "user_admin", "type": "agent"}}))
            .actor
            .unwrap();
        assert_eq!(
            (agent.subject.as_deref(), agent.kind.as_deref()),
            (Some("user_admin"), Some("agent"))
        );
        assert_eq!(
            take(json!({"act": {"sub": 5}})).actor.unwrap().subject,
            None
        );
        assert_eq!(take(json!({"act": "x"})).actor, None);
    }

    #[test]
    fn custom_claims_keep_their_values_and_hide_them_from_debug() {
        let read = take(json!({"email": "a@example.com", "name": 5, "v": 2, "jti": "x"}));
        assert_eq!(read.custom.get("name"), Some(json!(5)));
        assert_eq!(format!("{:?}", read.custom), r#"{"email", "name"}"#);
    }
}
