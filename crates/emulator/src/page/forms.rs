//! Pieces that all views are made of.

use chrono::{DateTime, SecondsFormat};
use maud::{Markup, html};

use super::view::{ROWS, View};
use crate::user::User;

/// A button that does one thing, as a form of hidden fields.
pub(super) fn button(
    action: &str,
    label: &str,
    class: &str,
    back: &View,
    fields: &[(&str, &str)],
) -> Markup {
    form(
        action,
        back,
        html! {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) { (label) }
        },
    )
}

/// A button behind a question.
pub(super) fn asked(
    action: &str,
    label: &str,
    question: &str,
    back: &View,
    fields: &[(&str, &str)],
) -> Markup {
    html! {
        details.ask {
            summary.button.danger { (label) "…" }
            div.answer {
                p { (question) }
                (button(action, label, "danger solid", back, fields))
            }
        }
    }
}

/// A form that comes back to a view.
pub(super) fn form(action: &str, back: &View, inside: Markup) -> Markup {
    html! {
        form method="post" action={ "/__emu/page/" (action) } {
            input type="hidden" name="back" value=(back.address());
            (inside)
        }
    }
}

/// A labelled field.
pub(super) fn field(label: &str, name: &str, kind: &str, value: &str, required: bool) -> Markup {
    html! {
        label { span { (label) }
            input type=(kind) name=(name) value=(value) required[required] autocomplete="off" spellcheck="false";
        }
    }
}

/// A choice among keys; the one that is taken comes first if it is none of them.
pub(super) fn choice(label: &str, name: &str, keys: &[&str], taken: &str) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                @if !taken.is_empty() && !keys.contains(&taken) { option selected { (taken) } }
                @for key in keys { option selected[*key == taken] { (key) } }
            }
        }
    }
}

/// A time in milliseconds, to the second.
pub(super) fn time(at: i64) -> Markup {
    let Some(at) = DateTime::from_timestamp_millis(at) else {
        return html! { "–" };
    };
    let exact = at.to_rfc3339_opts(SecondsFormat::Millis, true);
    html! { time datetime=(exact) title=(exact) { (at.format("%Y-%m-%d %H:%M:%S")) } }
}

/// A word with a colour that says whether it is well.
pub(super) fn badge(word: &str) -> Markup {
    let class = match word {
        "delivered" | "active" | "verified" | "accepted" => "badge good",
        "failed" | "banned" | "past_due" | "locked" => "badge bad",
        "pending" | "unverified" | "dropped" | "canceled" | "upcoming" => "badge warn",
        _ => "badge",
    };
    html! { span class=(class) { (word.replace('_', " ")) } }
}

/// A round picture of initials. Eight colours, by the id.
pub(super) fn portrait(initials: &str, id: &str) -> Markup {
    let colour = id
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
        % 8;
    html! { span class={ "portrait c" (colour) } aria-hidden="true" { (initials) } }
}

/// The name, or the address, or the id.
pub(super) fn name_of(user: &User) -> String {
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let full = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if !full.is_empty() {
        return full;
    }
    let other = user.primary_email().or(user.username.as_deref());
    other.unwrap_or(&user.id).to_owned()
}

/// Two letters at most.
pub(super) fn initials(name: &str) -> String {
    let words = name.split(|it: char| !it.is_alphanumeric());
    let firsts = words.filter_map(|word| word.chars().next());
    firsts.take(2).flat_map(char::to_uppercase).collect()
}

/// Ways to the pages before and behind.
pub(super) fn pager(view: &View, page: usize, total: usize) -> Markup {
    let pages = total.div_ceil(ROWS).max(1);
    html! {
        @if pages > 1 {
            nav.pager aria-label="Pages" {
                @if page > 1 { a.button href=(view.turned_to(page - 1).address()) { "← Newer" } }
                span { "Page " (page) " of " (pages) }
                @if page < pages { a.button href=(view.turned_to(page + 1).address()) { "Older →" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_two_letters() {
        assert_eq!(initials("Ida Lund Berg"), "IL");
        assert_eq!(initials("post@example.com"), "PE");
        assert_eq!(initials("ß"), "SS");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn hostile_text_is_text() {
        let drawn = field("<b>", "n", "text", "\"><script>alert(1)</script>", false).into_string();
        assert!(
            !drawn.contains("<script>") && !drawn.contains("<b>"),
            "{drawn}"
        );
    }
}
