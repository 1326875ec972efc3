//! What every page has: the head, the policy of what may run, the header with who is signed in.

use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::assets::{MARK, SCRIPT, STYLE};
use crate::entrance::Visit;
use crate::pieces::{avatar, name_of};
use api::CurrentUser;

/// Which place of the site a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Home,
    SignIn,
    Settings,
    Admin,
    Nowhere,
}

/// A page to be.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) place: Place,
    pub(crate) visit: &'a Visit,
    pub(crate) caller: Option<&'a CurrentUser>,
    pub(crate) body: Markup,
}

impl Page<'_> {
    /// The answer.
    pub(crate) fn respond(self) -> Response {
        let Self {
            title,
            place,
            visit,
            caller,
            body,
        } = self;
        let components = visit.console.components().is_some();
        let nonce = components.then(nonce).flatten();
        let config = config(visit, caller);
        let whole = document(
            title,
            &html! {
                (clerk_scripts(visit, caller.is_some() || place == Place::SignIn, nonce.as_deref()))
                script src=(SCRIPT.path()) defer nonce=[nonce.as_deref()] {}
            },
            &html! {
                (header(place, caller, visit.is_admin))
                main id="main" tabindex="-1" { (body) }
                p.status id="status" role="status" aria-live="polite" {}
                (config)
            },
        );
        let console = &visit.console;
        let clerk = console.clerk_origin.as_deref();
        let policy = policy(clerk, &console.form_origins, nonce.as_deref());
        visit.onto(shown(whole, &policy))
    }
}

/// A page without anything of a visit, for answers that fail.
pub(crate) fn plain(title: &str, body: &Markup) -> Response {
    let whole = document(
        title,
        &html! {},
        &html! {
            (header(Place::Nowhere, None, false))
            main id="main" tabindex="-1" { (body) }
        },
    );
    shown(whole, &policy(None, &[], None))
}

fn shown(whole: Markup, policy: &str) -> Response {
    let mut response = whole.into_string().into_response();
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Forms of these pages have to say where they come from; other sites are told nothing.
    let referrer = HeaderValue::from_static("same-origin");
    headers.insert(REFERRER_POLICY, referrer);
    response
}

fn document(title: &str, head: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · clerk-sync" }
                link rel="stylesheet" href=(STYLE.path());
                link rel="icon" type="image/svg+xml" href=(MARK.path());
                (head)
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (body)
            }
        }
    }
}

/// What the script has to know; nothing of it is a secret.
fn config(visit: &Visit, caller: Option<&CurrentUser>) -> Markup {
    let api = visit.console.settings.frontend_api.as_ref();
    let components = visit.console.components();
    let session = caller.and_then(|caller| caller.proof.session_id());
    html! {
        div id="config" hidden
            data-clerk=[api.map(|api| api.url.as_str())]
            data-key=[components.map(|(_, key)| key)]
            data-development=[api.filter(|api| api.is_development).map(|_| "yes")]
            data-session=[session] {}
    }
}

/// Clerk's own scripts, where its components are used: the user interface first, as it is looked for by the other one.
fn clerk_scripts(visit: &Visit, are_wanted: bool, nonce: Option<&str>) -> Markup {
    let Some((api, key)) = visit.console.components().filter(|_| are_wanted) else {
        return html! {};
    };
    let script = |path: &str| format!("{}/npm/@clerk/{path}", api.url);
    let proxy = api.is_proxy.then_some(api.url.as_str());
    html! {
        script src=(script("ui@1/dist/ui.browser.js")) defer nonce=[nonce] {}
        script src=(script("clerk-js@6/dist/clerk.browser.js")) defer nonce=[nonce]
            data-clerk-publishable-key=(key) data-clerk-proxy-url=[proxy] {}
    }
}

