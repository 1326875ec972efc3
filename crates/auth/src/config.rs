//! What a verifier has to be told, and which of it is refused before the first request.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::publishable_key::PublishableKey;

/// The largest accepted leeway.
pub(crate) const MAX_LEEWAY: Duration = Duration::from_secs(10);

/// How one Clerk instance's session tokens are verified. Pending sessions (`sts` is `pending`) are always refused.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The only accepted `iss`, compared byte for byte: `https://<frontend api host>`, or the proxy's URL, without a
    /// trailing slash.
    pub issuer: String,
    /// Where the key set is fetched. Without it, `jwt_key` has to be there.
    pub jwks: Option<JwksSource>,
    /// An RSA public key: full PEM, PEM on one line, or bare base64. Alone, it is used for every token, with no network
    /// and no look at `kid`. Beside a JWKS it is used only for as long as the JWKS has never been fetched.
    pub jwt_key: Option<String>,
    /// The origins that a token may have been issued to (`azp`), compared byte for byte.
    pub authorized_parties: Vec<String>,
    /// What is done about `azp`.
    pub azp_policy: AzpPolicy,
    /// When set, `aud` has to be or contain this text; when not, `aud` is not looked at.
    pub audience: Option<String>,
    /// How far the clocks may differ, for `exp`, `nbf` and `iat`: at most 10 seconds.
    pub leeway: Duration,
    /// Gives the suffix of the session cookie's name; without it only the plain name is read.
    pub publishable_key: Option<PublishableKey>,
    /// How keys are kept.
    pub key_cache: KeyCacheSettings,
    /// How many verified tokens are remembered, so that they are not verified again: at most 10 million, about a kilobyte
    /// each; 0 switches it off.
    pub token_cache_capacity: usize,
    /// Whether keys named `ins_emulator` count: in development only.
    pub accept_emulator_keys: bool,
}

/// Where a key set is fetched from.
#[derive(Debug, Clone)]
pub struct JwksSource {
    /// https, or http on a loopback host; without credentials in it.
    pub url: String,
    /// Sent as `Authorization: Bearer` (the Backend API's key set wants the secret key; the Frontend API's wants none).
    pub bearer: Option<SecretString>,
}

/// What is done about the authorized party, `azp`: the origin that asked Clerk for the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AzpPolicy {
    /// Not looked at.
    Off,
    /// Counted per party and let through ([`crate::Verifier::party_mismatches`]).
    Observe,
    /// Has to be listed when it is there. For native apps, which send no origin.
    IfPresent,
    /// Has to be there and listed.
    #[default]
    Enforce,
}

/// How long fetched keys count, and how often they may be fetched.
#[derive(Debug, Clone)]
pub struct KeyCacheSettings {
    /// How long a fetched set counts as fresh. A key that Clerk withdrew is accepted for at most this long while Clerk
    /// can be reached.
    pub ttl: Duration,
    /// The least time between two fetches that are due to an unknown `kid`; also the cap of the pause after failures.
    pub refresh_floor: Duration,
    /// How long a fetched set counts at all while no newer one can be had.
    pub stale_limit: Duration,
    /// How long one fetch may take, from connecting to the last byte.
    pub fetch_timeout: Duration,
    /// How long a request whose key is already known waits for a due refresh before it goes on with what is there.
    pub patience: Duration,
    /// The largest accepted body of a key set, in bytes.
    pub body_limit: usize,
}

impl Default for KeyCacheSettings {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(5 * 60),
            refresh_floor: Duration::from_secs(15),
            stale_limit: Duration::from_secs(24 * 60 * 60),
            fetch_timeout: Duration::from_secs(5),
            patience: Duration::from_millis(500),
            body_limit: 1024 * 1024,
        }
    }
}

