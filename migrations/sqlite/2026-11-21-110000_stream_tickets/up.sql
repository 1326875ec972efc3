-- Tickets that open a stream once, for clients that can send neither header nor cookie. Only a digest (SHA-256) is kept:
-- whoever reads the table has no ticket. A row is deleted by whoever redeems it, or soon after it has expired.
create table stream_tickets (
    digest blob not null primary key check (length(digest) = 32),
    clerk_user_id text not null,
    clerk_session_id text not null,
    expires_at bigint not null
);
create index stream_tickets_expiry on stream_tickets (expires_at);

-- The team's own ids, by which tokens of a previous login find their user.
create index users_external_id on users (external_id) where external_id is not null;
