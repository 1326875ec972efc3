//! What there is, at a glance.

use maud::{Markup, html};

use super::forms::{field, form};
use super::view::{Place, View};
use super::{deliveries, forms};
use crate::client::CODE;
use crate::instance::Instance;
use crate::session::SessionStatus;
use crate::state::State;
use crate::webhook::{Delivery, DeliveryStatus};

struct Counts {
    users: usize,
    organizations: usize,
    sessions: usize,
}

pub(super) fn draw(instance: &Instance) -> Markup {
    let (counts, awaited) = instance.read(|state| (count(state), awaited(state)));
    // Looked at where they are: the log holds the bodies of thousands.
    let (delivered, failed, newest) = {
        let log = instance.webhooks.log();
        let with = |status: DeliveryStatus| log.iter().filter(|it| it.status == status).count();
        let newest: Vec<Delivery> = log.iter().rev().take(8).cloned().collect();
        let counts = (DeliveryStatus::Delivered, DeliveryStatus::Failed);
        (with(counts.0), with(counts.1), newest)
    };
    let newest: Vec<&Delivery> = newest.iter().collect();
    let url = instance.webhooks.endpoint().url;
    let back = View::Overview;
    html! {
        h1 { "Overview" }
        ul.tiles {
            (tile("Users", counts.users, Place::Users))
            (tile("Active sessions", counts.sessions, Place::Sessions))
            (tile("Organizations", counts.organizations, Place::Organizations))
            (tile("Delivered", delivered, Place::Deliveries))
            (tile("On their way", instance.webhooks.pending(), Place::Deliveries))
            (tile("Failed", failed, Place::Deliveries))
        }
        div.columns {
            section.card aria-labelledby="codes" {
                h2 #codes { "Codes" }
                p { "Every verification takes " strong.code.big { (CODE) } }
                @if awaited.is_empty() {
                    p.faint { "Nobody is asked for one now." }
                } @else {
                    ul.plain.rows {
                        @for it in &awaited {
                            li {
                                span.badge { (it.what) }
                                @match &it.user_id {
                                    Some(id) => a href=(View::User(id.clone()).address()) { (it.address) },
                                    None => (it.address),
                                }
                            }
                        }
                    }
                }
            }
            section.card aria-labelledby="add" {
                h2 #add { "Add a user" }
                (form("create-user", &back, html! {
                    div.fields {
                        (field("E-mail address", "email_address", "email", "", true))
                        (field("First name", "first_name", "text", "", false))
                        (field("Last name", "last_name", "text", "", false))
                    }
                    button.solid { "Create" }
                }))
                details {
                    summary { "Many at once" }
                    (form("seed", &back, html! {
                        div.fields {
                            (field("Users", "users", "number", "25", true))
                            (field("Organizations", "organizations", "number", "3", true))
                        }
                        button { "Create them with events" }
                    }))
                }
            }
        }
        section.card aria-labelledby="latest" {
            div.head {
                h2 #latest { "Latest deliveries" }
                a href=(Place::Deliveries.address()) { "All" }
            }
            @match url {
                Some(url) => p.faint { "To " code { (url.as_str()) } }
                None => p.faint { "There is no endpoint: events are recorded and not sent. "
                    a href=(Place::Deliveries.address()) { "Set one" } }
            }
            (deliveries::table(&newest, &back))
        }
        section.card aria-labelledby="anew" {
            h2 #anew { "Begin anew" }
            p.faint { "Keys and the endpoint stay. Nobody is told." }
            (forms::asked("reset", "Forget everything", "All users, sessions, organizations and settled deliveries go at once.", &back, &[]))
        }
    }
}

fn tile(label: &str, count: usize, place: Place) -> Markup {
    html! { li { a href=(place.address()) { strong { (count) } span { (label) } } } }
}

fn count(state: &State) -> Counts {
    let active = |it: &&crate::session::Session| it.status == SessionStatus::Active;
    Counts {
        users: state.users.len(),
        organizations: state.roster.organizations().len(),
        sessions: state.sessions.iter().filter(active).count(),
    }
}

/// A code that somebody is asked for.
struct Waiting {
    what: &'static str,
    address: String,
    user_id: Option<String>,
}

/// The codes that are waited for: in browsers, the newest first, and of addresses that users have not verified. Twelve
/// at most.
fn awaited(state: &State) -> Vec<Waiting> {
    let clients = state.browsers.clients.iter().rev();
    let in_browsers = clients.flat_map(|client| {
        let sign_up = client.sign_up.as_ref().and_then(|it| {
            let open = it.email_code.as_ref().is_some_and(|code| !code.verified);
            let address = it.email_address.clone().filter(|_| open)?;
            let (what, user_id) = ("Sign-up", None);
            Some(Waiting {
                what,
                address,
                user_id,
            })
        });
        let sign_in = client.sign_in.as_ref().and_then(|it| {
            let open = it.code.as_ref().is_some_and(|code| !code.verified);
            let address = it.identifier.clone().filter(|_| open)?;
            let (what, user_id) = ("Sign-in", it.user_id.clone());
            Some(Waiting {
                what,
                address,
                user_id,
            })
        });
        sign_up.into_iter().chain(sign_in)
    });
    let users = state.users.iter().rev().map(|it| &it.user);
    let unverified = users.flat_map(|user| {
        let waiting = user.email_addresses.iter().filter(|it| {
            let status = it.verification.as_ref().map(|it| it.status.as_str());
            status == Some("unverified")
        });
        waiting.map(move |it| Waiting {
            what: "Address",
            address: it.email_address.clone(),
            user_id: Some(user.id.clone()),
        })
    });
    in_browsers.chain(unverified).take(12).collect()
}
