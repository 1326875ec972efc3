//! Exact decimals: `numeric(28, 12)` on PostgreSQL, which counts in digits of ten thousand, and a text on SQLite, which has
//! no decimals.

use diesel::backend::Backend;
use diesel::data_types::PgNumeric;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Numeric, SqlType, Text};
use diesel::sqlite::Sqlite;
use domain::workspace::Decimal;

/// A decimal, in SQL.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(postgres_type(oid = 1700, array_oid = 1231))]
#[diesel(sqlite_type(name = "Text"))]
pub struct DbDecimal;

/// A decimal as a parameter or in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = DbDecimal)]
pub struct Exact(pub Decimal);

/// Decimal digits in one of PostgreSQL's.
const WIDTH: usize = 4;

/// As PostgreSQL has it: digits of ten thousand, the first of which counts ten thousand to the power of `weight`.
fn to_numeric(value: Decimal) -> Option<PgNumeric> {
    let text = value.to_string();
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let whole_groups = whole.len().div_ceil(WIDTH);
    let padded = format!(
        "{whole:0>before$}{fraction:0<after$}",
        before = whole_groups * WIDTH,
        after = fraction.len().div_ceil(WIDTH) * WIDTH,
    );
    let mut digits = Vec::with_capacity(padded.len() / WIDTH);
    for group in padded.as_bytes().chunks(WIDTH) {
        digits.push(std::str::from_utf8(group).ok()?.parse::<i16>().ok()?);
    }
    let weight = i16::try_from(whole_groups).ok()?.checked_sub(1)?;
    let scale = u16::try_from(fraction.len()).ok()?;
    Some(if text.starts_with('-') {
        PgNumeric::Negative {
            weight,
            scale,
            digits,
        }
    } else {
        PgNumeric::Positive {
            weight,
            scale,
            digits,
        }
    })
}

/// `None` for what is no number, or has more digits than are kept.
fn from_numeric(numeric: &PgNumeric) -> Option<Decimal> {
    let (sign, weight, digits) = match numeric {
        PgNumeric::Positive { weight, digits, .. } => ("", *weight, digits),
        PgNumeric::Negative { weight, digits, .. } => ("-", *weight, digits),
        PgNumeric::NaN => return None,
    };
    let mantissa: String = digits.iter().map(|digit| format!("{digit:04}")).collect();
    let after_first = i64::try_from(digits.len()).ok()?.checked_sub(1)?;
    let exponent = (i64::from(weight) - after_first).checked_mul(4)?;
    format!("{sign}{mantissa}e{exponent}").parse().ok()
}

impl ToSql<DbDecimal, Pg> for Exact {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let numeric = to_numeric(self.0).ok_or("a decimal that is no numeric")?;
        ToSql::<Numeric, Pg>::to_sql(&numeric, &mut out.reborrow())
    }
}

impl FromSql<DbDecimal, Pg> for Exact {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let numeric = <PgNumeric as FromSql<Numeric, Pg>>::from_sql(value)?;
        if matches!(&numeric, PgNumeric::Positive { digits, .. } | PgNumeric::Negative { digits, .. } if digits.is_empty())
        {
            return Ok(Self(Decimal::ZERO));
        }
        let value = from_numeric(&numeric);
        value
            .map(Self)
            .ok_or_else(|| "a numeric that is no decimal of ours".into())
    }
}

impl ToSql<DbDecimal, Sqlite> for Exact {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<DbDecimal, Sqlite> for Exact {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(text.parse()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_back_from_postgres_digits() {
        for text in [
            "0",
            "1",
            "-1",
            "9999",
            "10000",
            "12345.6789",
            "0.5",
            "0.000000000001",
            "-0.00012",
            "9999999999999999.999999999999",
            "1000000000000000",
        ] {
            let value: Decimal = text.parse().unwrap();
            let numeric = to_numeric(value).unwrap();
            assert_eq!(from_numeric(&numeric), Some(value), "{text}: {numeric:?}");
        }
        let numeric = to_numeric("12345.678".parse().unwrap()).unwrap();
        let PgNumeric::Positive {
            weight,
            scale,
            digits,
        } = numeric
        else {
            panic!("a positive number");
        };
        assert_eq!((weight, scale, digits), (1, 3, vec![1, 2345, 6780]));
    }
}
