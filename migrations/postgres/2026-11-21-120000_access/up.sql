-- Access: what the team itself says about users (overrides, invites, deactivation), what they use, and who did what.
--
-- `users.role` and `users.tier` stay the ones in force; `role_source` and `tier_source` say why.

alter table users add column role_override text;
alter table users add column role_source text;
alter table users add column tier_override text;
alter table users add column tier_source text;
alter table users add column invite_validated_at timestamptz;
alter table users add column deactivated_at timestamptz;
alter table users add column tokens_valid_after timestamptz;
alter table users drop column is_active;
alter table users add column is_active boolean not null
    generated always as (deleted_at is null and not banned and deactivated_at is null) stored;

-- Roles that may lapse although nothing more is told: the sweep looks for them every few seconds.
create index users_role_of_plan on users (role_source) where role_source like 'rule %: plan';

-- No code is kept, only its digest. No limit of uses or no end: null.
create table invites (
    id uuid primary key,
    code_digest bytea not null unique,
    max_uses bigint check (max_uses > 0),
    uses bigint not null check (uses >= 0),
    expires_at timestamptz,
    revoked_at timestamptz,
    note text,
    created_by text not null,
    created_at timestamptz not null
);

-- The one validation of each user that counts. Without an invite: by the code in the configuration.
create table invite_redemptions (
    user_id uuid primary key,
    invite_id uuid,
    redeemed_at timestamptz not null
);
create index invite_redemptions_invite on invite_redemptions (invite_id);

-- Tries of the last hour, once for the user and once for the address that they came from.
create table invite_attempts (
    id uuid primary key,
    subject text not null,
    at timestamptz not null,
    alerted boolean not null
);
create index invite_attempts_subject on invite_attempts (subject, at);
create index invite_attempts_at on invite_attempts (at);

-- Metered features, by calendar month (UTC), `2026-11`.
create table usage (
    user_id uuid not null,
    feature text not null,
    month text not null,
    used bigint not null check (used >= 0),
    reserved bigint not null check (reserved >= 0),
    primary key (user_id, month, feature)
);

-- What is part of `usage.reserved`: given back when it expires.
create table usage_reservations (
    id uuid primary key,
    user_id uuid not null,
    feature text not null,
    month text not null,
    amount bigint not null check (amount > 0),
    expires_at timestamptz not null
);
create index usage_reservations_usage on usage_reservations (user_id, month, feature, expires_at);

-- Requests to forget a person, and that it was done. One is open at a time.
create table erasures (
    id uuid primary key,
    user_id uuid not null,
    clerk_user_id text not null,
    requested_by text not null,
    requested_at timestamptz not null,
    due_at timestamptz not null,
    cancelled_at timestamptz,
    executed_at timestamptz
);
create unique index erasures_open on erasures (user_id) where cancelled_at is null and executed_at is null;
create index erasures_due on erasures (due_at) where cancelled_at is null and executed_at is null;

-- Who did what to whom. Lines are added and never changed: neither by the application's role, which has no right to,
-- nor, where one role owns all, by a statement that anybody runs without taking the triggers away first.
create table audit_log (
    id uuid primary key,
    at timestamptz not null,
    actor text not null,
    impersonator text,
    action text not null,
    subject_kind text,
    subject_id text,
    before jsonb,
    after jsonb,
    reason text,
    request_id text
);
create index audit_log_subject on audit_log (subject_id, id);
create index audit_log_actor on audit_log (actor, id);

create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'audit_log is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_log_rows before update or delete on audit_log
    for each row execute function audit_log_is_append_only();
create trigger audit_log_whole before truncate on audit_log
    for each statement execute function audit_log_is_append_only();
