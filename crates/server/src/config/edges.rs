//! Who may send how much, from where, and from which pages.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use api::{Rate, RateLimitSettings};
use ipnet::IpNet;
use url::Url;

use super::variables::Variables;

/// Some hundred requests under way keep every connection to the database and every processor busy.
const DEFAULT_REQUESTS: usize = 256;
const DEFAULT_METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Settings of the edges.
#[derive(Debug, Clone)]
pub struct EdgesConfig {
    /// How many requests one caller may send.
    pub rate_limits: RateLimitSettings,
    /// Proxies whose word counts as to where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// Requests under way at one time; more are told to come again.
    pub max_requests: usize,
    /// Where Prometheus asks; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// How long the service goes on when it was asked to stop, for balancers to notice.
    pub shutdown_delay: Duration,
}

pub(super) fn read(vars: &mut Variables<'_>) -> EdgesConfig {
    EdgesConfig {
        rate_limits: RateLimitSettings {
            per_user: rate(vars, "RATE_LIMIT_PER_USER", "50/second:100"),
            per_address: rate(vars, "RATE_LIMIT_PER_IP", "100/second:200"),
            webhooks: rate(vars, "RATE_LIMIT_WEBHOOK", "2000/second"),
        },
        trusted_proxies: trusted_proxies(vars),
        cors_origins: cors_origins(vars),
        max_requests: vars.number("MAX_CONCURRENT_REQUESTS", DEFAULT_REQUESTS, 1..=1_000_000),
        metrics: metrics(vars),
        shutdown_delay: Duration::from_secs(vars.number("SHUTDOWN_DELAY_SECONDS", 0, 0..=300)),
    }
}

/// Beside the service, for this machine alone; `off` for nobody.
fn metrics(vars: &mut Variables<'_>) -> Option<SocketAddr> {
    const NAME: &str = "METRICS_ADDR";
    let text = vars.text(NAME);
    match text.as_deref().map(|text| (text, text.parse())) {
        None => Some(DEFAULT_METRICS),
        Some(("off", _)) => None,
        Some((_, Ok(address))) => Some(address),
        Some((_, Err(_))) => {
            vars.fault(
                NAME,
                "is no address: write host:port, such as 127.0.0.1:9464, or off",
            );
            None
        }
    }
}

/// `N/second` or `N/minute`, with `:BURST` or without, or `off`.
fn rate(vars: &mut Variables<'_>, name: &'static str, default: &str) -> Option<Rate> {
    let text = vars.text(name).unwrap_or_else(|| default.to_owned());
    if text.eq_ignore_ascii_case("off") {
        return None;
    }
    let read = parsed(&text);
    if read.is_none() {
        vars.fault(
            name,
            "must be a pace such as 50/second, 600/minute or 50/second:100 (100 at once), or off",
        );
    }
    read
}

fn parsed(text: &str) -> Option<Rate> {
    let (pace, burst) = match text.split_once(':') {
        Some((pace, burst)) => (pace, Some(burst)),
        None => (text, None),
    };
    let (count, unit) = pace.split_once('/')?;
    let count: NonZeroU32 = count.trim().parse().ok()?;
    let period = match unit.trim() {
        "second" => SECOND,
        "minute" => MINUTE,
        _ => return None,
    };
    let burst = match burst {
        Some(burst) => burst.trim().parse().ok()?,
        None => count,
    };
    // A pace that no clock can tell from none.
    (count.get() <= 1_000_000).then_some(Rate {
        count,
        period,
        burst,
    })
}

/// Networks, or single addresses.
fn trusted_proxies(vars: &mut Variables<'_>) -> Vec<IpNet> {
    const NAME: &str = "TRUSTED_PROXIES";
    let mut networks = Vec::new();
    for text in vars.list(NAME) {
        let network = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(network),
            Err(_) => vars.fault(
                NAME,
                "wants addresses or networks, separated by commas: 10.0.0.0/8, 192.0.2.1",
            ),
        }
    }
    networks
}

