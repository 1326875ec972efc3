-- The table that both peers keep: what a small team mirrors of its users by hand.
create table users (
    id uuid primary key default gen_random_uuid(),
    clerk_user_id text not null unique,
    email text,
    email_verified boolean not null default false,
    first_name text,
    last_name text,
    image_url text,
    role text not null default 'user',
    tier text not null default 'free',
    organization text,
    public_metadata jsonb not null default '{}',
    preferences jsonb not null default '{}',
    invite_validated boolean not null default false,
    is_active boolean not null default true,
    portfolio_id uuid,
    portfolio_count integer not null default 0,
    ai_messages_used integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    last_login_at timestamptz
);
