-- Administrators see how many signed in, day by day.
create index sessions_signed_in on sessions (signed_in_at);