fn header(place: Place, caller: Option<&CurrentUser>, is_admin: bool) -> Markup {
    let current = |here: Place| (here == place).then_some("page");
    html! {
        header.top {
            div.bar {
                a.brand href="/" aria-current=[current(Place::Home)] {
                    (mark())
                    span { "clerk-sync" }
                }
                @if let Some(caller) = caller {
                    nav.places aria-label="Main" {
                        a href="/settings" aria-current=[current(Place::Settings)] { "Settings" }
                        @if is_admin {
                            a href="/admin" aria-current=[current(Place::Admin)] { "Admin" }
                        }
                    }
                    (user_menu(caller))
                } @else if place != Place::Nowhere && place != Place::SignIn {
                    nav.places.end aria-label="Main" {
                        a href="/sign-in" { "Sign in" }
                        a.button.small href="/sign-up" { "Sign up" }
                    }
                }
            }
        }
    }
}

fn user_menu(caller: &CurrentUser) -> Markup {
    let user = &caller.user;
    let name = name_of(user);
    html! {
        div.who {
            div.clerk-button data-user-button hidden {}
            details.menu data-user-menu {
                summary {
                    (avatar(&name, user.image_url.as_deref()))
                    span.name { (name) }
                }
                div.sheet {
                    p.about {
                        strong { (name) }
                        @if let Some(email) = &user.email { span { (email) } }
                    }
                    a href="/settings" { "Settings" }
                    form method="post" action="/sign-out" data-sign-out {
                        button type="submit" { "Sign out" }
                    }
                }
            }
        }
    }
}

/// The mark, drawn within the page: no further request before it is seen.
fn mark() -> Markup {
    PreEscaped(include_str!("assets/mark.svg").replacen(
        "<svg ",
        r#"<svg class="mark" aria-hidden="true" focusable="false" "#,
        1,
    ))
}

/// What a page may load, run and call: files of ours and, where there is one, Clerk. Browsers hold a form to the policy
/// through all redirects.
fn policy(clerk: Option<&str>, form_origins: &[String], nonce: Option<&str>) -> String {
    let forms: String = form_origins
        .iter()
        .map(|origin| format!(" {origin}"))
        .collect();
    let clerk = clerk.map(|origin| format!(" {origin}")).unwrap_or_default();
    // Clerk's components bring styles of their own, ask whether somebody is a machine, and work in the background.
    let (styles, scripts, more) = match nonce {
        Some(nonce) => (
            format!(" 'nonce-{nonce}'"),
            " https://challenges.cloudflare.com",
            "; worker-src 'self' blob:; frame-src https://challenges.cloudflare.com",
        ),
        None => (String::new(), "", ""),
    };
    let scripts = if nonce.is_some() {
        format!("{clerk}{scripts}")
    } else {
        String::new()
    };
    format!(
        "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' data: https:{clerk}; \
         connect-src 'self'{clerk}; form-action 'self'{forms}; base-uri 'none'; frame-ancestors 'none'{more}"
    )
}

fn nonce() -> Option<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).ok()?;
    Some(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inline_runs_and_others_are_let_in_by_name() {
        let alone = policy(None, &[], None);
        assert!(alone.contains("script-src 'self';") && alone.contains("style-src 'self';"));
        assert!(alone.contains("connect-src 'self';") && alone.contains("form-action 'self';"));
        let emulator = "http://127.0.0.1:4100".to_owned();
        let portal = policy(Some("http://127.0.0.1:4100"), &[emulator], None);
        assert!(portal.contains("form-action 'self' http://127.0.0.1:4100;"));
        assert!(portal.contains("script-src 'self';"), "{portal}");
        assert!(portal.contains("connect-src 'self' http://127.0.0.1:4100;"));
        let whole = policy(Some("https://clerk.example.com"), &[], Some("abc"));
        assert!(whole.contains("script-src 'self' https://clerk.example.com https://challenges"));
        assert!(whole.contains("style-src 'self' 'nonce-abc';"));
        for policy in [alone, portal, whole] {
            assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
        }
    }
}