impl AuthConfig {
    /// The strict defaults for an issuer: no keys yet, `azp` enforced, 5 seconds of leeway.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            jwks: None,
            jwt_key: None,
            authorized_parties: Vec::new(),
            azp_policy: AzpPolicy::default(),
            audience: None,
            leeway: Duration::from_secs(5),
            publishable_key: None,
            key_cache: KeyCacheSettings::default(),
            token_cache_capacity: 100_000,
            accept_emulator_keys: false,
        }
    }

    /// Everything that a publishable key gives: issuer, the Frontend API's public key set, cookie suffix.
    pub fn for_instance(key: PublishableKey) -> Self {
        let jwks = JwksSource {
            url: key.jwks_url(),
            bearer: None,
        };
        Self {
            jwks: Some(jwks),
            publishable_key: Some(key.clone()),
            ..Self::new(key.issuer())
        }
    }

    /// Every fault at once; the values that may be secret are not in them. Whether `jwt_key` is a key is found out when
    /// the verifier is built.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if !is_issuer(&self.issuer) {
            faults.push(ConfigFault::Issuer);
        }
        match &self.jwks {
            Some(source) => faults.extend(fetchable(&source.url).err()),
            None if self.jwt_key.is_none() => faults.push(ConfigFault::NoKeySource),
            None => {}
        }
        if self.azp_policy != AzpPolicy::Off && self.authorized_parties.is_empty() {
            faults.push(ConfigFault::NoAuthorizedParties);
        }
        if self
            .authorized_parties
            .iter()
            .any(|party| party.trim().is_empty())
        {
            faults.push(ConfigFault::EmptyAuthorizedParty);
        }
        if self
            .audience
            .as_ref()
            .is_some_and(|audience| audience.trim().is_empty())
        {
            faults.push(ConfigFault::EmptyAudience);
        }
        if self.leeway > MAX_LEEWAY {
            faults.push(ConfigFault::Leeway);
        }
        let KeyCacheSettings {
            ttl,
            refresh_floor,
            stale_limit,
            fetch_timeout,
            ..
        } = &self.key_cache;
        if [ttl, refresh_floor, fetch_timeout].contains(&&Duration::ZERO) || stale_limit < ttl {
            faults.push(ConfigFault::KeyCache);
        }
        faults
    }
}

/// One thing that is wrong with an [`AuthConfig`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// See [`AuthConfig::issuer`].
    #[error(
        "the issuer has to be a plain https URL without a trailing slash (http only on loopback)"
    )]
    Issuer,
    /// Neither JWKS nor PEM.
    #[error("there is neither a JWKS URL nor a PEM key to verify with")]
    NoKeySource,
    /// See [`JwksSource::url`].
    #[error(
        "the JWKS URL has to be https (http only on loopback), without user name, password or fragment"
    )]
    JwksUrl,
    /// See [`JwksSource::bearer`].
    #[error("the bearer secret of the JWKS request holds characters that no header may carry")]
    JwksBearer,
    /// The HTTP client could not be built.
    #[error("the HTTP client for the JWKS could not be set up")]
    HttpClient,
    /// See [`AuthConfig::jwt_key`].
    #[error("the PEM key cannot be used: {0}")]
    JwtKey(&'static str),
    /// A policy that looks at `azp` needs something to compare with.
    #[error("no authorized parties are given, and the azp policy is not off")]
    NoAuthorizedParties,
    /// Would match tokens of nobody, and is usually a stray comma.
    #[error("one of the authorized parties is empty")]
    EmptyAuthorizedParty,
    /// Set but empty.
    #[error("the audience is set but empty")]
    EmptyAudience,
    /// See [`AuthConfig::leeway`].
    #[error("the leeway is longer than 10 seconds")]
    Leeway,
    /// See [`AuthConfig::token_cache_capacity`].
    #[error(
        "more than 10 million verified tokens are to be remembered, or more than memory allows"
    )]
    TokenCache,
    /// Would fetch at every request, or never have keys.
    #[error(
        "the key cache needs spans above zero, and a stale limit no shorter than the time to live"
    )]
    KeyCache,
}

