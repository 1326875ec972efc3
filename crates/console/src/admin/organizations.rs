//! Organizations, a page at a time.

use api::{App, Problem};
use axum::extract::State;
use axum::response::Response;
use chrono::Utc;
use domain::{List, OrganizationFilter};
use maud::html;

use super::{page_of, show, sought, table};
use crate::entrance::Desk;
use crate::pieces::{Tone, ago, badge, nothing, pager, short};

/// `GET /admin/organizations`
pub(crate) async fn page(Desk(person): Desk, State(app): State<App>) -> Result<Response, Problem> {
    let visit = &person.visit;
    let filter = OrganizationFilter {
        q: sought(visit, "q"),
        include_deleted: visit.asked("deleted").is_some(),
    };
    let page = page_of(visit, List::Organizations)?;
    let found = app.overview.organizations(filter, page).await?;
    let now = Utc::now();
    let body = html! {
        h1 { "Organizations" }
        form.filter method="get" role="search" {
            label.field.grow {
                span { "Name, slug or id" }
                input type="search" name="q" value=[visit.asked("q")] maxlength="255" autocomplete="off" spellcheck="false";
            }
            label.check { input type="checkbox" name="deleted" value="yes" checked[visit.asked("deleted").is_some()]; " deleted too" }
            button.button type="submit" { "Search" }
        }
        div id="organizations" data-fragment {
            @if found.items.is_empty() {
                (nothing("There is none."))
            } @else {
                (table("Organizations", &["Organization", "Id", "Plan", "Made"], &html! {
                    @for row in &found.items {
                        tr {
                            td {
                                strong { (row.name.as_deref().unwrap_or("unnamed")) }
                                @if let Some(slug) = &row.slug { div.faint { (slug) } }
                                @if row.deleted_at.is_some() { " " (badge("deleted", Tone::Bad)) }
                            }
                            td { (short(row.clerk_organization_id.as_str())) }
                            td { @if let Some(tier) = &row.tier { (badge(tier.as_str(), Tone::Plain)) } @else { span.faint { "none" } } }
                            td { (ago(row.created_at, now)) }
                        }
                    }
                }))
            }
            (pager(visit, "/admin/organizations", &["q", "deleted"], found.next_cursor.as_deref()))
        }
    };
    Ok(show(
        &person,
        "Organizations",
        "/admin/organizations",
        &body,
    ))
}
