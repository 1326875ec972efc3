//! JSON on its way: moved as it is written, and compared by what it says.
//!
//! `json` keeps a text letter by letter. `jsonb` has an order of keys and a way to write numbers of its own (`1e16` is
//! 10000000000000000 there), so that a text is compared by what it says: numbers digit by digit, never as floats.

use std::collections::BTreeMap;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use serde_json::value::RawValue;

use super::digest::{Field, Sheet};
use crate::column::{DbJson, DbJsonText};

/// What PostgreSQL puts before the text of a `jsonb`: the version of this way to send it.
const JSONB_VERSION: u8 = 1;

/// A value of `json`.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = DbJsonText)]
pub(super) struct JsonText(String);

/// A value of `jsonb`.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = DbJson)]
pub(super) struct Document(String);

impl ToSql<DbJsonText, Pg> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<DbJsonText, Pg> for JsonText {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(value).map(Self)
    }
}

impl FromSql<DbJsonText, Sqlite> for JsonText {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Sqlite>>::from_sql(value).map(Self)
    }
}

impl ToSql<DbJson, Pg> for Document {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        use std::io::Write as _;
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<DbJson, Pg> for Document {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((&JSONB_VERSION, text)) => Ok(Self(std::str::from_utf8(text)?.to_owned())),
            _ => Err("no jsonb".into()),
        }
    }
}

impl FromSql<DbJson, Sqlite> for Document {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        serde_json::from_str::<&RawValue>(&text)?;
        Ok(Self(text))
    }
}

impl Field for JsonText {
    fn write(&self, out: &mut Sheet) {
        out.text(&self.0);
    }
}

impl Field for Document {
    fn write(&self, out: &mut Sheet) {
        write_json(&self.0, out);
    }
}

fn write_json(text: &str, out: &mut Sheet) {
    let text = text.trim_ascii();
    match text.as_bytes().first() {
        Some(b'{') => {
            if let Ok(entries) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
                out.mark(b'{');
                out.count(entries.len());
                for (key, value) in entries {
                    out.text(&key);
                    write_json(value.get(), out);
                }
                return;
            }
        }
        Some(b'[') => {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
                out.mark(b'[');
                out.count(items.len());
                for item in items {
                    write_json(item.get(), out);
                }
                return;
            }
        }
        Some(b'"') => {
            if let Ok(string) = serde_json::from_str::<String>(text) {
                out.mark(b'"');
                out.text(&string);
                return;
            }
        }
        Some(b'-' | b'0'..=b'9') => {
            if let Some(number) = plain(text) {
                out.mark(b'1');
                out.text(&number);
                return;
            }
        }
        _ => {}
    }
    // A word (`true`, `false`, `null`), or what PostgreSQL refuses.
    out.mark(b'w');
    out.text(text);
}

/// A number as its digits without zeros around them, and the power of ten that they count.
fn plain(text: &str) -> Option<String> {
    let (sign, unsigned) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let exponent = exponent.parse::<i64>().ok()?;
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let exponent = exponent.checked_add(zeros)?;
    Some(format!("{sign}{significant}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::super::digest::Tally;
    use super::*;

    fn tally(text: &str) -> Tally {
        let (mut out, mut tally) = (Sheet::default(), Tally::default());
        Document(text.to_owned()).write(&mut out);
        tally.add(&out);
        tally
    }

    #[test]
    fn json_is_what_it_says() {
        for (one, other) in [
            (
                r#"{"a":1,"b":[null, true]}"#,
                r#" { "b": [null,true], "a": 1 } "#,
            ),
            (r#""\u00e9""#, "\"é\""),
            ("1e16", "10000000000000000"),
            ("1.2345678901234567e19", "12345678901234567000"),
            ("1E-7", "0.0000001"),
            ("-0.0", "0"),
            ("-10.0", "-10"),
            ("1.50", "15e-1"),
        ] {
            assert_eq!(tally(one), tally(other), "{one} {other}");
        }
        for (one, other) in [
            ("1.5", "1.6"),
            ("-1", "1"),
            ("10", "1"),
            ("9007199254740993", "9007199254740992"),
            ("[[],1]", "[[1]]"),
            (r#""1""#, "1"),
            (r#"{"a":null}"#, "{}"),
            ("true", "false"),
        ] {
            assert_ne!(tally(one), tally(other), "{one} {other}");
        }
    }

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        let has_nul = |text: &str| {
            let mut out = Sheet::default();
            Document(text.to_owned()).write(&mut out);
            out.has_nul
        };
        assert!(has_nul(r#"{"a":["\u0000"]}"#));
        assert!(has_nul(r#"{"\u0000":1}"#));
        assert!(!has_nul(r#"{"a":["\\u0000"]}"#));
    }
}
