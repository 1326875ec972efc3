//! The bridge for tokens of a previous login.

use auth::AuthConfig;
use auth::legacy::{LegacyConfig, LegacyFault};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::variables::Variables;

const SECRET: &str = "LEGACY_JWT_SECRET";
const ISSUER: &str = "LEGACY_JWT_ISSUER";
const SUNSET: &str = "LEGACY_JWT_SUNSET";

/// Which tokens of a previous login are let in, and until when.
#[derive(Debug, Clone)]
pub struct BridgeConfig {
    /// How they are verified.
    pub tokens: LegacyConfig,
    /// From then on none is let in.
    pub sunset: DateTime<Utc>,
}

/// All three variables, or none: a bridge without an end would stay.
pub(super) fn read(vars: &mut Variables<'_>, auth: &AuthConfig) -> Option<BridgeConfig> {
    let secret = vars.secret_text(SECRET);
    let (issuer, sunset) = (vars.text(ISSUER), vars.text(SUNSET));
    if secret.is_none() && issuer.is_none() && sunset.is_none() {
        return None;
    }
    let missing = "is needed where another LEGACY_JWT_ variable is set";
    for (variable, is_set) in [
        (SECRET, secret.is_some()),
        (ISSUER, issuer.is_some()),
        (SUNSET, sunset.is_some()),
    ] {
        if !is_set {
            vars.fault(variable, missing);
        }
    }
    let sunset = sunset.and_then(|text| {
        let sunset = instant(&text);
        if sunset.is_none() {
            vars.fault(
                SUNSET,
                "is no date: write 2027-03-31 or 2027-03-31T12:00:00Z",
            );
        }
        sunset
    });
    let tokens = LegacyConfig {
        secret: secret?.into(),
        issuer: issuer?,
        leeway: auth.leeway,
    };
    for fault in tokens.faults(&auth.issuer) {
        let variable = match fault {
            LegacyFault::ShortSecret | LegacyFault::PemSecret => SECRET,
            LegacyFault::EmptyIssuer | LegacyFault::SessionIssuer => ISSUER,
            LegacyFault::Leeway => "CLERK_LEEWAY_SECONDS",
        };
        vars.fault(variable, fault.to_string());
    }
    Some(BridgeConfig {
        tokens,
        sunset: sunset?,
    })
}

/// A day, which means its beginning (UTC), or an instant.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day.and_time(NaiveTime::MIN).and_utc());
    }
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(instant.to_utc())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::super::tests::{faulty, good, read, with};
    use super::*;

    const LONG: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn it_is_off_unless_all_is_said() {
        assert!(read(&good()).unwrap().legacy.is_none());
        let whole = [
            (SECRET, LONG),
            (ISSUER, "old-login"),
            (SUNSET, "2027-03-31"),
        ];
        let bridge = read(&with(&whole)).unwrap().legacy.unwrap();
        assert_eq!(bridge.tokens.secret.expose_secret(), LONG);
        assert_eq!(bridge.sunset.to_rfc3339(), "2027-03-31T00:00:00+00:00");
        for (missing, _) in whole {
            let rest: Vec<_> = whole
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            assert_eq!(faulty(&with(&rest)), [missing]);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let usual = with(&[]);
        let clerk = read(&usual).unwrap().auth.issuer;
        for (variable, wrong) in [
            (SECRET, "0123456789abcdef0123456789abcde"),
            (ISSUER, clerk.as_str()),
            (SUNSET, "soon"),
            (SUNSET, "2027-02-30"),
        ] {
            let mut all = vec![
                (SECRET, LONG),
                (ISSUER, "old-login"),
                (SUNSET, "2027-03-31T12:00:00+02:00"),
            ];
            all.retain(|(name, _)| *name != variable);
            all.push((variable, wrong));
            assert_eq!(faulty(&with(&all)), [variable], "{wrong}");
        }
    }
}
