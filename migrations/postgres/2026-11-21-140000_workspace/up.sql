-- The workspace: rows that belong to users.
--
-- Every table has `user_id`, its owner's id (ours), null for a row from before there were owners, and `organization_id`,
-- Clerk's id of the organization that it was made in, which gives nobody a right. Children carry the owner of the row
-- that they are in. No foreign key leads to `users`: a user's row may come later, and Clerk's deleting takes nothing away.

-- Something that has a price, a condition and parts.
create table listings (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    title text not null,
    price numeric(28, 12) check (price >= 0),
    currency text,
    condition text,
    components jsonb not null,
    status text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index listings_owner on listings (user_id, id);

-- Weights by which listings are scored.
create table profiles (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    name text not null,
    description text,
    weights jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index profiles_owner on profiles (user_id, id);

-- Ordered rules that are evaluated on a listing.
create table valuation_rulesets (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    name text not null,
    description text,
    rules jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index valuation_rulesets_owner on valuation_rulesets (user_id, id);

-- Collections of listings; an item may be of a listing that another shares.
create table collections (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    name text not null,
    description text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index collections_owner on collections (user_id, id);

create table collection_items (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    collection_id uuid not null references collections (id) on delete cascade,
    listing_id uuid not null references listings (id) on delete cascade,
    note text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (collection_id, listing_id)
);
create index collection_items_owner on collection_items (user_id, id);
create index collection_items_listing on collection_items (listing_id);
create index collection_items_collection on collection_items (collection_id, id);

-- Whom a listing is shared with: `user_id` shares it, `shared_with` sees it.
create table shares (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    listing_id uuid not null references listings (id) on delete cascade,
    shared_with uuid not null,
    permission text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (listing_id, shared_with)
);
create index shares_owner on shares (user_id, id);
create index shares_shared_with on shares (shared_with, id);

-- Portfolios, their positions, and the jobs that calculate them.
create table portfolios (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    name text not null,
    description text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index portfolios_owner on portfolios (user_id, id);

create table positions (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    portfolio_id uuid not null references portfolios (id) on delete cascade,
    symbol text not null,
    quantity numeric(28, 12) not null check (quantity > 0),
    entry_price numeric(28, 12) not null check (entry_price >= 0),
    entry_date date,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index positions_owner on positions (user_id, id);
create index positions_portfolio on positions (portfolio_id, id);

create table calculation_jobs (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    portfolio_id uuid not null references portfolios (id) on delete cascade,
    status text not null,
    result jsonb,
    error text,
    finished_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index calculation_jobs_owner on calculation_jobs (user_id, id);
create index calculation_jobs_portfolio on calculation_jobs (portfolio_id, id);

-- What a user and the assistant have said.
create table chat_messages (
    id uuid primary key,
    user_id uuid,
    organization_id text,
    role text not null,
    content text not null,
    is_partial boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index chat_messages_owner on chat_messages (user_id, id);

-- Who sees what. Each policy reads settings that the service makes for one transaction: `app.current_user_id`, and for
-- admins `app.admin_proof`. After a transaction PostgreSQL leaves a setting empty rather than null; whatever is no UUID
-- is nobody.
create function clerk_sync_user_id() returns uuid language sql stable as $$
    select case
        when current_setting('app.current_user_id', true)
            ~ '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
        then nullif(current_setting('app.current_user_id', true), '')::uuid
    end
$$;

-- Digests of what the service proves itself by when an admin acts. Only the owner of this table reads it: the
-- application's role has no right to, where there are two.
create table admin_proofs (
    digest bytea primary key check (length(digest) = 32),
    added_at timestamptz not null
);

-- Runs as its owner, who alone reads the digests. A setting that is no proof is worth nothing.
create function clerk_sync_is_admin() returns boolean
language sql stable security definer set search_path = pg_catalog as $$
    select case
        when coalesce(current_setting('app.admin_proof', true), '') = '' then false
        else exists (
            select from public.admin_proofs
            where digest = sha256(convert_to(current_setting('app.admin_proof', true), 'UTF8'))
        )
    end
$$;

-- The group role whose members see everybody's rows in SQL. Nobody is a member until somebody is granted it, the
-- service's own role least of all. An owner who may make no roles goes without.
do $$
begin
    if not exists (select from pg_roles where rolname = 'clerk_sync_admin') then
        create role clerk_sync_admin nologin;
    end if;
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        null;
end
$$;

-- Puts a table behind its policies: an owner's rows are his. `read_also` and `delete_also` let others in, `needs` is what a
-- written row must meet besides. They name the table's own columns with the table's name.
create function clerk_sync_protect(
    target text, read_also text default 'false', needs text default 'true', delete_also text default 'false'
) returns void language plpgsql as $$
declare
    mine constant text := format('%I.user_id = (select clerk_sync_user_id())', target);
    admin constant text := '(select clerk_sync_is_admin())';
begin
    execute format('alter table %I enable row level security', target);
    execute format('alter table %I force row level security', target);
    execute format('create policy %I on %I for select using (%s or %s or %s)',
        target || '_select', target, mine, admin, read_also);
    execute format('create policy %I on %I for insert with check ((%s and %s) or %s)',
        target || '_insert', target, mine, needs, admin);
    execute format('create policy %I on %I for update using (%s or %s) with check ((%s and %s) or %s)',
        target || '_update', target, mine, admin, mine, needs, admin);
    execute format('create policy %I on %I for delete using (%s or %s or %s)',
        target || '_delete', target, mine, admin, delete_also);
    if exists (select from pg_roles where rolname = 'clerk_sync_admin') then
        execute format('create policy %I on %I for all to clerk_sync_admin using (true) with check (true)',
            target || '_admin', target);
        execute format('grant select, insert, update, delete on %I to clerk_sync_admin', target);
    end if;
end
$$;

-- Whether a listing is the user's own. A function, because a policy of `shares` cannot look into `listings`, whose policy
-- looks into `shares`. Its names are whole, so that nobody's temporary table stands in for one of them.
create function clerk_sync_owns_listing(listing uuid) returns boolean language sql stable as $$
    select exists (
        select from public.listings where id = listing and user_id = (select public.clerk_sync_user_id())
    )
$$;

select clerk_sync_protect('listings', read_also =>
    'exists (select from shares where shares.listing_id = listings.id
        and shares.shared_with = (select clerk_sync_user_id()))');
select clerk_sync_protect('shares',
    read_also => 'shares.shared_with = (select clerk_sync_user_id())',
    needs => 'clerk_sync_owns_listing(shares.listing_id)',
    delete_also => 'shares.shared_with = (select clerk_sync_user_id())');
select clerk_sync_protect('profiles');
select clerk_sync_protect('valuation_rulesets');
select clerk_sync_protect('collections');
select clerk_sync_protect('collection_items', needs =>
    'exists (select from collections where collections.id = collection_items.collection_id
        and collections.user_id = (select clerk_sync_user_id()))
     and exists (select from listings where listings.id = collection_items.listing_id)');
select clerk_sync_protect('portfolios');
select clerk_sync_protect('positions', needs =>
    'positions.portfolio_id in (select portfolios.id from portfolios
        where portfolios.user_id = (select clerk_sync_user_id()))');
select clerk_sync_protect('calculation_jobs', needs =>
    'exists (select from portfolios where portfolios.id = calculation_jobs.portfolio_id
        and portfolios.user_id = (select clerk_sync_user_id()))');
select clerk_sync_protect('chat_messages');
