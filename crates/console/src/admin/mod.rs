//! The desk of administrators. `Desk` stands in every signature.

pub(crate) mod audit;
pub(crate) mod deliveries;
pub(crate) mod drift;
pub(crate) mod organizations;
pub(crate) mod overview;
pub(crate) mod user;
pub(crate) mod users;

use api::{Kind, Problem};
use axum::response::Response;
use domain::{CursorKey, List, PageQuery};
use maud::{Markup, html};

use crate::entrance::{Person, Visit};
use crate::frame::{Page, Place};

/// Rows of a page.
const ROWS: u32 = 25;

const TABS: [(&str, &str); 6] = [
    ("/admin", "Overview"),
    ("/admin/users", "Users"),
    ("/admin/organizations", "Organizations"),
    ("/admin/deliveries", "Deliveries"),
    ("/admin/drift", "Drift"),
    ("/admin/audit", "Security log"),
];

/// A page of the desk, below its tabs.
fn show(person: &Person, title: &str, tab: &str, body: &Markup) -> Response {
    Page {
        title,
        place: Place::Admin,
        visit: &person.visit,
        caller: Some(&person.caller),
        body: html! {
            nav.tabs aria-label="Administration" {
                @for (path, name) in TABS {
                    a href=(path) aria-current=[(path == tab).then_some("page")] { (name) }
                }
            }
            (body)
        },
    }
    .respond()
}

/// The page of a list that is asked for.
fn page_of<K: CursorKey>(visit: &Visit, list: List) -> Result<PageQuery<K>, Problem> {
    PageQuery::new(list, Some(ROWS), visit.asked("cursor"))
        .map_err(|error| Problem::with_detail(Kind::ParameterInvalid, error.to_string()))
}

/// Text that somebody looks for, no longer than names are.
fn sought(visit: &Visit, name: &str) -> Option<String> {
    let text = visit.asked(name)?.trim();
    let text: String = text.chars().filter(|c| !c.is_control()).take(255).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// A table that moves sideways by itself where it is wider than the screen.
fn table(label: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}
