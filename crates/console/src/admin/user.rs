//! One user: what is known, and what may be decided.

use api::{App, Kind, Problem};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{Policy, Role, Session, SessionStatus, Tier, User, UserKey, UserOverview};
use maud::{Markup, html};

use super::audit::line;
use super::users::state;
use super::{show, table};
use crate::entrance::Desk;
use crate::pieces::{Tone, ago, ago_or, avatar, badge, name_of, nothing, short};
use crate::settings_page::browser;

/// `GET /admin/users/{id}`
pub(crate) async fn page(
    Desk(person): Desk,
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let now = Utc::now();
    let Path(id) = id.map_err(|_| Problem::of(Kind::NotFound))?;
    let Ok(key) = id.parse::<UserKey>() as Result<_, std::convert::Infallible>;
    let found = app.overview.user_overview(&key, now).await?;
    let found =
        found.ok_or_else(|| Problem::with_detail(Kind::UserNotFound, "no user has this id"))?;
    let policy = app.policy.current();
    let name = name_of(&found.user);
    let body = html! {
        p.back { a href="/admin/users" { "Users" } }
        div id="user" data-fragment {
            div.title {
                (avatar(&name, found.user.image_url.as_deref()))
                div { h1 { (name) } p { (state(&found.user)) } }
            }
            div.columns {
                div.stack {
                    (facts(&found, now))
                    (account(&found.user))
                }
                div.stack { (access(&found.user, &policy, now)) }
                (sessions(&found.sessions, now))
                (history(&found, now))
            }
        }
    };
    Ok(show(&person, &name, "/admin/users", &body))
}

fn facts(found: &UserOverview, now: DateTime<Utc>) -> Markup {
    let user = &found.user;
    html! {
        section.card aria-labelledby="facts" {
            h2 id="facts" { "Profile" }
            dl.facts {
                dt { "Id" } dd { code.break { (user.id) } }
                dt { "At Clerk" } dd { code.break { (user.clerk_user_id) } }
                @if let Some(id) = &user.external_id { dt { "External id" } dd { code.break { (id) } } }
                dt { "Addresses" }
                dd {
                    @for email in &found.emails {
                        div.break { (email.email_address) " " @if email.primary { (badge("primary", Tone::Plain)) } }
                    }
                    @if found.emails.is_empty() { span.faint { "none" } }
                }
                dt { "Organizations" }
                dd {
                    @for place in &found.organizations {
                        @let name = place.organization.as_ref().and_then(|told| told.name.as_deref());
                        div { (name.unwrap_or("unnamed")) " " @if let Some(role) = &place.membership.role { (badge(role, Tone::Plain)) } }
                    }
                    @if found.organizations.is_empty() { span.faint { "none" } }
                }
                dt { "Since" } dd { (ago(user.created_at, now)) }
                dt { "Last sign-in" } dd { (ago_or(user.last_login_at, now, "never")) }
            }
        }
    }
}

fn access(user: &User, policy: &Policy, now: DateTime<Utc>) -> Markup {
    let has = policy.entitlements(user, now);
    let source = |source: Option<String>| source.unwrap_or_else(|| "not known".to_owned());
    html! {
        section.card aria-labelledby="access" {
            h2 id="access" { "Role and plan" }
            dl.facts {
                dt { "Role" } dd { (badge(has.role.as_str(), Tone::Plain)) " " span.faint { "by " (source(has.role_source.as_ref().map(ToString::to_string))) } }
                dt { "Plan" } dd { (badge(has.tier.as_str(), Tone::Plain)) " " span.faint { "by " (source(has.tier_source.as_ref().map(ToString::to_string))) } }
            }
            (giving(user, "role", "Role", "by the rules", policy.roles().map(Role::as_str), user.role_override.as_ref().map(Role::as_str)))
            (giving(user, "tier", "Plan", "by what is paid for", policy.tiers().map(Tier::as_str), user.tier_override.as_ref().map(Tier::as_str)))
        }
    }
}

fn giving<'a>(
    user: &User,
    name: &str,
    label: &str,
    none: &str,
    options: impl Iterator<Item = &'a str>,
    chosen: Option<&str>,
) -> Markup {
    html! {
        form.decide data-api=(format!("PATCH /api/v1/admin/users/{}/{name}", user.id)) data-done=(format!("{label} is set.")) {
            label.field {
                span { (label) " is" }
                select name=(name) data-empty="null" {
                    option value="" selected[chosen.is_none()] { (none) }
                    @for option in options { option value=(option) selected[chosen == Some(option)] { (option) } }
                }
            }
            label.field.grow {
                span { "Reason" }
                input type="text" name="reason" maxlength="500" autocomplete="off";
            }
            button.button.small type="submit" { "Set " (label.to_lowercase()) }
        }
    }
}

fn account(user: &User) -> Markup {
    let act = |verb: &str, label: &str, done: &str, class: &str| {
        html! {
            form data-api=(format!("POST /api/v1/admin/users/{}/{verb}", user.id)) data-done=(done) {
                button class=(format!("button small {class}")) type="submit" { (label) }
            }
        }
    };
    html! {
        section.card aria-labelledby="account" {
            h2 id="account" { "Account" }
            p.faint { "Each step holds from the user's next request on, and is written down in the security log." }
            div.actions {
                @if user.deactivated_at.is_some() {
                    (act("reactivate", "Reactivate", "The account is open again.", ""))
                } @else {
                    (act("deactivate", "Deactivate", "The account is closed.", "danger"))
                }
                (act("revoke-sessions", "End all sessions", "Every session is over.", "quiet"))
                (act("resync", "Read again from Clerk", "The row is as Clerk has it.", "quiet"))
            }
        }
    }
}

fn sessions(sessions: &[Session], now: DateTime<Utc>) -> Markup {
    html! {
        section.card.wide aria-labelledby="sessions" {
            h2 id="sessions" { "Sessions" }
            @if sessions.is_empty() {
                (nothing("None is known."))
            } @else {
                (table("Sessions", &["Session", "Where", "State", "Signed in", ""], &html! {
                    @for session in sessions.iter().take(10) {
                        @let id = session.clerk_session_id.as_str();
                        @let status = session.status_at(now);
                        tr {
                            td { (short(id)) }
                            td { (browser(session.user_agent.as_deref())) @if let Some(ip) = &session.client_ip { div.faint { (ip) } } }
                            td { (badge(status.as_str(), if status == SessionStatus::Active { Tone::Good } else { Tone::Plain })) }
                            td { (ago_or(session.signed_in_at, now, "not known")) }
                            td.end {
                                @if status == SessionStatus::Active {
                                    form data-api=(format!("POST /api/v1/admin/sessions/{id}/revoke")) data-done="The session is over." {
                                        button.button.quiet.small type="submit" aria-label=(format!("End session {id}")) { "End" }
                                    }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn history(found: &UserOverview, now: DateTime<Utc>) -> Markup {
    html! {
        section.card.wide aria-labelledby="history" {
            h2 id="history" { "What was done" }
            @if found.history.is_empty() {
                (nothing("Nothing is written down."))
            } @else {
                (table("Security log of this user", &["When", "What", "By", "Change"], &html! {
                    @for entry in found.history.iter().take(10) { (line(entry, now, false)) }
                }))
            }
        }
    }
}