/// All that is wrong with an [`AuthConfig`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub faults: Vec<ConfigFault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

fn is_issuer(issuer: &str) -> bool {
    // Compared with its own canonical form, so that a spelling that no token will ever carry is found at the start. A path
    // is there when the Frontend API is proxied.
    let canonical = |url: &Url| url.as_str() == issuer || url.as_str() == format!("{issuer}/");
    let bare = |url: &Url| url.query().is_none() && is_bare(url);
    !issuer.ends_with('/')
        && Url::parse(issuer).is_ok_and(|url| is_protected(&url) && bare(&url) && canonical(&url))
}

/// The URL that a key set may be fetched from.
pub(crate) fn fetchable(url: &str) -> Result<Url, ConfigFault> {
    let url = Url::parse(url).map_err(|_| ConfigFault::JwksUrl)?;
    if is_bare(&url) && is_protected(&url) {
        Ok(url)
    } else {
        Err(ConfigFault::JwksUrl)
    }
}

fn is_bare(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

fn is_protected(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether a URL stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> AuthConfig {
        AuthConfig {
            jwt_key: Some(String::new()),
            authorized_parties: vec!["https://app.example.com".to_owned()],
            ..AuthConfig::new("https://clerk.example.com")
        }
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let config = AuthConfig {
            issuer: "clerk.example.com".to_owned(),
            jwt_key: None,
            authorized_parties: Vec::new(),
            audience: Some(" ".to_owned()),
            leeway: Duration::from_secs(11),
            ..good()
        };
        use ConfigFault::{EmptyAudience, Issuer, Leeway, NoAuthorizedParties, NoKeySource};
        assert_eq!(
            config.faults(),
            [
                Issuer,
                NoKeySource,
                NoAuthorizedParties,
                EmptyAudience,
                Leeway
            ]
        );
    }

    #[test]
    fn only_the_policy_off_goes_without_parties() {
        let with = |azp_policy| {
            AuthConfig {
                azp_policy,
                authorized_parties: Vec::new(),
                ..good()
            }
            .faults()
        };
        assert_eq!(with(AzpPolicy::Off), []);
        for policy in [AzpPolicy::Observe, AzpPolicy::IfPresent, AzpPolicy::Enforce] {
            assert_eq!(with(policy), [ConfigFault::NoAuthorizedParties]);
        }
    }

    #[test]
    fn key_sets_come_over_https_or_from_this_machine() {
        for url in [
            "https://clerk.example.com/.well-known/jwks.json",
            "http://127.0.0.1:4100/v1/jwks",
        ] {
            assert!(fetchable(url).is_ok(), "{url}");
        }
        assert!(
            fetchable("http://[::1]:4100/v1/jwks").is_ok()
                && fetchable("http://localhost/v1/jwks").is_ok()
        );
        for url in [
            "http://clerk.example.com/jwks",
            "http://localhost.evil.example/jwks",
            "http://127.0.0.1.evil.example/jwks",
            "https://user:secret@clerk.example.com/jwks",
            "file:///etc/passwd",
            "clerk.example.com",
            "",
        ] {
            assert_eq!(fetchable(url), Err(ConfigFault::JwksUrl), "{url}");
        }
    }

    #[test]
    fn an_issuer_is_spelled_as_tokens_spell_it() {
        for issuer in [
            "https://clerk.example.com",
            "http://127.0.0.1:4100",
            "https://clerk.example.com:8443",
            "https://app.example.com/__clerk",
        ] {
            assert!(is_issuer(issuer), "{issuer}");
        }
        for issuer in [
            "https://clerk.example.com/",
            "http://clerk.example.com",
            "clerk",
            "https://A.example",
            " https://a.example",
            "https://a.example/x/",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a.example:443",
        ] {
            assert!(!is_issuer(issuer), "{issuer}");
        }
    }
}
