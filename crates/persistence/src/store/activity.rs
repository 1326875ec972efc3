//! How much there is, and how much goes on day by day.

use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::dsl::{count_star, sql};
use diesel::sql_types::{BigInt, Text};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult,
};
use domain::{DayActivity, Outcome, SessionStatus, Totals};

use super::super::{DAY_OF_RECEIPT, DAY_OF_SIGN_IN};
use super::Conn;
use super::run::RunQueryDsl;
use crate::column::Time;
use crate::schema::{organizations, sessions, users, webhook_deliveries as ledger};

/// How many of each there are at `now`.
pub(super) async fn totals(conn: &mut Conn, now: DateTime<Utc>) -> QueryResult<Totals> {
    let now = Time(now);
    let users: i64 = users::table
        .filter(users::deleted_at.is_null())
        .select(count_star())
        .get_result(conn)
        .await?;
    let organizations: i64 = organizations::table
        .filter(organizations::deleted_at.is_null())
        .select(count_star())
        .get_result(conn)
        .await?;
    let lasts = sessions::expire_at
        .is_null()
        .or(sessions::expire_at.assume_not_null().gt(now));
    let is_kept = sessions::abandon_at
        .is_null()
        .or(sessions::abandon_at.assume_not_null().gt(now));
    let sessions: i64 = sessions::table
        .filter(sessions::status.eq(SessionStatus::Active.as_str()))
        .filter(lasts)
        .filter(is_kept)
        .select(count_star())
        .get_result(conn)
        .await?;
    Ok(Totals {
        users: count(users),
        organizations: count(organizations),
        sessions: count(sessions),
    })
}

/// What went on in so many days, of which `last` is the last; each day is there.
pub(super) async fn days(
    conn: &mut Conn,
    last: NaiveDate,
    number: u32,
) -> QueryResult<Vec<DayActivity>> {
    let number = u64::from(number.max(1));
    let first = last.checked_sub_days(Days::new(number - 1)).unwrap_or(last);
    let end = last.checked_add_days(Days::new(1)).unwrap_or(last);
    let (since, until) = (midnight(first), midnight(end));
    let (received, outcome) = (|| sql::<BigInt>(DAY_OF_RECEIPT), || sql::<Text>("outcome"));
    let deliveries: Vec<(i64, String, i64)> = ledger::table
        .filter(
            ledger::received_at
                .ge(since)
                .and(ledger::received_at.lt(until)),
        )
        .group_by((received(), outcome()))
        .select((received(), outcome(), count_star()))
        .load(conn)
        .await?;
    let began = || sql::<BigInt>(DAY_OF_SIGN_IN);
    let at = sessions::signed_in_at.assume_not_null();
    let sign_ins: Vec<(i64, i64)> = sessions::table
        .filter(at.ge(since).and(at.lt(until)))
        .group_by(began())
        .select((began(), count_star()))
        .load(conn)
        .await?;
    let mut days: Vec<DayActivity> = first
        .iter_days()
        .take_while(|day| *day < end)
        .map(DayActivity::quiet)
        .collect();
    for (day, outcome, number) in deliveries {
        if let (Some(day), Some(outcome)) = (day_of(&mut days, day), Outcome::parse(&outcome)) {
            day.deliveries.push((outcome, count(number)));
        }
    }
    for (day, number) in sign_ins {
        if let Some(day) = day_of(&mut days, day) {
            day.sign_ins = count(number);
        }
    }
    Ok(days)
}

fn day_of(days: &mut [DayActivity], number: i64) -> Option<&mut DayActivity> {
    let epoch = DateTime::UNIX_EPOCH.date_naive();
    let day = epoch.checked_add_days(Days::new(u64::try_from(number).ok()?))?;
    days.iter_mut().find(|known| known.day == day)
}

fn midnight(day: NaiveDate) -> Time {
    Time(day.and_time(chrono::NaiveTime::MIN).and_utc())
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
