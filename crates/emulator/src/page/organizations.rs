//! Organizations: all of them, and one.

use maud::{Markup, html};

use super::forms::{asked, badge, button, choice, field, form, initials, pager, portrait, time};
use super::frame::missing;
use super::view::{ROWS, View};
use super::{billing, members};
use crate::billing::Payer;
use crate::instance::Instance;
use crate::organization::{InvitationStatus, Organization};
use crate::state::State;

pub(super) fn list(instance: &Instance, view: &View, search: &str, page: usize) -> Markup {
    let wanted = search.to_lowercase();
    let (rows, total) = instance.read(|state| {
        let all = state.roster.organizations().iter().rev();
        let found: Vec<&Organization> = all
            .filter(|it| {
                it.name.to_lowercase().contains(&wanted)
                    || it.slug.contains(&wanted)
                    || it.id == search
            })
            .collect();
        let shown = found.iter().skip((page - 1) * ROWS).take(ROWS);
        let rows: Vec<Organization> = shown.map(|it| state.roster.counted(it)).collect();
        (rows, found.len())
    });
    html! {
        div.head { h1 { "Organizations" } span.count { (total) } }
        form.search method="get" action="/" role="search" {
            input type="hidden" name="view" value="organizations";
            input type="search" name="q" value=(search) aria-label="Search organizations" placeholder="Name, slug or id";
            button { "Search" }
        }
        details.card.fold {
            summary { "Create an organization" }
            (form("create-organization", view, html! {
                div.fields {
                    (field("Name", "name", "text", "", true))
                    (field("Its creator's user id", "created_by", "text", "", false))
                }
                button.solid { "Create" }
            }))
        }
        @if rows.is_empty() { p.empty { "No organizations here." } } @else {
            div.table { table {
                thead { tr { th scope="col" { "Organization" } th scope="col" { "Members" } th scope="col" { "Created" } } }
                tbody { @for it in &rows { tr {
                    th.person scope="row" {
                        (portrait(&initials(&it.name), &it.id))
                        div { a href=(View::Organization(it.id.clone()).address()) { (it.name) } small { (it.slug) } }
                    }
                    td.num { (it.members_count.unwrap_or_default()) }
                    td.num { (time(it.created_at)) }
                } } }
            } }
        }
        (pager(view, page, total))
    }
}

pub(super) fn one(instance: &Instance, id: &str) -> Markup {
    let Ok(organization) = instance.organization(id) else {
        return missing("organization", id);
    };
    let id = organization.id.as_str();
    let back = View::Organization(id.to_owned());
    let me = [("organization_id", id)];
    html! {
        p.trail { a href="/?view=organizations" { "Organizations" } }
        div.head.person {
            (portrait(&initials(&organization.name), id))
            div { h1 { (organization.name) } small { code { (id) } } }
        }
        div.columns {
            section.card aria-labelledby="profile" {
                h2 #profile { "Profile" }
                (form("update-organization", &back, html! {
                    input type="hidden" name="organization_id" value=(id);
                    div.fields {
                        (field("Name", "name", "text", &organization.name, true))
                        (field("Slug", "slug", "text", &organization.slug, true))
                    }
                    button.solid { "Save" }
                }))
                p.faint { "Created " (time(organization.created_at)) ", changed " (time(organization.updated_at)) }
                (asked("delete-organization", "Delete", "This organization goes for good, with memberships and invitations.", &back, &me))
            }
            section.card aria-labelledby="members" {
                h2 #members { "Members" }
                (instance.read(|state| members::of_organization(state, id, &back)))
                (form("join", &back, html! {
                    input type="hidden" name="organization_id" value=(id);
                    div.fields {
                        (field("User id or e-mail address", "user_id", "text", "", true))
                        (choice("Role", "role", &members::ROLES, "org:member"))
                    }
                    button { "Add" }
                }))
            }
            section.card aria-labelledby="invited" {
                h2 #invited { "Invitations" }
                (instance.read(|state| invitations(state, id, &back)))
                (form("invite", &back, html! {
                    input type="hidden" name="organization_id" value=(id);
                    div.fields {
                        (field("E-mail address", "email_address", "email", "", true))
                        (choice("Role", "role", &members::ROLES, "org:member"))
                    }
                    button { "Invite" }
                }))
            }
            (billing::card(instance, &Payer::Organization(id.to_owned()), &back))
        }
    }
}

fn invitations(state: &State, id: &str, back: &View) -> Markup {
    html! {
        ul.plain.rows {
            @for it in state.roster.invitations_of(id).rev().take(20) {
                @let fields = [("id", it.id.as_str())];
                li {
                    span { (it.email_address) }
                    @match it.status {
                        InvitationStatus::Pending => {
                            (badge("pending"))
                            span.acts {
                                (button("accept-invitation", "Accept", "small", back, &fields))
                                (button("revoke-invitation", "Revoke", "small", back, &fields))
                            }
                        }
                        InvitationStatus::Accepted => (badge("accepted")),
                        InvitationStatus::Revoked => (badge("revoked")),
                        InvitationStatus::Expired => (badge("expired")),
                    }
                }
            }
        }
    }
}
