//! What people type into a search box, as a comparison: text and never a pattern.

diesel::define_sql_function! {
    /// The text in small letters: of the whole alphabet on PostgreSQL, of ASCII on SQLite.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// What [`like`](diesel::TextExpressionMethods::like) takes before characters that mean something to it.
pub(super) const ESCAPE: char = '\\';

/// A pattern for texts in small letters that begin with this one. The database makes its letters small, as those of the
/// column that it is compared with: what it leaves alone there, it leaves alone here.
pub(super) fn beginning(text: &str) -> lower<String> {
    lower(format!("{}%", escaped(text)))
}

/// A pattern for texts in small letters that hold this one.
pub(super) fn holding(text: &str) -> lower<String> {
    lower(format!("%{}%", escaped(text)))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '%' | '_' | ESCAPE) {
            escaped.push(ESCAPE);
        }
        escaped.push(char);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_like_is_taken_as_it_is() {
        assert_eq!(escaped("Ann_%\\"), "Ann\\_\\%\\\\");
    }
}
