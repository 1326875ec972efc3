//! Every route on one screen, grouped by who calls it.

use domain::workspace::{
    ChatMessage, Collection, CollectionItem, Listing, Portfolio, Position, Profile, Share,
    ValuationRuleset,
};
use utoipa::openapi::OpenApi;

use crate::access::Access;
use crate::app::App;
use crate::endpoint::{Endpoint, ServedRoute, Undeclared};
use crate::group::{Group, Surface, routes};
use crate::owned::Verbs;
use crate::pages::Pages;
use crate::routes::admin::{
    activity, audit, decisions, deliveries, drift, erasure, invites, organizations, reconcile,
    resync, sessions, users,
};
use crate::routes::workspace::{calculations, chat, imports, valuations};
use crate::routes::{
    changes, health, logout, me, my_account, my_events, my_preferences, my_usage, onboarding,
    stream_ticket, verify, webhook,
};

/// What Clerk calls: proven by its signature.
fn for_clerk(prefix: &'static str) -> Surface {
    Group::under(prefix)
        .routes(routes!(webhook::receive))
        .public(&Access::of("signature"))
}

/// What signed-in users call: `CurrentUser` stands in every signature.
fn for_users(prefix: &'static str) -> Surface {
    Group::under(prefix)
        .routes(routes!(me::me))
        .routes(routes!(logout::logout))
        .routes(routes!(my_preferences::read, my_preferences::change))
        .routes(routes!(my_usage::usage))
        .routes(routes!(my_account::emails))
        .routes(routes!(my_account::sessions))
        .routes(routes!(my_account::end_session))
        .routes(routes!(onboarding::validate_invite))
        .routes(routes!(stream_ticket::issue))
        // Documented as GET; proxies send the client's method, whatever it is.
        .routes(routes!(verify::verify))
        .any("/auth/verify", verify::verify)
        .any("/auth/verify/", verify::verify_appended)
        .any("/auth/verify/{*appended}", verify::verify_appended)
        .private()
}

/// What signed-in users follow, also by ticket: `StreamCaller` stands in every signature.
fn for_listeners(prefix: &'static str) -> Surface {
    Group::under(prefix)
        .routes(routes!(my_events::my_events))
        .private()
}

/// What admins and machine callers call: `FeedReader` stands in every signature.
fn for_followers(prefix: &'static str) -> Surface {
    Group::under(prefix)
        .routes(routes!(changes::changes))
        .private()
}

/// What admins call: `AdminCaller` stands in every signature, `Reader` where machine callers may look too.
fn for_admins(prefix: &'static str) -> Surface {
    Group::under(prefix)
        .routes(routes!(users::list, users::one))
        .routes(routes!(decisions::role, decisions::tier))
        .routes(routes!(decisions::deactivate, decisions::reactivate))
        .routes(routes!(decisions::revoke_sessions, resync::resync))
        .routes(routes!(erasure::request, erasure::cancel, erasure::export))
        .routes(routes!(organizations::list))
        .routes(routes!(sessions::list, sessions::revoke))
        .routes(routes!(deliveries::list, deliveries::replay))
        .routes(routes!(audit::list, drift::drift, reconcile::ask))
        .routes(routes!(activity::activity))
        .routes(routes!(invites::create, invites::list, invites::revoke))
        .private()
}

/// What users keep: `Acting` stands in every signature.
fn for_owners(prefix: &'static str) -> Surface {
    Group::under(prefix)
        .routes(Verbs::ALL.of::<Listing>())
        .routes(Verbs::ALL.of::<Profile>())
        .routes(Verbs::ALL.of::<ValuationRuleset>())
        .routes(Verbs::ALL.of::<Collection>())
        .routes(Verbs::OF_PART.of::<CollectionItem>())
        .routes(Verbs::OF_PART.of::<Share>())
        .routes(Verbs::ALL.of::<Portfolio>())
        .routes(Verbs::OF_PART.of::<Position>())
        .routes(Verbs::KEPT.of::<ChatMessage>())
        .routes(routes!(calculations::run, calculations::statuses))
        .routes(routes!(valuations::evaluate, valuations::score))
        .routes(routes!(imports::import))
        .routes(routes!(chat::send))
        .private()
}

