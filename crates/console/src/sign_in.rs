//! Signing in and up: Clerk's own components, or the way to the account portal.

use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use url::Url;

use crate::entrance::Visit;
use crate::frame::{Page, Place};
use crate::target;

/// `GET /sign-in`
pub(crate) async fn sign_in(visit: Visit) -> Response {
    show(&visit, Door::In)
}

/// `GET /sign-up`
pub(crate) async fn sign_up(visit: Visit) -> Response {
    show(&visit, Door::Up)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    In,
    Up,
}

impl Door {
    fn title(self) -> &'static str {
        match self {
            Self::In => "Sign in",
            Self::Up => "Sign up",
        }
    }
}

fn show(visit: &Visit, door: Door) -> Response {
    let asked = visit.asked("redirect_url");
    let target = asked.and_then(target::local).unwrap_or("/");
    if visit.caller.is_some() {
        return visit.onto(Redirect::to(target).into_response());
    }
    let settings = &visit.console.settings;
    let elsewhere = match door {
        Door::In => settings.sign_in_url.as_deref(),
        Door::Up => settings.sign_up_url.as_deref(),
    };
    // One of the two may be a page of Clerk's and the other not set: then it leads to the one that there is.
    let elsewhere = elsewhere.or(settings.sign_in_url.as_deref());
    if let Some(url) = elsewhere.and_then(|portal| back_from(portal, visit, target)) {
        return visit.onto(Redirect::to(&url).into_response());
    }
    let body = if visit.console.components().is_some() {
        components(door, target)
    } else {
        unconfigured()
    };
    Page {
        title: door.title(),
        place: Place::SignIn,
        visit,
        caller: None,
        body,
    }
    .respond()
}

/// The portal, told where to send people afterwards.
fn back_from(portal: &str, visit: &Visit, target: &str) -> Option<String> {
    let mut url = Url::parse(portal).ok()?;
    let back = format!("{}{target}", visit.origin.as_str());
    url.query_pairs_mut().append_pair("redirect_url", &back);
    Some(url.into())
}

fn components(door: Door, target: &str) -> Markup {
    let mount = match door {
        Door::In => "sign-in",
        Door::Up => "sign-up",
    };
    html! {
        section.door {
            h1.unseen { (door.title()) }
            div.slot data-mount=(mount) data-target=(target) {
                p.waiting { "Loading Clerk's form…" }
                noscript { p { "Clerk's form needs JavaScript, which is switched off in this browser." } }
            }
        }
    }
}

fn unconfigured() -> Markup {
    html! {
        section.notice {
            h1 { "Nobody can sign in here yet" }
            p {
                "The service does not know Clerk's Frontend API. Set " code { "CLERK_PUBLISHABLE_KEY" } ", or "
                code { "CLERK_SIGN_IN_URL" } " to an account portal, and start it again."
            }
            p.actions { a.button.quiet href="/" { "Home" } }
        }
    }
}
