//! What every view has around it.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use maud::{DOCTYPE, Markup, html};

use super::view::{Place, View};
use super::{chaos, deliveries, organizations, overview, sessions, settings, users};
use crate::backend::Query;
use crate::chaos::Chaos;
use crate::instance::Instance;

/// What is said above the view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Said {
    #[default]
    Nothing,
    Done,
    Refused(String),
    /// A token that was just made.
    Token(String),
}

impl Said {
    /// Only that something is done can be said by an address: whoever makes up a link gives no text.
    pub(super) fn by(query: &Query) -> Self {
        match query.one("done") {
            Some(_) => Self::Done,
            None => Self::Nothing,
        }
    }

    fn drawn(&self) -> Markup {
        html! {
            @match self {
                Self::Nothing => {}
                Self::Done => p.notice.good role="status" { "Done." }
                Self::Refused(why) => p.notice.bad role="alert" { "Refused: " (why) "." }
                Self::Token(token) => div.notice.good role="status" {
                    p { "A session token, valid for an hour:" }
                    textarea.code readonly rows="4" aria-label="Session token" { (token) }
                }
            }
        }
    }
}

/// The whole page.
pub(super) fn draw(instance: &Instance, view: &View, headers: &HeaderMap, said: Said) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = format!("http://{}", host.unwrap_or(crate::DEFAULT_BIND));
    let body = match view {
        View::Overview => overview::draw(instance),
        View::Users { search, page } => users::list(instance, view, search, *page),
        View::User(id) => users::one(instance, id),
        View::Organizations { search, page } => organizations::list(instance, view, search, *page),
        View::Organization(id) => organizations::one(instance, id),
        View::Sessions { page } => sessions::list(instance, view, *page),
        View::Deliveries { filter, page } => deliveries::list(instance, view, filter, *page),
        View::Delivery(id) => deliveries::one(instance, id),
        View::Chaos => chaos::draw(instance),
        View::Settings(client) => settings::draw(instance, *client, &origin),
    };
    let here = view.place();
    let is_calm = instance.chaos() == Chaos::default();
    let drawn = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (here.title()) " · Offline Clerk" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/__emu/page.css";
                script src="/__emu/page.js" defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href="/" { span.mark aria-hidden="true" {} "Offline Clerk" }
                    nav aria-label="Parts" {
                        @for place in Place::ALL {
                            a href=(place.address()) aria-current=[(place == here).then_some("page")] {
                                (place.title())
                                @if place == Place::Chaos && !is_calm { span.dot title="Chaos is on" { span.unseen { " (on)" } } }
                            }
                        }
                    }
                }
                main #main tabindex="-1" data-address=(view.address()) {
                    (said.drawn())
                    (body)
                }
                footer {
                    p { "An emulator for development and tests at " code { (origin) } ". Not affiliated with Clerk." }
                    p #live role="status" aria-live="polite" {}
                }
            }
        }
    };
    drawn.into_string()
}

/// Where nothing of that id is.
pub(super) fn missing(kind: &str, id: &str) -> Markup {
    html! {
        h1 { "Not here" }
        p { "There is no " (kind) " " code { (id) } ". It may have been deleted." }
        p { a href="/" { "Back to the overview" } }
    }
}
