//! What fails, as a page: what it is, what to do, and the request's id.

use api::{Kind, Problem};
use axum::response::Response;
use maud::{Markup, html};

use crate::frame::plain;

/// Draws a failing answer.
pub(crate) fn draw(problem: &Problem, request_id: &str) -> Response {
    let kind = problem.kind();
    let (title, words) = words(kind);
    let title = title.unwrap_or_else(|| kind.title());
    plain(
        title,
        &html! {
            section.notice {
                p.code { (kind.status().as_u16()) " · " (kind.code()) }
                h1 { (title) }
                @if let Some(words) = words { p { (words) } }
                @if let Some(detail) = problem.detail() { p.detail { (detail) } }
                (way_out(kind))
                p.faint { "Request " code { (request_id) } }
            }
        },
    )
}

/// Plainer words than the kind's own, where there are any.
fn words(kind: Kind) -> (Option<&'static str>, Option<&'static str>) {
    match kind {
        Kind::NotFound => (Some("There is nothing here"), None),
        Kind::RoleRequired => (
            Some("This part is for administrators"),
            Some(
                "You are signed in, but your role does not reach this far. Somebody who is an administrator can change it.",
            ),
        ),
        Kind::UserInactive => (
            Some("Your account is closed"),
            Some("It was banned or deactivated. Ask the people who run this service."),
        ),
        Kind::SessionRevoked => (
            Some("You have been signed out"),
            Some("This session was ended, here or elsewhere. Sign in again to go on."),
        ),
        Kind::UserDeleted => (
            Some("This account is gone"),
            Some("It was deleted. You can sign up again."),
        ),
        Kind::UserNotFound => (Some("Nobody by this name"), None),
        Kind::OriginNotAllowed => (Some("These pages do not live at this address"), None),
        Kind::StoreUnavailable
        | Kind::KeysUnavailable
        | Kind::RequestTimeout
        | Kind::Overloaded => (None, Some("That is on our side. Try again in a moment.")),
        Kind::Internal => (
            Some("Something went wrong"),
            Some("That is a fault of ours, and has been written down."),
        ),
        kind if kind.status() == http::StatusCode::UNAUTHORIZED => {
            (Some("Signing in did not work"), None)
        }
        _ => (None, None),
    }
}

fn way_out(kind: Kind) -> Markup {
    let may_sign_in = kind.status() == http::StatusCode::UNAUTHORIZED;
    html! {
        p.actions {
            @if may_sign_in { a.button href="/sign-in" { "Sign in" } }
            @if kind == Kind::UserInactive {
                form method="post" action="/sign-out" { button.button type="submit" { "Sign out" } }
            }
            a.button.quiet href="/" { "Home" }
        }
    }
}