/// What anybody may call.
fn for_anybody() -> Surface {
    Group::under("")
        .routes(routes!(health::summary, health::live, health::ready))
        .public(&Access::anybody())
}

fn api(prefix: &'static str) -> Surface {
    for_clerk(prefix)
        .with(for_users(prefix))
        .with(for_listeners(prefix))
        .with(for_followers(prefix))
        .with(for_owners(prefix))
        .with(for_admins(prefix))
}

fn documented() -> Surface {
    for_anybody().with(api("/api/v1"))
}

/// The OpenAPI document of every route.
pub(crate) fn document() -> OpenApi {
    documented().document()
}

/// All there is. Paths under `/api/v1` are documented and answer under `/api` too.
fn everything() -> Surface {
    documented().with_page().with_undocumented(api("/api"))
}

/// Every route with what it asks of its caller: those of the document, their shorter names, and those of which no
/// document tells.
#[must_use]
pub fn served_routes() -> Vec<ServedRoute> {
    everything().table()
}

/// The whole HTTP side, with pages for people where there are any.
///
/// # Errors
/// When a route says of nobody that he may call it, which a test finds before.
pub fn router(app: App, pages: Option<Pages>) -> Result<Endpoint, Undeclared> {
    let routes = everything();
    match pages {
        Some(pages) => routes.with_pages(pages).served(app),
        None => routes.served(app),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::access::EXTENSION;

    /// Every documented operation with what it says of its callers.
    fn operations() -> Vec<(String, Value)> {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        let of_path = |(path, item): (String, Value)| {
            let methods = item.as_object().unwrap().clone();
            methods.into_iter().map(move |(method, operation)| {
                (format!("{method} {path}"), operation[EXTENSION].clone())
            })
        };
        paths.into_iter().flat_map(of_path).collect()
    }

    #[test]
    fn every_route_says_who_may_call_it() {
        let operations = operations();
        assert!(operations.len() > 10);
        for (operation, access) in operations {
            let ways = access.as_array().is_some_and(|ways| !ways.is_empty());
            assert!(ways, "{operation} declares no rule");
        }
    }

    #[test]
    fn every_route_is_written_down_with_its_rule() {
        let table = served_routes();
        Undeclared::none_in(&table).unwrap();
        let names: Vec<String> = table.iter().map(ServedRoute::to_string).collect();
        for (operation, access) in operations() {
            let (method, path) = operation.split_once(' ').unwrap();
            let name = format!("{} {path}", method.to_uppercase());
            let place = names.iter().position(|known| *known == name).unwrap();
            assert_eq!(json!(table[place].access), access, "{name}");
            if let Some((_, short)) = path.split_once("/api/v1/") {
                let short = format!("{} /api/{short}", method.to_uppercase());
                let place = names.iter().position(|known| *known == short).unwrap();
                assert_eq!(json!(table[place].access), access, "{short}");
            }
        }
        for name in [
            "any /api/v1/auth/verify",
            "any /api/v1/auth/verify/{*appended}",
            "any /api/auth/verify/",
            "GET /api/openapi.json",
        ] {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }

    #[test]
    fn only_these_are_for_those_who_have_not_signed_in() {
        let open: Vec<String> = operations()
            .into_iter()
            .filter(|(_, access)| {
                let ways = access.as_array().unwrap();
                ways.iter().any(|way| !way.to_string().contains("\"user\""))
            })
            .map(|(operation, _)| operation)
            .collect();
        for operation in &open {
            let is_known = operation.starts_with("get /health")
                || [
                    "post /api/v1/webhooks/clerk",
                    // By service token or ticket.
                    "get /api/v1/changes",
                    "get /api/v1/me/events",
                ]
                .contains(&operation.as_str());
            let is_for_services = operation.starts_with("get /api/v1/admin/");
            assert!(is_known || is_for_services, "{operation}");
        }
    }
}
