//! Users: all of them, and one.

use maud::{Markup, html};

use super::forms::{
    asked, badge, button, choice, field, form, initials, name_of, pager, portrait, time,
};
use super::frame::missing;
use super::view::{ROWS, View};
use super::{billing, members, sessions};
use crate::billing::Payer;
use crate::instance::Instance;
use crate::organization::Organization;
use crate::state::State;
use crate::user::User;

pub(super) fn list(instance: &Instance, view: &View, search: &str, page: usize) -> Markup {
    let wanted = search.to_lowercase();
    let (rows, total) = instance.read(|state| {
        let users = state.users.iter().rev().map(|it| &it.user);
        let found: Vec<&User> = users.filter(|it| matches(it, &wanted)).collect();
        let shown = found.iter().skip((page - 1) * ROWS).take(ROWS);
        let rows: Vec<User> = shown.map(|it| (*it).clone()).collect();
        (rows, found.len())
    });
    html! {
        div.head { h1 { "Users" } span.count { (total) } }
        form.search method="get" action="/" role="search" {
            input type="hidden" name="view" value="users";
            input type="search" name="q" value=(search) aria-label="Search users" placeholder="Name, address or id";
            button { "Search" }
        }
        details.card.fold {
            summary { "Create a user" }
            (form("create-user", view, html! {
                div.fields {
                    (field("E-mail address", "email_address", "email", "", true))
                    (field("First name", "first_name", "text", "", false))
                    (field("Last name", "last_name", "text", "", false))
                    (field("Password", "password", "text", "", false))
                }
                button.solid { "Create" }
            }))
        }
        @if rows.is_empty() { p.empty { "No users here." } } @else {
            div.table { table {
                thead { tr { th scope="col" { "User" } th scope="col" { "State" } th scope="col" { "Created" } th scope="col" { span.unseen { "Actions" } } } }
                tbody { @for user in &rows { (row(user, view)) } }
            } }
        }
        (pager(view, page, total))
    }
}

fn matches(user: &User, wanted: &str) -> bool {
    wanted.is_empty()
        || user.id.to_lowercase() == wanted
        || name_of(user).to_lowercase().contains(wanted)
        || user
            .email_addresses
            .iter()
            .any(|it| it.email_address.to_lowercase().contains(wanted))
}

fn row(user: &User, view: &View) -> Markup {
    let (name, id) = (name_of(user), user.id.as_str());
    let (action, label) = if user.banned {
        ("unban", "Unban")
    } else {
        ("ban", "Ban")
    };
    html! {
        tr {
            th.person scope="row" {
                (portrait(&initials(&name), id))
                div {
                    a href=(View::User(id.to_owned()).address()) { (name) }
                    small { (user.primary_email().unwrap_or("no e-mail address")) }
                }
            }
            td { (states(user)) }
            td.num { (time(user.created_at)) }
            td.acts { (button(action, label, "small", view, &[("user_id", id)])) }
        }
    }
}

fn states(user: &User) -> Markup {
    html! {
        @if user.banned { (badge("banned")) }
        @if user.locked { (badge("locked")) }
        @if !user.banned && !user.locked { (badge("active")) }
    }
}

pub(super) fn one(instance: &Instance, id: &str) -> Markup {
    let Ok(user) = instance.user(id) else {
        return missing("user", id);
    };
    let back = View::User(id.to_owned());
    let name = name_of(&user);
    let joined = instance.read(|state| members::of_user(state, id, &back));
    let others = instance.read(organizations);
    let keys: Vec<&str> = others.iter().map(|it| it.slug.as_str()).collect();
    html! {
        p.trail { a href="/?view=users" { "Users" } }
        div.head.person {
            (portrait(&initials(&name), id))
            div { h1 { (name) } small { code { (id) } } }
            div.states { (states(&user)) }
        }
        div.acts.bar {
            @let me = [("user_id", id)];
            @if user.banned { (button("unban", "Unban", "", &back, &me)) } @else { (button("ban", "Ban", "", &back, &me)) }
            @if user.locked { (button("unlock", "Unlock", "", &back, &me)) } @else { (button("lock", "Lock", "", &back, &me)) }
            (button("start-session", "Start a session", "", &back, &me))
            (button("token", "Make a token", "", &back, &me))
            (asked("delete-user", "Delete", "This user goes for good, with sessions and memberships.", &back, &me))
        }
        div.columns {
            section.card aria-labelledby="profile" {
                h2 #profile { "Profile" }
                (profile(&user, &back))
            }
            section.card aria-labelledby="addresses" {
                h2 #addresses { "E-mail addresses" }
                (addresses(&user, &back))
            }
            section.card aria-labelledby="joined" {
                h2 #joined { "Organizations" }
                (joined)
                @if !others.is_empty() {
                    (form("join", &back, html! {
                        input type="hidden" name="user_id" value=(id);
                        div.fields {
                            (choice("Add to", "organization_id", &keys, ""))
                            (choice("Role", "role", &members::ROLES, "org:member"))
                        }
                        button { "Add" }
                    }))
                }
            }
            (billing::card(instance, &Payer::User(id.to_owned()), &back))
        }
        section.card aria-labelledby="sessions" {
            h2 #sessions { "Sessions" }
            (sessions::of_user(instance, id, &back))
        }
    }
}

fn profile(user: &User, back: &View) -> Markup {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let metadata = serde_json::to_string_pretty(&user.public_metadata).unwrap_or_default();
    form(
        "update-user",
        back,
        html! {
            input type="hidden" name="user_id" value=(user.id);
            div.fields {
                (field("First name", "first_name", "text", &text(&user.first_name), false))
                (field("Last name", "last_name", "text", &text(&user.last_name), false))
                (field("User name", "username", "text", &text(&user.username), false))
                (field("External id", "external_id", "text", &text(&user.external_id), false))
            }
            label { span { "Public metadata" } textarea.code name="public_metadata" rows="4" spellcheck="false" { (metadata) } }
            button.solid { "Save" }
            p.faint { "Created " (time(user.created_at)) ", changed " (time(user.updated_at)) }
        },
    )
}

fn addresses(user: &User, back: &View) -> Markup {
    html! {
        ul.plain.rows {
            @for address in &user.email_addresses {
                @let fields = [("id", address.id.as_str())];
                @let status = address.verification.as_ref().map_or("unverified", |it| it.status.as_str());
                li {
                    span { (address.email_address) }
                    (badge(status))
                    @if user.primary_email_address_id.as_deref() == Some(&address.id) { span.badge { "primary" } }
                    span.acts {
                        @if status != "verified" { (button("verify-email", "Verify", "small", back, &fields)) }
                        @if user.primary_email_address_id.as_deref() != Some(&address.id) {
                            (button("primary-email", "Make primary", "small", back, &fields))
                            (button("remove-email", "Remove", "small", back, &fields))
                        }
                    }
                }
            }
        }
        (form("add-email", back, html! {
            input type="hidden" name="user_id" value=(user.id);
            div.fields { (field("Another address", "email_address", "email", "", true)) }
            button { "Add" }
        }))
    }
}

/// The newest, as many as a list to choose from bears.
fn organizations(state: &State) -> Vec<Organization> {
    let all = state.roster.organizations().iter().rev();
    all.take(50).cloned().collect()
}
