//! Tries of invite codes: each is remembered for an hour, once for the user and once for the address.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, min};
use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use domain::{
    INVITE_ATTEMPT_WINDOW, InviteAttempt, InviteRules, attempt_subject_of_address,
    attempt_subject_of_user,
};
use uuid::Uuid;

use super::Conn;
use super::run::RunQueryDsl;
use crate::column::{Id, Time};
use crate::schema::invite_attempts::{self, dsl};

/// Whose tries are counted, and how many they may have.
pub(super) struct Counted {
    subjects: Vec<(String, u32)>,
    now: DateTime<Utc>,
}

/// A try that has been counted.
pub(super) struct Try {
    ids: Vec<Id>,
}

impl Counted {
    pub(super) fn of(attempt: &InviteAttempt, rules: &InviteRules) -> Self {
        let user = attempt_subject_of_user(attempt.user_id);
        let address = attempt.address.map(attempt_subject_of_address);
        let address = address.map(|subject| (subject, rules.attempts_per_address));
        Self {
            subjects: [(user, rules.attempts_per_user)]
                .into_iter()
                .chain(address)
                .collect(),
            now: attempt.by.at,
        }
    }

    fn since(&self) -> Time {
        Time(
            self.now
                .checked_sub_signed(INVITE_ATTEMPT_WINDOW)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
        )
    }

    /// When the next try will be taken, if this one is not.
    pub(super) async fn exhausted_until(
        &self,
        conn: &mut Conn,
    ) -> QueryResult<Option<DateTime<Utc>>> {
        let mut until = None;
        for (subject, most) in &self.subjects {
            let (count, oldest): (i64, Option<Time>) = invite_attempts::table
                .filter(dsl::subject.eq(subject))
                .filter(dsl::at.gt(self.since()))
                .select((count_star(), min(dsl::at)))
                .first(conn)
                .await?;
            if count >= i64::from(*most) {
                let oldest = oldest.map_or(self.now, |at| at.0);
                until = until.max(oldest.checked_add_signed(INVITE_ATTEMPT_WINDOW));
            }
        }
        Ok(until)
    }

    /// Counts a try, and forgets those that are too old to count. The caller holds the write lock.
    pub(super) async fn count(&self, conn: &mut Conn) -> QueryResult<Try> {
        diesel::delete(invite_attempts::table.filter(dsl::at.le(self.since())))
            .execute(conn)
            .await?;
        let mut ids = Vec::with_capacity(self.subjects.len());
        for (subject, _) in &self.subjects {
            let id = Id(Uuid::now_v7());
            diesel::insert_into(invite_attempts::table)
                .values((
                    dsl::id.eq(id),
                    dsl::subject.eq(subject),
                    dsl::at.eq(Time(self.now)),
                    dsl::alerted.eq(false),
                ))
                .execute(conn)
                .await?;
            ids.push(id);
        }
        Ok(Try { ids })
    }

    /// Whether a failed try has used up somebody's last one, and nobody has been told in this hour.
    pub(super) async fn is_alarming(&self, conn: &mut Conn, failed: &Try) -> QueryResult<bool> {
        let mut is_alarming = false;
        for ((subject, most), id) in self.subjects.iter().zip(&failed.ids) {
            let recent: Vec<bool> = invite_attempts::table
                .filter(dsl::subject.eq(subject))
                .filter(dsl::at.gt(self.since()))
                .select(dsl::alerted)
                .load(conn)
                .await?;
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            if recent.len() >= most && !recent.contains(&true) {
                diesel::update(invite_attempts::table.find(id))
                    .set(dsl::alerted.eq(true))
                    .execute(conn)
                    .await?;
                is_alarming = true;
            }
        }
        Ok(is_alarming)
    }
}

/// Forgets tries that no longer count, at most `limit`; answers how many.
pub(super) async fn prune(conn: &mut Conn, now: DateTime<Utc>, limit: u32) -> QueryResult<u64> {
    let since = now.checked_sub_signed(INVITE_ATTEMPT_WINDOW);
    let old: Vec<Id> = invite_attempts::table
        .filter(dsl::at.le(Time(since.unwrap_or(DateTime::<Utc>::MIN_UTC))))
        .order(dsl::at)
        .limit(i64::from(limit))
        .select(dsl::id)
        .load(conn)
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let gone = diesel::delete(invite_attempts::table.filter(dsl::id.eq_any(old)))
        .execute(conn)
        .await?;
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}

/// Forgets a person's tries.
pub(super) async fn forget(conn: &mut Conn, user_id: Uuid) -> QueryResult<()> {
    let subject = attempt_subject_of_user(user_id);
    diesel::delete(invite_attempts::table.filter(dsl::subject.eq(subject)))
        .execute(conn)
        .await?;
    Ok(())
}

impl Try {
    /// Only failed tries count.
    pub(super) async fn give_back(self, conn: &mut Conn) -> QueryResult<()> {
        diesel::delete(invite_attempts::table.filter(dsl::id.eq_any(self.ids)))
            .execute(conn)
            .await?;
        Ok(())
    }
}
