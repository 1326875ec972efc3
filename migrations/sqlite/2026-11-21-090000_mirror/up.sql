-- The mirror of Clerk, its ledger and its change feed.
--
-- No foreign key joins mirrored rows: Clerk promises no order, so a session may be told of before its user.
-- No unique index on e-mail or username: Clerk gives both anew after a deletion.
-- `precedence` is the place of the row's fact among all facts about the object; it compares bytewise.
-- `version` is Clerk's `updated_at` in force, in milliseconds since 1970; 0 before Clerk has said anything.
--
-- Ids are text, JSON is checked text, and a time is an integer: microseconds since 1970 (UTC).
-- `select datetime(created_at / 1000000, 'unixepoch')` shows one.

create table users (
    id text primary key,
    clerk_user_id text not null unique,
    external_id text,
    username text,
    email text,
    email_verified boolean not null,
    first_name text,
    last_name text,
    full_name text,
    image_url text,
    role text not null,
    tier text not null,
    public_metadata text not null check (json_valid(public_metadata)),
    preferences text not null check (json_valid(preferences)),
    banned boolean not null,
    locked boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    last_login_at bigint,
    deleted_at bigint,
    is_active boolean not null generated always as (deleted_at is null and not banned) stored,
    version bigint not null,
    precedence blob not null,
    mirrored_at bigint not null
);
create index users_email on users (email);

create table user_emails (
    clerk_user_id text not null,
    position integer not null,
    clerk_email_address_id text,
    email_address text not null,
    verified boolean not null,
    is_primary boolean not null,
    primary key (clerk_user_id, position)
);
create index user_emails_address on user_emails (email_address);

create table sessions (
    clerk_session_id text primary key,
    clerk_user_id text,
    clerk_client_id text,
    status text not null,
    end_reason text,
    ended_at bigint,
    last_active_organization_id text,
    actor text check (actor is null or json_valid(actor)),
    client_ip text,
    user_agent text,
    signed_in_at bigint,
    last_active_at bigint,
    expire_at bigint,
    abandon_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    deleted_at bigint,
    version bigint not null,
    precedence blob not null,
    sign_in_precedence blob not null,
    mirrored_at bigint not null
);
create index sessions_user on sessions (clerk_user_id, signed_in_at);

-- Every other kind of object, as it came.
create table clerk_objects (
    kind text not null,
    clerk_id text not null,
    data text not null check (json_valid(data)),
    deleted_at bigint,
    version bigint not null,
    precedence blob not null,
    mirrored_at bigint not null,
    primary key (kind, clerk_id)
);

-- The ledger: one line for each message. `svix_id` is what makes a repetition a duplicate; a rejected message proved
-- no id and has none.
create table webhook_deliveries (
    id text primary key,
    svix_id text unique,
    event_type text not null,
    object_id text,
    instance_id text,
    outcome text not null,
    reason text,
    attempts integer not null,
    occurred_at bigint,
    received_at bigint not null,
    payload text check (payload is null or json_valid(payload)),
    payload_bytes blob
);
create index webhook_deliveries_received on webhook_deliveries (received_at);

-- Every committed change in commit order: SQLite has one writer at a time.
create table changes (
    cursor integer primary key autoincrement,
    kind text not null,
    clerk_id text not null,
    op text not null,
    at bigint not null,
    data text not null check (json_valid(data))
);
