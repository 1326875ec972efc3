//! What somebody may see and change of himself.

use api::{App, Problem, sessions_of};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{EmailAddress, FeatureUsage, MemberOf, Month, Session, User, UserKey};
use maud::{Markup, html};

use crate::entrance::Person;
use crate::frame::{Page, Place};
use crate::pieces::{Tone, ago, ago_or, avatar, badge, name_of, nothing};

/// One meter.
struct Meter {
    feature: String,
    usage: FeatureUsage,
    limit: u64,
}

/// `GET /settings`
pub(crate) async fn page(person: Person, State(app): State<App>) -> Result<Response, Problem> {
    let Person { visit, caller } = person;
    let now = Utc::now();
    let key = UserKey::from(caller.user.id);
    let whole = app.overview.user_overview(&key, now).await?;
    let (emails, places) = whole
        .map(|whole| (whole.emails, whole.organizations))
        .unwrap_or_default();
    let active = caller.proof.organization();
    let active = active.map(|organization| organization.id.as_str());
    let sessions = sessions_of(&app, &caller, now).await?;
    let counted = app.usage.usage(caller.user.id, now).await?;
    let policy = app.policy.current();
    let meters: Vec<Meter> = policy
        .metered()
        .map(|feature| {
            let name = feature.as_str();
            let found = counted.iter().find(|usage| usage.feature == name).cloned();
            Meter {
                feature: name.to_owned(),
                usage: found.unwrap_or_else(|| FeatureUsage::none(name.to_owned(), Month::of(now))),
                limit: u64::from(
                    caller
                        .entitlements
                        .limits
                        .per_month(name)
                        .unwrap_or_default(),
                ),
            }
        })
        .collect();
    let (role, tier) = (&caller.entitlements.role, &caller.entitlements.tier);
    let body = html! {
        h1 { "Settings" }
        div.columns {
            (profile(&caller.user, role.as_str(), tier.as_str(), now))
            div.stack {
                (addresses(&emails))
                (organizations(&places, active))
                (meters_of(&meters, Month::of(now)))
            }
            (own_sessions(&sessions, caller.proof.session_id(), now))
            (preferences(&caller.user))
        }
    };
    Ok(Page {
        title: "Settings",
        place: Place::Settings,
        visit: &visit,
        caller: Some(&caller),
        body,
    }
    .respond())
}

fn profile(user: &User, role: &str, tier: &str, now: DateTime<Utc>) -> Markup {
    let name = name_of(user);
    html! {
        section.card aria-labelledby="profile" {
            h2 id="profile" { "Profile" }
            div.person {
                (avatar(&name, user.image_url.as_deref()))
                div {
                    strong { (name) }
                    @if let Some(email) = &user.email { span.faint { (email) } }
                }
            }
            dl.facts {
                dt { "Role" } dd { (badge(role, Tone::Plain)) }
                dt { "Plan" } dd { (badge(tier, Tone::Plain)) }
                @if let Some(username) = &user.username { dt { "User name" } dd { (username) } }
                dt { "Member since" } dd { (ago(user.created_at, now)) }
                dt { "Last sign-in" } dd { (ago_or(user.last_login_at, now, "not known")) }
                dt { "Invite" } dd { @if user.invite_validated_at.is_some() { "used" } @else { "none used yet" } }
            }
            p.faint { "Name, picture and addresses are kept by Clerk and follow from there." }
            p.actions data-clerk-only hidden {
                button.button.quiet type="button" data-open-profile { "Manage account" }
            }
        }
    }
}

