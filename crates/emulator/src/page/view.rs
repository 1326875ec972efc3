//! Which part of the page is asked for.

use crate::backend::Query;
use crate::client_settings::Client;

/// How many rows a table has.
pub(super) const ROWS: usize = 20;

/// No list is turned further than this.
const LAST_PAGE: usize = 1_000_000;

/// A part of the page, by what its query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum View {
    Overview,
    Users { search: String, page: usize },
    User(String),
    Organizations { search: String, page: usize },
    Organization(String),
    Sessions { page: usize },
    Deliveries { filter: String, page: usize },
    Delivery(String),
    Chaos,
    Settings(Client),
}

impl View {
    pub(super) fn of(query: &Query) -> Self {
        let named = |name: &str| query.one(name).map(str::to_owned);
        let page = named("page").and_then(|text| text.parse().ok());
        let page = page.unwrap_or(1).clamp(1, LAST_PAGE);
        let search = named("q").unwrap_or_default();
        if let Some(id) = named("user") {
            return Self::User(id);
        }
        if let Some(id) = named("organization") {
            return Self::Organization(id);
        }
        if let Some(id) = named("delivery") {
            return Self::Delivery(id);
        }
        match named("view").as_deref() {
            Some("users") => Self::Users { search, page },
            Some("organizations") => Self::Organizations { search, page },
            Some("sessions") => Self::Sessions { page },
            Some("deliveries") => Self::Deliveries {
                filter: search,
                page,
            },
            Some("chaos") => Self::Chaos,
            Some("settings") => {
                let client = named("client").and_then(|name| name.parse().ok());
                Self::Settings(client.unwrap_or(Client::ClerkSync))
            }
            _ => Self::Overview,
        }
    }

    /// From the address of a page of ours, which a form brings along.
    pub(super) fn at(address: &str) -> Self {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        Self::of(&Query::parsed(query.split('#').next().unwrap_or_default()))
    }

    /// Where it is.
    pub(super) fn address(&self) -> String {
        let listed = |view: &str, search: &str, page: usize| {
            let mut address = format!("/?view={view}");
            if !search.is_empty() {
                address.push_str(&format!("&q={}", encoded(search)));
            }
            if page > 1 {
                address.push_str(&format!("&page={page}"));
            }
            address
        };
        match self {
            Self::Overview => "/".to_owned(),
            Self::Users { search, page } => listed("users", search, *page),
            Self::User(id) => format!("/?user={}", encoded(id)),
            Self::Organizations { search, page } => listed("organizations", search, *page),
            Self::Organization(id) => format!("/?organization={}", encoded(id)),
            Self::Sessions { page } => listed("sessions", "", *page),
            Self::Deliveries { filter, page } => listed("deliveries", filter, *page),
            Self::Delivery(id) => format!("/?delivery={}", encoded(id)),
            Self::Chaos => "/?view=chaos".to_owned(),
            Self::Settings(client) => format!("/?view=settings&client={}", client.name()),
        }
    }

    /// The same list at another page.
    pub(super) fn turned_to(&self, page: usize) -> Self {
        let mut turned = self.clone();
        match &mut turned {
            Self::Users { page: at, .. }
            | Self::Organizations { page: at, .. }
            | Self::Sessions { page: at }
            | Self::Deliveries { page: at, .. } => *at = page,
            _ => {}
        }
        turned
    }

    /// The entry of the menu that it belongs to.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Overview => Place::Overview,
            Self::Users { .. } | Self::User(_) => Place::Users,
            Self::Organizations { .. } | Self::Organization(_) => Place::Organizations,
            Self::Sessions { .. } => Place::Sessions,
            Self::Deliveries { .. } | Self::Delivery(_) => Place::Deliveries,
            Self::Chaos => Place::Chaos,
            Self::Settings(_) => Place::Settings,
        }
    }
}

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Users,
    Organizations,
    Sessions,
    Deliveries,
    Chaos,
    Settings,
}

impl Place {
    pub(super) const ALL: [Self; 7] = [
        Self::Overview,
        Self::Users,
        Self::Organizations,
        Self::Sessions,
        Self::Deliveries,
        Self::Chaos,
        Self::Settings,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Users => "Users",
            Self::Organizations => "Organizations",
            Self::Sessions => "Sessions",
            Self::Deliveries => "Deliveries",
            Self::Chaos => "Chaos",
            Self::Settings => "Settings",
        }
    }

    pub(super) fn address(self) -> String {
        match self {
            Self::Overview => "/".to_owned(),
            other => format!("/?view={}", other.title().to_lowercase()),
        }
    }
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_found_again_at_its_address() {
        for view in [
            View::Overview,
            View::Users {
                search: "a&b=c d".to_owned(),
                page: 3,
            },
            View::User("user_1".to_owned()),
            View::Organization("org_1".to_owned()),
            View::Sessions { page: 1 },
            View::Deliveries {
                filter: "user.*".to_owned(),
                page: 2,
            },
            View::Delivery("msg_1".to_owned()),
            View::Chaos,
            View::Settings(Client::Next),
        ] {
            assert_eq!(View::at(&view.address()), view);
        }
        for odd in [
            "",
            "https://evil.example/",
            "/?view=nothing",
            "//x",
            "?page=-1",
        ] {
            assert_eq!(View::at(odd), View::Overview, "{odd}");
        }
    }
}
