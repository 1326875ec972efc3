//! Permissions of version 2 tokens: names, features, and one decimal bit mask a feature.

use crate::claims::Feature;

/// The longest mask that is read, in digits (about 1,060 bits). Longer ones grant nothing.
const MAX_MASK_DIGITS: usize = 320;
/// The most permissions of one token. A mask and a name cost a few bytes, their product does not.
const MAX_PERMISSIONS: usize = 4096;

/// `org:<feature>:<permission>` for every bit that is set, in the order of the features.
///
/// `features` is the whole `fea` list with `None` for what could not be read, since masks are counted by position.
/// Clerk's sources differ on whether `fpm` counts all features or only those of the organization. So: exactly as many masks
/// as organization features count those; any other number counts all, and a missing mask grants nothing. Malformed masks,
/// and bits without a name, grant nothing either.
pub(crate) fn decode(features: &[Option<Feature>], names: &str, masks: &str) -> Vec<String> {
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let masks: Vec<&str> = masks.split(',').map(str::trim).collect();
    let of_organization: Vec<&Feature> = features
        .iter()
        .flatten()
        .filter(|feature| feature.for_organization)
        .collect();

    let pairs: Vec<(&Feature, &str)> = if masks.len() == of_organization.len() {
        of_organization.into_iter().zip(masks).collect()
    } else {
        let all = features.iter().zip(masks);
        all.filter_map(|(feature, mask)| {
            Some((feature.as_ref().filter(|f| f.for_organization)?, mask))
        })
        .collect()
    };

    let granted = pairs.into_iter().flat_map(|(feature, mask)| {
        let bits = bits(mask).unwrap_or_default();
        let set = names.iter().enumerate().filter(move |(k, name)| {
            let byte = bits.get(k / 8).copied().unwrap_or_default();
            byte >> (k % 8) & 1 == 1 && !name.is_empty()
        });
        set.map(move |(_, name)| format!("org:{}:{name}", feature.name))
    });
    granted.take(MAX_PERMISSIONS).collect()
}

/// The bits of a decimal number, least significant byte first; `None` unless it is digits only.
fn bits(mask: &str) -> Option<Vec<u8>> {
    if mask.is_empty() || mask.len() > MAX_MASK_DIGITS {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for digit in mask.bytes() {
        let mut carry = u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        for byte in &mut bytes {
            let [low, high] = (u16::from(*byte) * 10 + carry).to_le_bytes();
            *byte = low;
            carry = u16::from(high);
        }
        if let Ok(top @ 1..) = u8::try_from(carry) {
            bytes.push(top);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entitlements::features;

    fn decoded(fea: &str, per: &str, fpm: &str) -> String {
        let permissions = decode(&features(fea), per, fpm);
        permissions
            .iter()
            .map(|name| name.strip_prefix("org:").unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn clerks_vectors() {
        let crud = "read,create,update,delete,revoke";
        for (fea, per, fpm, expected) in [
            (
                "o:impersonation",
                "read,manage",
                "3",
                "impersonation:read impersonation:manage",
            ),
            (
                "o:impersonation,o:memberships",
                "read,manage",
                "1,3",
                "impersonation:read memberships:read memberships:manage",
            ),
            (
                "o:impersonation,o:memberships,o:feature3",
                "read,manage",
                "1,3,0",
                "impersonation:read memberships:read memberships:manage",
            ),
            (
                "uo:impersonation,o:memberships,uo:feature3",
                "read,manage",
                "1,3,1",
                "impersonation:read memberships:read memberships:manage feature3:read",
            ),
            (
                "ou:memberships,u:impersonation",
                "read,manage",
                "3,0",
                "memberships:read memberships:manage",
            ),
            (
                "o:billing,o:email,o:fraud,o:instance,o:staging_plans",
                "manage,read",
                "3,3,3,3,1",
                "billing:manage billing:read email:manage email:read fraud:manage fraud:read instance:manage instance:read staging_plans:manage",
            ),
            (
                "o:repositories,o:projects",
                crud,
                "7,21",
                "repositories:read repositories:create repositories:update projects:read projects:update projects:revoke",
            ),
            (
                "o:repositories,uo:projects,u:goldprofileborder",
                crud,
                "7,21,0",
                "repositories:read repositories:create repositories:update projects:read projects:update projects:revoke",
            ),
            (
                "o:repositories,o:impersonation,o:billing",
                "manage,read,update",
                "6,0,3",
                "repositories:read repositories:update billing:manage billing:read",
            ),
            (
                "o:dashboard,o:teams",
                "manage,read",
                "3,2",
                "dashboard:manage dashboard:read teams:read",
            ),
        ] {
            assert_eq!(decoded(fea, per, fpm), expected, "{fea} | {per} | {fpm}");
        }
    }

    #[test]
    fn masks_go_beyond_64_bits() {
        let names: Vec<String> = (0..=100).map(|k| format!("permission_{k}")).collect();
        let per = names.join(",");
        for (mask, expected) in [
            ("9007199254740993", "f:permission_0 f:permission_53"),
            (
                "9007199254740995",
                "f:permission_0 f:permission_1 f:permission_53",
            ),
            // 2^100 and 2^100 + 1
            ("1267650600228229401496703205376", "f:permission_100"),
            (
                "1267650600228229401496703205377",
                "f:permission_0 f:permission_100",
            ),
        ] {
            assert_eq!(decoded("o:f", &per, mask), expected, "{mask}");
        }
        assert_eq!(
            decoded("o:f", &names[..54].join(","), "18014398509481984"),
            "",
            "a bit without a name"
        );
    }

    #[test]
    fn malformed_masks_grant_nothing() {
        let longest = format!("{}1", "0".repeat(MAX_MASK_DIGITS - 1));
        assert_eq!(decoded("o:f", "read", &longest), "f:read");
        let long = "9".repeat(MAX_MASK_DIGITS + 1);
        for mask in [
            "1invalid",
            "-1",
            "1.5",
            "",
            " ",
            "0x3",
            "+1",
            "١",
            long.as_str(),
        ] {
            assert_eq!(decoded("o:f", "read", mask), "", "{mask}");
        }
        assert_eq!(
            decoded("o:f,o:g", "read", "x,1"),
            "g:read",
            "and spoil no other"
        );
    }

    #[test]
    fn masks_are_counted_by_the_whole_list() {
        assert_eq!(
            decoded("u:first,o:second", "read,manage", "1,2"),
            "second:manage"
        );
        assert_eq!(
            decoded("o:a,u:b,o:c", "read", "1,1,0"),
            "a:read",
            "a user's feature grants nothing"
        );
        assert_eq!(
            decoded("o:a,o:b", "read", "1"),
            "a:read",
            "a missing mask grants nothing"
        );
        assert_eq!(
            decoded("broken,o:b", "read", "1,0"),
            "",
            "an unreadable feature keeps its place"
        );
    }

    #[test]
    fn as_many_masks_as_organization_features_count_those() {
        assert_eq!(
            decoded("u:first,o:second", "read,manage", "2"),
            "second:manage"
        );
        assert_eq!(decoded("o:a,u:b,o:c", "read", "1,1"), "a:read c:read");
    }

    #[test]
    fn the_product_is_bounded() {
        let fea = (0..500)
            .map(|k| format!("o:f{k}"))
            .collect::<Vec<_>>()
            .join(",");
        let per = vec!["p"; 500].join(",");
        let fpm = vec!["9".repeat(150); 500].join(",");
        assert_eq!(decode(&features(&fea), &per, &fpm).len(), MAX_PERMISSIONS);
    }
}