fn addresses(emails: &[EmailAddress]) -> Markup {
    html! {
        section.card aria-labelledby="emails" {
            h2 id="emails" { "E-mail addresses" }
            @if emails.is_empty() {
                (nothing("No address is known."))
            } @else {
                ul.rows {
                    @for email in emails {
                        li {
                            span.grow.break { (email.email_address) }
                            span {
                                @if email.primary { (badge("primary", Tone::Plain)) " " }
                                @if email.verified { (badge("verified", Tone::Good)) }
                                @else { (badge("not verified", Tone::Warn)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn organizations(places: &[MemberOf], active: Option<&str>) -> Markup {
    let switch = |id: Option<&str>, name: &str| {
        html! {
            form data-organization=(id.unwrap_or_default()) data-done=(format!("{name} is active.")) {
                button.button.quiet.small type="submit" aria-label=(format!("Switch to {name}")) { "Switch" }
            }
        }
    };
    html! {
        section.card aria-labelledby="organizations" {
            h2 id="organizations" { "Organizations" }
            @if places.is_empty() {
                (nothing("You belong to none."))
            } @else {
                ul.rows {
                    li {
                        span.grow { "Personal" }
                        @if active.is_none() { (badge("active", Tone::Good)) } @else { (switch(None, "Personal")) }
                    }
                    @for place in places {
                        @let id = place.membership.clerk_organization_id.as_deref();
                        @let known = place.organization.as_ref();
                        @let name = known.and_then(|known| known.name.as_deref()).unwrap_or("unnamed");
                        li {
                            span.grow.break {
                                (name) " "
                                @if let Some(role) = &place.membership.role { (badge(role, Tone::Plain)) }
                            }
                            @if id.is_some() && id == active { (badge("active", Tone::Good)) } @else { (switch(id, name)) }
                        }
                    }
                }
            }
        }
    }
}

fn own_sessions(sessions: &[Session], current: Option<&str>, now: DateTime<Utc>) -> Markup {
    html! {
        section.card.wide id="sessions" data-fragment aria-labelledby="sessions-title" {
            h2 id="sessions-title" { "Sessions" }
            p.faint { "Where you are signed in. Ending a session takes effect at its next request." }
            @if sessions.is_empty() {
                (nothing("No webhook has told of this session yet."))
            } @else {
                ul.rows {
                    @for session in sessions {
                        @let id = session.clerk_session_id.as_str();
                        @let is_current = current == Some(id);
                        li {
                            div.grow {
                                strong { (browser(session.user_agent.as_deref())) }
                                " "
                                @if is_current { (badge("this session", Tone::Good)) }
                                div.faint {
                                    @if let Some(address) = &session.client_ip { (address) " · " }
                                    "signed in " (ago_or(session.signed_in_at, now, "some time ago"))
                                }
                            }
                            @if !is_current {
                                form data-api=(format!("DELETE /api/v1/me/sessions/{id}")) data-done="The session is over." {
                                    button.button.quiet.small type="submit" aria-label=(format!("End session of {}", browser(session.user_agent.as_deref()))) { "End" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A browser's name, out of what it says of itself.
pub(crate) fn browser(user_agent: Option<&str>) -> String {
    let Some(text) = user_agent else {
        return "Unknown device".to_owned();
    };
    let known = |names: &[(&str, &'static str)]| {
        let mut found = names.iter().filter(|(mark, _)| text.contains(mark));
        found.next().map(|(_, name)| *name)
    };
    // Nearly all of them claim to be the others too; the first that fits is meant.
    let browser = known(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => text.chars().take(40).collect(),
    }
}

fn preferences(user: &User) -> Markup {
    let text = serde_json::to_string_pretty(&user.preferences).unwrap_or_default();
    html! {
        section.card.wide id="preferences" data-fragment aria-labelledby="preferences-title" {
            h2 id="preferences-title" { "Preferences" }
            p.faint { "Your own settings in the team's product, as JSON. Saving sets what is named here; " code { "null" } " takes a name away." }
            form data-api="PATCH /api/v1/me/preferences" data-type="application/merge-patch+json" data-whole="patch" data-done="Preferences are saved." {
                label.field {
                    span.unseen { "Preferences as JSON" }
                    textarea name="patch" rows="6" spellcheck="false" autocomplete="off" { (text) }
                }
                p.actions { button.button.small type="submit" { "Save" } }
            }
        }
    }
}

fn meters_of(meters: &[Meter], month: Month) -> Markup {
    html! {
        section.card aria-labelledby="usage" {
            h2 id="usage" { "Usage" }
            @if meters.is_empty() {
                (nothing("Nothing is metered."))
            }
            @for meter in meters {
                @let name = meter.feature.replace('_', " ");
                @let used = meter.usage.used;
                div.meter {
                    p { span { (name) } span.faint { (used) " of " (meter.limit) } }
                    meter min="0" max=(meter.limit.max(1)) value=(used.min(meter.limit.max(1))) aria-label=(name) {
                        (used) " of " (meter.limit)
                    }
                }
            }
            p.faint { "Counting begins anew on " (month.resets_at().format("%-d %B %Y")) "." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named() {
        for (text, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU like Mac OS X) Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.1", "curl/8.1"),
        ] {
            assert_eq!(browser(Some(text)), expected);
        }
        assert_eq!(browser(None), "Unknown device");
    }
}