/// Origins as browsers write them. Anything else would match no page, or too many.
fn cors_origins(vars: &mut Variables<'_>) -> Vec<String> {
    const NAME: &str = "CORS_ORIGINS";
    let origins = vars.list(NAME);
    let is_origin = |text: &String| {
        Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && !text.contains('*')
                && url.origin().ascii_serialization() == *text
        })
    };
    if !origins.iter().all(is_origin) {
        vars.fault(
            NAME,
            "wants origins as browsers send them, separated by commas: https://app.example.com, without a path, \
             a final slash, or a star",
        );
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::super::tests::{faulty, good, read, with};
    use super::*;

    fn rate_of(count: u32, period: Duration, burst: u32) -> Option<Rate> {
        Some(Rate {
            count: NonZeroU32::new(count).unwrap(),
            period,
            burst: NonZeroU32::new(burst).unwrap(),
        })
    }

    #[test]
    fn there_are_limits_unless_they_are_taken_away() {
        let edges = read(&good()).unwrap().edges;
        let limits = edges.rate_limits;
        assert_eq!(limits.per_user, rate_of(50, SECOND, 100));
        assert_eq!(limits.per_address, rate_of(100, SECOND, 200));
        assert_eq!(limits.webhooks, rate_of(2000, SECOND, 2000));
        assert!(edges.trusted_proxies.is_empty() && edges.cors_origins.is_empty());
        assert_eq!(
            (edges.max_requests, edges.metrics),
            (DEFAULT_REQUESTS, Some(DEFAULT_METRICS))
        );
        let settings = with(&[
            ("RATE_LIMIT_PER_USER", "off"),
            ("RATE_LIMIT_PER_IP", "600/minute"),
            ("RATE_LIMIT_WEBHOOK", "10/second : 20"),
            ("MAX_CONCURRENT_REQUESTS", "64"),
            ("METRICS_ADDR", "off"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,::1"),
            (
                "CORS_ORIGINS",
                "https://app.example.com,http://localhost:3000",
            ),
        ]);
        let edges = read(&settings).unwrap().edges;
        let limits = edges.rate_limits;
        assert_eq!(limits.per_user, None);
        assert_eq!(limits.per_address, rate_of(600, MINUTE, 600));
        assert_eq!(limits.webhooks, rate_of(10, SECOND, 20));
        assert_eq!((edges.max_requests, edges.metrics), (64, None));
        let networks: Vec<String> = edges.trusted_proxies.iter().map(IpNet::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "192.0.2.1/32", "::1/128"]);
        assert_eq!(
            edges.cors_origins,
            ["https://app.example.com", "http://localhost:3000"]
        );
    }

    #[test]
    fn what_would_be_no_limit_or_no_list_is_a_fault() {
        for (variable, value) in [
            ("RATE_LIMIT_PER_USER", "50"),
            ("RATE_LIMIT_PER_USER", "0/second"),
            ("RATE_LIMIT_PER_IP", "5/hour"),
            ("RATE_LIMIT_PER_IP", "5/second:0"),
            ("RATE_LIMIT_WEBHOOK", "many/second"),
            ("RATE_LIMIT_WEBHOOK", "4294967295/second"),
            ("TRUSTED_PROXIES", "10.0.0.0/8;192.0.2.1"),
            ("TRUSTED_PROXIES", "proxy.internal"),
            ("MAX_CONCURRENT_REQUESTS", "0"),
            ("METRICS_ADDR", "9464"),
            ("METRICS_ADDR", "localhost"),
            ("CORS_ORIGINS", "*"),
            ("CORS_ORIGINS", "null"),
            ("CORS_ORIGINS", "https://app.example.com/"),
            ("CORS_ORIGINS", "https://*.example.com"),
            ("CORS_ORIGINS", "app.example.com"),
        ] {
            assert_eq!(faulty(&with(&[(variable, value)])), [variable], "{value}");
        }
    }
}
