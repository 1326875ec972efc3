//! Memberships, from both sides.

use maud::{Markup, html};

use super::forms::{button, choice, form, name_of};
use super::view::View;
use crate::organization::{ADMIN, MEMBER, Membership};
use crate::state::State;

/// The roles to choose from; any other can be given over the API.
pub(super) const ROLES: [&str; 2] = [ADMIN, MEMBER];

/// How many members of an organization are shown.
const SHOWN: usize = 50;

/// Where a user is a member.
pub(super) fn of_user(state: &State, id: &str, back: &View) -> Markup {
    let joined: Vec<&Membership> = state.roster.joined_by(id).collect();
    html! {
        @if joined.is_empty() { p.faint { "In none." } }
        ul.plain.rows {
            @for it in joined {
                @let name = state.roster.organization(&it.organization_id).map_or("?", |it| it.name.as_str());
                li {
                    a href=(View::Organization(it.organization_id.clone()).address()) { (name) }
                    (change(it, back))
                }
            }
        }
    }
}

/// Who is a member of an organization.
pub(super) fn of_organization(state: &State, id: &str, back: &View) -> Markup {
    let count = state.roster.members_count(id);
    html! {
        @if count == 0 { p.faint { "Nobody." } }
        ul.plain.rows {
            @for it in state.roster.members_of(id).take(SHOWN) {
                @let user = state.users.get(&it.user_id).map(|it| name_of(&it.user));
                li {
                    a href=(View::User(it.user_id.clone()).address()) { (user.unwrap_or_default()) }
                    (change(it, back))
                }
            }
        }
        @if count > SHOWN { p.faint { "and " (count - SHOWN) " more" } }
    }
}

fn change(it: &Membership, back: &View) -> Markup {
    let fields = [
        ("organization_id", it.organization_id.as_str()),
        ("user_id", it.user_id.as_str()),
    ];
    html! {
        span.acts {
            (form("role", back, html! {
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                div.inline { (choice("Role", "role", &ROLES, &it.role)) button.small { "Change" } }
            }))
            (button("leave", "Remove", "small", back, &fields))
        }
    }
}
