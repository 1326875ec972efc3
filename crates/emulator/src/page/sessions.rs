//! Sessions.

use maud::{Markup, html};

use super::forms::{badge, button, name_of, pager, time};
use super::view::{ROWS, View};
use crate::instance::Instance;
use crate::session::Session;
use crate::state::State;

pub(super) fn list(instance: &Instance, view: &View, page: usize) -> Markup {
    instance.read(|state| {
        let total = state.sessions.len();
        let rows: Vec<&Session> = state
            .sessions
            .iter()
            .rev()
            .skip((page - 1) * ROWS)
            .take(ROWS)
            .collect();
        html! {
            div.head { h1 { "Sessions" } span.count { (total) } }
            (table(state, &rows, view, true))
            (pager(view, page, total))
        }
    })
}

pub(super) fn of_user(instance: &Instance, id: &str, back: &View) -> Markup {
    instance.read(|state| {
        let own = state.sessions.iter().rev().filter(|it| it.user_id == id);
        let rows: Vec<&Session> = own.take(ROWS).collect();
        table(state, &rows, back, false)
    })
}

fn table(state: &State, rows: &[&Session], back: &View, named: bool) -> Markup {
    html! {
        @if rows.is_empty() { p.empty { "No sessions here." } } @else {
            div.table { table {
                thead { tr {
                    th scope="col" { "Session" }
                    @if named { th scope="col" { "User" } }
                    th scope="col" { "State" } th scope="col" { "Organization" } th scope="col" { "Began" }
                    th scope="col" { span.unseen { "Actions" } }
                } }
                tbody { @for it in rows { tr {
                    th scope="row" { code.short title=(it.id) { (it.id) } }
                    @if named { td { (user(state, &it.user_id)) } }
                    td { (badge(&status(it))) }
                    td { (organization(state, it)) }
                    td.num { (time(it.created_at)) }
                    td.acts { @if it.status.is_alive() {
                        (button("end-session", "End", "small", back, &[("id", &it.id), ("status", "ended")]))
                        (button("end-session", "Revoke", "small", back, &[("id", &it.id), ("status", "revoked")]))
                    } }
                } } }
            } }
        }
    }
}

fn user(state: &State, id: &str) -> Markup {
    let name = state.users.get(id).map(|it| name_of(&it.user));
    html! { a href=(View::User(id.to_owned()).address()) { (name.unwrap_or_default()) } }
}

fn organization(state: &State, session: &Session) -> Markup {
    let id = session.last_active_organization_id.as_deref();
    let found = id.and_then(|id| state.roster.organization(id));
    html! { @match found { Some(it) => (it.name), None => span.faint { "–" } } }
}

fn status(session: &Session) -> String {
    let value = serde_json::to_value(session.status).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
