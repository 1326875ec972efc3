//! Users: looked for, a page at a time.

use api::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{List, Policy, Role, User, UserFilter};
use maud::{Markup, html};

use super::{page_of, show, sought, table};
use crate::entrance::Desk;
use crate::pieces::{Tone, ago_or, avatar, badge, choice, name_of, nothing, pager};

/// `GET /admin/users`
pub(crate) async fn page(Desk(person): Desk, State(app): State<App>) -> Result<Response, Problem> {
    let visit = &person.visit;
    let policy = app.policy.current();
    let role = visit.asked("role").and_then(|name| policy.role_named(name));
    let filter = UserFilter {
        q: sought(visit, "q"),
        role: role.cloned(),
        tier: None,
        include_deleted: visit.asked("deleted").is_some(),
    };
    let found = app
        .overview
        .users(filter, page_of(visit, List::Users)?)
        .await?;
    let now = Utc::now();
    let body = html! {
        h1 { "Users" }
        form.filter method="get" role="search" {
            label.field.grow {
                span { "Name, address or id" }
                input type="search" name="q" value=[visit.asked("q")] maxlength="255" autocomplete="off" spellcheck="false";
            }
            (choice("role", "Role", "any", policy.roles().map(Role::as_str), role.map(Role::as_str)))
            label.check { input type="checkbox" name="deleted" value="yes" checked[visit.asked("deleted").is_some()]; " deleted too" }
            button.button type="submit" { "Search" }
        }
        div id="users" data-fragment {
            @if found.items.is_empty() {
                (nothing("Nobody matches."))
            } @else {
                (table("Users", &["User", "Role", "Plan", "State", "Last sign-in"], &html! {
                    @for user in &found.items { (row(user, &policy, now)) }
                }))
            }
            (pager(visit, "/admin/users", &["q", "role", "deleted"], found.next_cursor.as_deref()))
        }
    };
    Ok(show(&person, "Users", "/admin/users", &body))
}

fn row(user: &User, policy: &Policy, now: DateTime<Utc>) -> Markup {
    let name = name_of(user);
    let has = policy.entitlements(user, now);
    html! {
        tr {
            td {
                a.person href=(format!("/admin/users/{}", user.id)) {
                    (avatar(&name, user.image_url.as_deref()))
                    span {
                        strong { (name) }
                        @if let Some(email) = user.email.as_ref().filter(|email| **email != name) {
                            span.faint { (email) }
                        }
                    }
                }
            }
            td { (badge(has.role.as_str(), if policy.is_admin(&has.role) { Tone::Warn } else { Tone::Plain })) }
            td { (badge(has.tier.as_str(), Tone::Plain)) }
            td { (state(user)) }
            td { (ago_or(user.last_login_at, now, "never")) }
        }
    }
}

/// Whether somebody is let in, in one word.
pub(super) fn state(user: &User) -> Markup {
    if user.deleted_at.is_some() {
        badge("deleted", Tone::Bad)
    } else if user.deactivated_at.is_some() {
        badge("deactivated", Tone::Bad)
    } else if user.banned {
        badge("banned", Tone::Bad)
    } else if user.locked {
        badge("locked", Tone::Warn)
    } else {
        badge("active", Tone::Good)
    }
}
