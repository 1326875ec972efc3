//! How a transaction on owned rows begins on PostgreSQL: by saying who acts, which policies read.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::column::{DbUuid, Id};
use crate::postgres::{Link, commit};
use crate::row_security::Told;

/// Ends a query whose rows are kept from other writers until the transaction ends.
pub(crate) const FOR_UPDATE: &str = " for update";

/// The end of a condition: that what stands before is one of these. The same text for any number of them.
pub(crate) fn one_of<'b>(mut out: AstPass<'_, 'b, Pg>, ids: &'b Vec<Id>) -> QueryResult<()> {
    out.push_sql(" = any(");
    out.push_bind_param::<Array<DbUuid>, Vec<Id>>(ids)?;
    out.push_sql(")");
    Ok(())
}

/// Begins a transaction that only reads. As with the mirror's own, the lease ends one that goes wrong.
pub(crate) async fn enter(mut link: Link<'_>) -> QueryResult<()> {
    link.batch_execute("begin read only").await
}

/// Ends what [`enter`] began.
pub(crate) async fn leave(link: Link<'_>) -> QueryResult<()> {
    commit(link).await
}

/// Begins a transaction that writes owned rows: without the mirror's lock, and without a word to those who listen.
pub(crate) async fn begin_owned(mut link: Link<'_>) -> QueryResult<()> {
    link.batch_execute("begin").await
}

/// Tells the transaction who acts: nothing of it is left when it ends.
pub(crate) async fn tell(mut link: Link<'_>, told: &Told) -> QueryResult<()> {
    Tell(told).execute(&mut link).await.map(drop)
}

struct Tell<'a>(&'a Told);

impl QueryFragment<Pg> for Tell<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Told {
            user_id,
            organization_id,
            admin_proof,
            claims,
        } = self.0;
        out.push_sql("select set_config('app.current_user_id', ");
        out.push_bind_param::<Text, String>(user_id)?;
        out.push_sql(", true), set_config('app.current_org_id', ");
        out.push_bind_param::<Text, String>(organization_id)?;
        out.push_sql(", true), set_config('app.admin_proof', ");
        out.push_bind_param::<Text, String>(admin_proof)?;
        out.push_sql(", true), set_config('request.jwt.claims', ");
        out.push_bind_param::<Text, String>(claims)?;
        out.push_sql(", true)");
        Ok(())
    }
}

/// By its text.
impl QueryId for Tell<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> diesel::RunQueryDsl<C> for Tell<'_> {}

/// Waits until nobody else has the lock of this name, and has it until the transaction ends.
pub(crate) async fn lock_name(mut link: Link<'_>, name: Option<&str>) -> QueryResult<()> {
    match name {
        Some(name) => LockName(name).execute(&mut link).await.map(drop),
        None => Ok(()),
    }
}

struct LockName<'a>(&'a str);

impl QueryFragment<Pg> for LockName<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("select pg_advisory_xact_lock(hashtextextended(");
        out.push_bind_param::<Text, str>(self.0)?;
        out.push_sql(", 0))");
        Ok(())
    }
}

/// By its text.
impl QueryId for LockName<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> diesel::RunQueryDsl<C> for LockName<'_> {}
