//! The role that the service connects to PostgreSQL as: what it proves itself by, and whether policies bind it.

use diesel::sql_types::{Array, Binary, Bool, Text};
use diesel::{ConnectionError, OptionalExtension as _};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};

use crate::OWNED_TABLES;
use crate::migration::MigrationError;
use crate::postgres::{Conn, connect};
use crate::postgres_url::PostgresTarget;
use crate::row_security::{AdminProof, RowSecurityProblem};

/// What the role of a URL proves itself by.
pub(crate) fn proof_of(url: &SecretString) -> Option<AdminProof> {
    let target = PostgresTarget::parse(url.expose_secret()).ok()?;
    AdminProof::of(target.config.get_user()?, target.config.get_password()?)
}

/// Has the database know a role's proof. Those from before stay, as replicas with the password from before may still run;
/// what is older than the four latest goes. Where it is the latest already, as at most starts, nothing is written.
pub(crate) async fn make_known(conn: &mut Conn, proof: &AdminProof) -> Result<(), MigrationError> {
    let latest: Option<Known> =
        diesel::sql_query("select digest from admin_proofs order by added_at desc limit 1")
            .get_result(conn)
            .await
            .optional()?;
    if latest.is_some_and(|latest| latest.digest == proof.digest()) {
        return Ok(());
    }
    diesel::sql_query(
        "insert into admin_proofs (digest, added_at) values ($1, now()) \
         on conflict (digest) do update set added_at = excluded.added_at",
    )
    .bind::<Binary, _>(proof.digest())
    .execute(conn)
    .await?;
    conn.batch_execute(
        "delete from admin_proofs where digest not in \
         (select digest from admin_proofs order by added_at desc limit 4)",
    )
    .await?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct Known {
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
}

/// What the role owns among the tables and sequences of `public`, itself or as a member of their owner.
const OWNED: &str = "select string_agg(name, ', ') filter (where not is_sequence) as tables, \
    string_agg(name, ', ') filter (where is_sequence) as sequences from ( \
    select format('public.%I', relname) as name, relkind = 'S' as is_sequence from pg_class \
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f', 'S') \
    and pg_has_role(relowner, 'usage')) as owned";

#[derive(diesel::QueryableByName)]
struct Owned {
    #[diesel(sql_type = Text)]
    tables: String,
    #[diesel(sql_type = Text)]
    sequences: String,
}

/// Lets the application's role work with the owner's tables, and read their sequences, as pg_dump does. It may not
/// change the list of migrations, nor what the audit log has said, nor read by what admins are known. What belongs to others
/// in the same schema is theirs to grant.
pub(crate) async fn let_in(
    owner: &SecretString,
    application: &SecretString,
) -> Result<(), MigrationError> {
    let target = PostgresTarget::parse(application.expose_secret())
        .map_err(|error| ConnectionError::InvalidConnectionUrl(error.to_string()))?;
    let Some(role) = target.config.get_user() else {
        return Ok(());
    };
    // A role's name cannot be a parameter; quoted, it is a name and nothing else.
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let mut conn = connect(owner.expose_secret()).await?;
    let Owned { tables, sequences } = diesel::sql_query(OWNED).get_result(&mut conn).await?;
    conn.batch_execute(&format!(
        "grant usage on schema public to {role};
         grant select, insert, update, delete on {tables} to {role};
         grant usage, select on sequence {sequences} to {role};
         revoke insert, update, delete on __diesel_schema_migrations from {role};
         revoke update, delete on audit_log from {role};
         revoke all on admin_proofs from {role};"
    ))
    .await?;
    if let Some(proof) = proof_of(application) {
        make_known(&mut conn, &proof).await?;
    }
    Ok(())
}

/// Whether the database says that the role has no right to it.
pub(crate) fn is_forbidden(error: &MigrationError) -> bool {
    matches!(
        error,
        MigrationError::Query(diesel::result::Error::DatabaseError(_, info))
            if info.message().starts_with("permission denied")
    )
}

#[derive(diesel::QueryableByName)]
struct RoleFacts {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    is_superuser: bool,
    #[diesel(sql_type = Bool)]
    bypasses: bool,
    #[diesel(sql_type = Bool)]
    is_in_group: bool,
    #[diesel(sql_type = Array<Text>)]
    unprotected: Vec<String>,
    #[diesel(sql_type = Bool)]
    is_known: bool,
}

/// Looks at the role that a URL connects as, and at the owned tables.
pub(crate) async fn row_security_problem(
    url: &SecretString,
) -> Result<Option<RowSecurityProblem>, MigrationError> {
    let mut conn = connect(url.expose_secret()).await?;
    let scope = proof_of(url).map_or_else(String::new, |proof| proof.text().to_owned());
    let tables: Vec<&str> = OWNED_TABLES.to_vec();
    conn.batch_execute("begin").await?;
    diesel::sql_query("select set_config('app.admin_proof', $1, true)")
        .bind::<Text, _>(scope)
        .execute(&mut conn)
        .await?;
    let facts: RoleFacts = diesel::sql_query(
        "select current_user::text as role, r.rolsuper as is_superuser, r.rolbypassrls as bypasses, \
         exists (select from pg_roles g where g.rolname = 'clerk_sync_admin' \
             and pg_has_role(current_user, g.oid, 'member')) as is_in_group, \
         array(select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace \
             and c.relname = any($1) and not (c.relrowsecurity and c.relforcerowsecurity) order by 1) as unprotected, \
         clerk_sync_is_admin() as is_known \
         from pg_roles r where r.rolname = current_user",
    )
    .bind::<Array<Text>, _>(tables)
    .get_result(&mut conn)
    .await?;
    let RoleFacts {
        role,
        is_superuser,
        bypasses,
        is_in_group,
        unprotected,
        is_known,
    } = facts;
    Ok(if is_superuser {
        Some(RowSecurityProblem::Superuser { role })
    } else if bypasses {
        Some(RowSecurityProblem::Bypasses { role })
    } else if is_in_group {
        Some(RowSecurityProblem::Admin { role })
    } else if !unprotected.is_empty() {
        Some(RowSecurityProblem::Unprotected {
            tables: unprotected,
        })
    } else if !is_known {
        Some(RowSecurityProblem::NoAdmins { role })
    } else {
        None
    })
}
