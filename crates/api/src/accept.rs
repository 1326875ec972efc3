//! Which of the forms that a route can give the client wants (RFC 9110, section 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

/// How much the client wants a form, in thousandths, and where in the list it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wish {
    quality: u16,
    place: usize,
}

/// Whether the client wants a stream of events rather than JSON: it must name the stream, and prefer it. Of two that it
/// wants alike the one that it names first counts; a range such as `*/*` names neither.
pub(crate) fn prefers_stream(headers: &HeaderMap) -> bool {
    let lists: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let entries: Vec<(&str, u16)> = lists
        .iter()
        .flat_map(|list| list.split(','))
        .filter_map(entry)
        .collect();
    let wish = |form: &str| {
        entries
            .iter()
            .enumerate()
            .find(|(_, (named, _))| named.eq_ignore_ascii_case(form))
            .map(|(place, (_, quality))| Wish {
                quality: *quality,
                place,
            })
    };
    let Some(stream) = wish("text/event-stream").filter(|wish| wish.quality > 0) else {
        return false;
    };
    match wish("application/json") {
        Some(json) if json.quality == stream.quality => stream.place < json.place,
        Some(json) => stream.quality > json.quality,
        None => {
            let range = wish("application/*").or_else(|| wish("*/*"));
            range.is_none_or(|range| stream.quality >= range.quality)
        }
    }
}

/// One entry of the list: the form and its quality. One whose quality is none is left out.
fn entry(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let form = parts.next().filter(|form| !form.is_empty())?;
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then_some(value.trim())
    });
    match quality {
        None => Some((form, 1000)),
        Some(text) => Some((form, thousandths(text)?)),
    }
}

fn thousandths(text: &str) -> Option<u16> {
    let quality: f32 = text
        .parse()
        .ok()
        .filter(|quality| (0.0..=1.0).contains(quality))?;
    // Between 0 and 1000 by the line above.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 1000"
    )]
    Some((quality * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn prefers(lists: &[&'static str]) -> bool {
        let values = lists
            .iter()
            .map(|list| (ACCEPT, HeaderValue::from_static(list)));
        prefers_stream(&values.collect())
    }

    #[test]
    fn a_stream_has_to_be_named() {
        for list in [
            "",
            "*/*",
            "text/*",
            "application/json",
            "text/event-streams",
            ";",
        ] {
            assert!(!prefers(&[list]), "{list}");
        }
        assert!(!prefers(&[]));
        for list in [
            "text/event-stream",
            "TEXT/Event-Stream",
            "text/event-stream; charset=utf-8",
            "text/html, text/event-stream",
            "text/event-stream, */*",
            "*/*, text/event-stream",
            "application/*;q=0.5, text/event-stream;q=0.5",
        ] {
            assert!(prefers(&[list]), "{list}");
        }
        assert!(prefers(&["text/html", "text/event-stream"]));
    }

    #[test]
    fn quality_decides_and_then_the_order() {
        for (list, expected) in [
            ("application/json, text/event-stream", false),
            ("text/event-stream, application/json", true),
            ("application/json;q=0.9, text/event-stream", true),
            ("text/event-stream;q=0.9, application/json", false),
            ("text/event-stream;q=0.123, application/json;q=0.122", true),
            ("text/event-stream;q=0", false),
            ("text/event-stream;q=0.0, */*", false),
            ("text/event-stream;q=0.5, */*;q=0.8", false),
            ("text/event-stream;Q=0.5, */*;q=0.1", true),
        ] {
            assert_eq!(prefers(&[list]), expected, "{list}");
        }
    }

    #[test]
    fn what_is_no_quality_names_nothing() {
        for quality in ["x", "-1", "2", "NaN", "inf", ""] {
            let value = HeaderValue::from_str(&format!("text/event-stream;q={quality}")).unwrap();
            assert!(
                !prefers_stream(&[(ACCEPT, value)].into_iter().collect()),
                "{quality}"
            );
        }
    }
}
