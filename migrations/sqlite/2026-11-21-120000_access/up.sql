-- Access: what the team itself says about users (overrides, invites, deactivation), what they use, and who did what.
--
-- `users.role` and `users.tier` stay the ones in force; `role_source` and `tier_source` say why.

alter table users add column role_override text;
alter table users add column role_source text;
alter table users add column tier_override text;
alter table users add column tier_source text;
alter table users add column invite_validated_at bigint;
alter table users add column deactivated_at bigint;
alter table users add column tokens_valid_after bigint;
-- SQLite adds a generated column only as a virtual one.
alter table users drop column is_active;
alter table users add column is_active boolean not null
    generated always as (deleted_at is null and not banned and deactivated_at is null) virtual;

-- Roles that may lapse although nothing more is told: the sweep looks for them every few seconds.
create index users_role_of_plan on users (role_source) where role_source like 'rule %: plan';

-- No code is kept, only its digest. No limit of uses or no end: null.
create table invites (
    id text primary key,
    code_digest blob not null unique,
    max_uses bigint check (max_uses > 0),
    uses bigint not null check (uses >= 0),
    expires_at bigint,
    revoked_at bigint,
    note text,
    created_by text not null,
    created_at bigint not null
);

-- The one validation of each user that counts. Without an invite: by the code in the configuration.
create table invite_redemptions (
    user_id text primary key,
    invite_id text,
    redeemed_at bigint not null
);
create index invite_redemptions_invite on invite_redemptions (invite_id);

-- Tries of the last hour, once for the user and once for the address that they came from.
create table invite_attempts (
    id text primary key,
    subject text not null,
    at bigint not null,
    alerted boolean not null
);
create index invite_attempts_subject on invite_attempts (subject, at);
create index invite_attempts_at on invite_attempts (at);

-- Metered features, by calendar month (UTC), `2026-11`.
create table usage (
    user_id text not null,
    feature text not null,
    month text not null,
    used bigint not null check (used >= 0),
    reserved bigint not null check (reserved >= 0),
    primary key (user_id, month, feature)
);

-- What is part of `usage.reserved`: given back when it expires.
create table usage_reservations (
    id text primary key,
    user_id text not null,
    feature text not null,
    month text not null,
    amount bigint not null check (amount > 0),
    expires_at bigint not null
);
create index usage_reservations_usage on usage_reservations (user_id, month, feature, expires_at);

-- Requests to forget a person, and that it was done. One is open at a time.
create table erasures (
    id text primary key,
    user_id text not null,
    clerk_user_id text not null,
    requested_by text not null,
    requested_at bigint not null,
    due_at bigint not null,
    cancelled_at bigint,
    executed_at bigint
);
create unique index erasures_open on erasures (user_id) where cancelled_at is null and executed_at is null;
create index erasures_due on erasures (due_at) where cancelled_at is null and executed_at is null;

-- Who did what to whom. Lines are added and never changed.
create table audit_log (
    id text primary key,
    at bigint not null,
    actor text not null,
    impersonator text,
    action text not null,
    subject_kind text,
    subject_id text,
    before text check (before is null or json_valid(before)),
    after text check (after is null or json_valid(after)),
    reason text,
    request_id text
);
create index audit_log_subject on audit_log (subject_id, id);
create index audit_log_actor on audit_log (actor, id);

create trigger audit_log_not_updated before update on audit_log begin
    select raise(abort, 'audit_log is append-only');
end;
create trigger audit_log_not_deleted before delete on audit_log begin
    select raise(abort, 'audit_log is append-only');
end;
