-- Organizations, memberships and billing, typed; and what background work needs.
--
-- A membership counts while neither it, its organization nor its user is deleted: nothing cascades, so that it does not
-- matter which of them is told of first.

alter table users add column tier_until timestamptz;
create index users_tier_until on users (tier_until) where tier_until is not null;

create table organizations (
    clerk_organization_id text primary key,
    name text,
    slug text,
    image_url text,
    public_metadata jsonb not null,
    created_by text,
    tier text,
    tier_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    version bigint not null,
    precedence bytea not null,
    mirrored_at timestamptz not null
);
create index organizations_tier_until on organizations (tier_until) where tier_until is not null;

create table organization_memberships (
    clerk_membership_id text primary key,
    clerk_organization_id text,
    clerk_user_id text,
    role text,
    permissions jsonb not null,
    public_metadata jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    version bigint not null,
    precedence bytea not null,
    mirrored_at timestamptz not null
);
create index organization_memberships_organization on organization_memberships (clerk_organization_id);
create index organization_memberships_user on organization_memberships (clerk_user_id);

create table subscriptions (
    clerk_subscription_id text primary key,
    payer_user_id text,
    payer_organization_id text,
    status text,
    active_at timestamptz,
    past_due_at timestamptz,
    canceled_at timestamptz,
    ended_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    version bigint not null,
    precedence bytea not null,
    mirrored_at timestamptz not null
);

create table subscription_items (
    clerk_subscription_item_id text primary key,
    clerk_subscription_id text,
    payer_user_id text,
    payer_organization_id text,
    status text,
    clerk_plan_id text,
    plan_slug text,
    plan_interval text,
    is_free_trial boolean not null,
    period_start timestamptz,
    period_end timestamptz,
    past_due_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    version bigint not null,
    precedence bytea not null,
    mirrored_at timestamptz not null
);
create index subscription_items_user on subscription_items (payer_user_id);
create index subscription_items_organization on subscription_items (payer_organization_id);

-- Where a long job stands, so that it goes on there after a crash.
create table checkpoints (
    name text primary key,
    word text not null
);

-- Which process does a job that only one may do, and until when.
create table leases (
    job text primary key,
    holder text not null,
    until timestamptz not null
);
