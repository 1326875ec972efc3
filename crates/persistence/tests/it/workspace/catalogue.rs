//! What PostgreSQL's own catalogue says: no owned table without its policies, and no way around them.

use std::collections::BTreeSet;

use persistence::OWNED_TABLES;

use crate::store::TestStore;

async fn gaps(store: &TestStore) -> Vec<String> {
    let query = "
        with owned as (
            select c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity from pg_class c
            where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
            and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id')
            and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id')
        )
        select relname || ': row-level security is off' as line from owned where not relrowsecurity
        union all
        select relname || ': row-level security is not forced' from owned where not relforcerowsecurity
        union all
        select o.relname || ': no policy for ' || verb
        from owned o cross join (values ('r'), ('a'), ('w'), ('d')) verbs (verb)
        where not exists (
            select from pg_policy p where p.polrelid = o.oid and p.polcmd = verb::\"char\" and p.polroles = '{0}'
            and p.polpermissive
            and case verb
                when 'a' then p.polwithcheck is not null
                when 'w' then p.polqual is not null and p.polwithcheck is not null
                else p.polqual is not null
            end
        )
        union all
        select o.relname || ': a policy lets everybody in: ' || p.polname from owned o
        join pg_policy p on p.polrelid = o.oid
        where (pg_get_expr(p.polqual, p.polrelid) = 'true' or pg_get_expr(p.polwithcheck, p.polrelid) = 'true')
        and p.polroles <> array[(select oid from pg_roles where rolname = 'clerk_sync_admin')]
        union all
        select c.relname || ': a view sees more than who asks it' from pg_class c
        where c.relkind in ('v', 'm') and c.relnamespace = 'public'::regnamespace
        and not coalesce(c.reloptions @> array['security_invoker=true'], false)
        union all
        select p.proname || ': runs as its owner' from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prosecdef
        and not (p.proname = 'clerk_sync_is_admin' and p.proconfig = array['search_path=pg_catalog'])
        order by 1";
    store.lines(query).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_owned_table_is_behind_its_policies() {
    let store = TestStore::postgres().await;
    assert_eq!(gaps(&store).await, [] as [&str; 0]);
    let owned = "select relname::text as line from pg_class c where relkind = 'r' \
                 and relnamespace = 'public'::regnamespace \
                 and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id') \
                 and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id')";
    let owned: BTreeSet<String> = store.lines(owned).await.into_iter().collect();
    let known: BTreeSet<String> = OWNED_TABLES
        .iter()
        .map(|table| (*table).to_owned())
        .collect();
    assert_eq!(owned, known, "the list of owned tables is out of date");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_tells_of_what_is_missing() {
    let store = TestStore::postgres().await;
    store
        .execute(
            "create table loose (id uuid primary key, user_id uuid, organization_id text);
             create view all_listings as select * from listings;
             create function peek() returns bigint language sql security definer as 'select count(*) from listings';
             alter table profiles no force row level security;
             drop policy shares_update on shares;
             create policy open on portfolios for select using (true);",
        )
        .await;
    assert_eq!(
        gaps(&store).await,
        [
            "all_listings: a view sees more than who asks it",
            "loose: no policy for a",
            "loose: no policy for d",
            "loose: no policy for r",
            "loose: no policy for w",
            "loose: row-level security is not forced",
            "loose: row-level security is off",
            "peek: runs as its owner",
            "portfolios: a policy lets everybody in: open",
            "profiles: row-level security is not forced",
            "shares: no policy for w",
        ]
    );
}
