//! Small parts that pages are put together from.

use chrono::{DateTime, TimeDelta, Utc};
use domain::User;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

use crate::entrance::Visit;

/// What somebody is called: his name, else his user name or address, else his id.
pub(crate) fn name_of(user: &User) -> String {
    let candidates = [&user.full_name, &user.username, &user.email];
    let name = candidates
        .into_iter()
        .flatten()
        .find(|text| !text.trim().is_empty());
    name.cloned()
        .unwrap_or_else(|| user.clerk_user_id.to_string())
}

/// A picture, over the initials that stand there without one.
pub(crate) fn avatar(name: &str, image_url: Option<&str>) -> Markup {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    let initials: String = words
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect();
    let image = image_url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    html! {
        span.avatar aria-hidden="true" {
            span { (initials) }
            @if let Some(url) = image {
                img src=(url) alt="" loading="lazy" referrerpolicy="no-referrer";
            }
        }
    }
}

/// How a word is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }
}

/// A word with a tone; the word says what the colour says.
pub(crate) fn badge(text: &str, tone: Tone) -> Markup {
    html! { span class=(format!("badge {}", tone.class())) { (text) } }
}

/// An instant, near ones in words.
pub(crate) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let exact = at.format("%-d %b %Y, %H:%M:%S UTC").to_string();
    let gone = now.signed_duration_since(at);
    let words = if gone < TimeDelta::zero() {
        at.format("%-d %b %Y, %H:%M").to_string()
    } else if gone < TimeDelta::seconds(5) {
        "just now".to_owned()
    } else if gone < TimeDelta::minutes(1) {
        format!("{} s ago", gone.num_seconds())
    } else if gone < TimeDelta::hours(1) {
        format!("{} min ago", gone.num_minutes())
    } else if gone < TimeDelta::days(1) {
        format!("{} h ago", gone.num_hours())
    } else {
        at.format("%-d %b %Y").to_string()
    };
    html! { time datetime=(at.to_rfc3339()) title=(exact) { (words) } }
}

/// The same, where there may be none.
pub(crate) fn ago_or(at: Option<DateTime<Utc>>, now: DateTime<Utc>, none: &str) -> Markup {
    match at {
        Some(at) => ago(at, now),
        None => html! { span.faint { (none) } },
    }
}

/// Links to the next page and back to the first, with the filters as they are.
pub(crate) fn pager(visit: &Visit, path: &str, filters: &[&str], next: Option<&str>) -> Markup {
    let link = |cursor: Option<&str>| {
        let mut query = Serializer::new(String::new());
        for name in filters {
            if let Some(value) = visit.asked(name) {
                query.append_pair(name, value);
            }
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    };
    let is_first = visit.asked("cursor").is_none();
    html! {
        @if !is_first || next.is_some() {
            nav.pager aria-label="Pages" {
                @if !is_first { a.button.quiet href=(link(None)) { "First page" } }
                @if let Some(next) = next { a.button.quiet href=(link(Some(next))) rel="next" { "Next page" } }
            }
        }
    }
}

/// A choice of a form, kept as it was asked for.
pub(crate) fn choice<'a>(
    name: &str,
    label: &str,
    any: &str,
    options: impl Iterator<Item = &'a str>,
    chosen: Option<&str>,
) -> Markup {
    html! {
        label.field {
            span { (label) }
            select name=(name) {
                option value="" { (any) }
                @for option in options {
                    option value=(option) selected[chosen == Some(option)] { (option) }
                }
            }
        }
    }
}

/// Where there is nothing to show.
pub(crate) fn nothing(words: &str) -> Markup {
    html! { p.nothing { (words) } }
}

/// A short form of an identifier, whole in its title.
pub(crate) fn short(id: &str) -> Markup {
    let cut: String = id.chars().take(18).collect();
    let is_cut = cut.len() < id.len();
    html! { code title=[is_cut.then_some(id)] { (cut) @if is_cut { "…" } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_pictures_come_by_http() {
        let drawn = avatar("<script>alert(1)</script>", Some("javascript:alert(1)")).into_string();
        assert!(
            !drawn.contains("<script") && !drawn.contains("javascript"),
            "{drawn}"
        );
        let drawn = avatar("ada lovelace", Some("https://x/\"onerror=")).into_string();
        assert!(
            drawn.contains("AL") && drawn.contains("https://x/&quot;onerror="),
            "{drawn}"
        );
    }

    #[test]
    fn near_instants_are_told_in_words() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let told = |seconds: i64| ago(now - TimeDelta::seconds(seconds), now).into_string();
        assert!(told(1).contains(">just now<"));
        assert!(told(59).contains(">59 s ago<"));
        assert!(told(3599).contains(">59 min ago<"));
        assert!(told(7200).contains(">2 h ago<"));
        assert!(told(200_000).contains("2027<"), "{}", told(200_000));
        assert!(told(-60).contains("2027"));
    }
}
