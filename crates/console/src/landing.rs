//! The first page: what this is, and where to go.

use axum::response::Response;
use maud::html;

use crate::entrance::Visit;
use crate::frame::{Page, Place};
use crate::pieces::name_of;

/// `GET /`
pub(crate) async fn page(visit: Visit) -> Response {
    let caller = visit.caller.as_ref();
    let name = caller.map(|caller| name_of(&caller.user));
    let body = html! {
        section.hero {
            @if let Some(name) = &name {
                p.eyebrow { "Signed in" }
                h1 { "Hello, " (name) }
            } @else {
                p.eyebrow { "People, sessions and plans, in step with Clerk" }
                h1 { "Clerk signs people in. Your database knows them." }
            }
            p.lead {
                "clerk-sync keeps your own database equal to Clerk: every user, session, organization and subscription, \
                 from signed webhooks, checked again by regular sweeps. It verifies tokens and enforces roles, tiers and \
                 limits on each request."
            }
            p.actions {
                @if name.is_some() {
                    a.button href="/settings" { "Your settings" }
                    @if visit.is_admin { a.button.quiet href="/admin" { "Administration" } }
                } @else {
                    a.button href="/sign-in" { "Sign in" }
                    a.button.quiet href="/sign-up" { "Create an account" }
                }
            }
        }
        section.tiles aria-label="What there is" {
            a.tile href="/settings" {
                h2 { "Your settings" }
                p { "Your profile as the service knows it, your sessions with a switch for each, preferences and what you have used." }
            }
            a.tile href="/admin" {
                h2 { "Administration" }
                p { "People and their roles, deliveries as they come in, drift and its repair, and the security log." }
            }
            a.tile href="/api/docs/" {
                h2 { "API" }
                p { "Every route, with what it asks and answers, to be tried in the browser." }
            }
            a.tile href="/health" {
                h2 { "Health" }
                p { "How database, keys, caches and sweeps do at this moment." }
            }
        }
    };
    Page {
        title: "Home",
        place: Place::Home,
        visit: &visit,
        caller,
        body,
    }
    .respond()
}
