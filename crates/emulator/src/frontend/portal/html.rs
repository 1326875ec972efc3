//! What the emulator's own pages look like: HTML without scripts, one style sheet, nothing inline.

use crate::user::User;

/// The style sheet of all pages.
pub(super) const STYLE: &str = include_str!("style.css");

/// Text made safe to stand in HTML, between tags or in a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(letter),
        }
    }
    safe
}

/// A whole page. `body` is HTML already.
pub(super) fn page(title: &str, application: &str, wrong: Option<&str>, body: &str) -> String {
    let (title, application) = (escape(title), escape(application));
    let wrong = wrong.map_or_else(String::new, |text| {
        format!("<p class=\"wrong\" role=\"alert\">{}</p>", escape(text))
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · {application}</title>\n<link rel=\"stylesheet\" href=\"portal.css\">\n\
         <link rel=\"icon\" href=\"img/portal\" type=\"image/svg+xml\">\n</head>\n<body>\n\
         <main>\n<h1>{title}</h1>\n<p class=\"faint\">{application}</p>\n{wrong}\n{body}\n</main>\n\
         <footer>Offline Clerk, an emulator for development. Not affiliated with Clerk.</footer>\n</body>\n</html>\n"
    )
}

/// A form that posts to `action` and says which step it is.
pub(super) fn form(action: &str, step: &str, fields: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"step\" value=\"{step}\">{fields}</form>",
        escape(action)
    )
}

/// A labelled input. `attributes` is HTML already.
pub(super) fn input(label: &str, name: &str, value: &str, attributes: &str) -> String {
    format!(
        "<label>{label}<input name=\"{name}\" value=\"{}\" {attributes}></label>",
        escape(value)
    )
}

/// The input of a code, with the code beside it, as no mail was sent.
pub(super) fn code(address: &str, code: &str) -> String {
    format!(
        "<p class=\"note\">No mail was sent: this is an emulator. The code for <b>{}</b> is <code>{code}</code>.</p>{}",
        escape(address),
        input(
            "Code",
            "code",
            code,
            "inputmode=\"numeric\" autocomplete=\"one-time-code\" required maxlength=\"6\" autofocus"
        )
    )
}

/// Picture, name and address of a user.
pub(super) fn user(user: &User) -> String {
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    let identifier = user
        .primary_email()
        .or(user.username.as_deref())
        .unwrap_or(&user.id);
    let lines = if names.is_empty() {
        format!("<span>{}</span>", escape(identifier))
    } else {
        format!(
            "<span>{}</span><span>{}</span>",
            escape(&names.join(" ")),
            escape(identifier)
        )
    };
    // Relative, as the style sheet is: the page may be reached under another name than the emulator knows.
    let version = user.image_url.split_once('?').map_or("", |(_, rest)| rest);
    format!(
        "<img src=\"img/{}?{}\" alt=\"\" width=\"34\" height=\"34\"><span class=\"name\">{lines}</span>",
        escape(&user.id),
        escape(version)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_survives() {
        let mut hostile = User::new("user_1\"><script>".to_owned(), 1);
        hostile.first_name = Some("<script>alert(1)</script>".to_owned());
        hostile.username = Some("' onmouseover='x".to_owned());
        let texts = [
            user(&hostile),
            page("<script>", "<script>", Some("<script>"), ""),
            form("\"><script>", "x", ""),
            input("Name", "name", "\"><script>", ""),
            code("<script>", "1"),
        ];
        for text in texts {
            assert!(
                !text.contains("<script") && !text.contains("' on"),
                "{text}"
            );
        }
    }
}
