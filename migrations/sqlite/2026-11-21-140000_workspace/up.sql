-- The workspace: rows that belong to users.
--
-- Every table has `user_id`, its owner's id (ours), null for a row from before there were owners, and `organization_id`,
-- Clerk's id of the organization that it was made in, which gives nobody a right. Children carry the owner of the row
-- that they are in. No foreign key leads to `users`: a user's row may come later, and Clerk's deleting takes nothing away.
-- SQLite has no policies: the same scoping stands in every query. Decimals are texts, as they are written.

-- Something that has a price, a condition and parts.
create table listings (
    id text primary key,
    user_id text,
    organization_id text,
    title text not null,
    price text,
    currency text,
    condition text,
    components text not null check (json_valid(components)),
    status text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index listings_owner on listings (user_id, id);

-- Weights by which listings are scored.
create table profiles (
    id text primary key,
    user_id text,
    organization_id text,
    name text not null,
    description text,
    weights text not null check (json_valid(weights)),
    created_at bigint not null,
    updated_at bigint not null
);
create index profiles_owner on profiles (user_id, id);

-- Ordered rules that are evaluated on a listing.
create table valuation_rulesets (
    id text primary key,
    user_id text,
    organization_id text,
    name text not null,
    description text,
    rules text not null check (json_valid(rules)),
    created_at bigint not null,
    updated_at bigint not null
);
create index valuation_rulesets_owner on valuation_rulesets (user_id, id);

-- Collections of listings; an item may be of a listing that another shares.
create table collections (
    id text primary key,
    user_id text,
    organization_id text,
    name text not null,
    description text,
    created_at bigint not null,
    updated_at bigint not null
);
create index collections_owner on collections (user_id, id);

create table collection_items (
    id text primary key,
    user_id text,
    organization_id text,
    collection_id text not null references collections (id) on delete cascade,
    listing_id text not null references listings (id) on delete cascade,
    note text,
    created_at bigint not null,
    updated_at bigint not null,
    unique (collection_id, listing_id)
);
create index collection_items_owner on collection_items (user_id, id);
create index collection_items_listing on collection_items (listing_id);
create index collection_items_collection on collection_items (collection_id, id);

-- Whom a listing is shared with: `user_id` shares it, `shared_with` sees it.
create table shares (
    id text primary key,
    user_id text,
    organization_id text,
    listing_id text not null references listings (id) on delete cascade,
    shared_with text not null,
    permission text not null,
    created_at bigint not null,
    updated_at bigint not null,
    unique (listing_id, shared_with)
);
create index shares_owner on shares (user_id, id);
create index shares_shared_with on shares (shared_with, id);

-- Portfolios, their positions, and the jobs that calculate them.
create table portfolios (
    id text primary key,
    user_id text,
    organization_id text,
    name text not null,
    description text,
    created_at bigint not null,
    updated_at bigint not null
);
create index portfolios_owner on portfolios (user_id, id);

create table positions (
    id text primary key,
    user_id text,
    organization_id text,
    portfolio_id text not null references portfolios (id) on delete cascade,
    symbol text not null,
    quantity text not null,
    entry_price text not null,
    entry_date date,
    created_at bigint not null,
    updated_at bigint not null
);
create index positions_owner on positions (user_id, id);
create index positions_portfolio on positions (portfolio_id, id);

create table calculation_jobs (
    id text primary key,
    user_id text,
    organization_id text,
    portfolio_id text not null references portfolios (id) on delete cascade,
    status text not null,
    result text check (result is null or json_valid(result)),
    error text,
    finished_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);
create index calculation_jobs_owner on calculation_jobs (user_id, id);
create index calculation_jobs_portfolio on calculation_jobs (portfolio_id, id);

-- What a user and the assistant have said.
create table chat_messages (
    id text primary key,
    user_id text,
    organization_id text,
    role text not null,
    content text not null,
    is_partial boolean not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index chat_messages_owner on chat_messages (user_id, id);
