drop table chat_messages;
drop table calculation_jobs;
drop table positions;
drop table portfolios;
drop table collection_items;
drop table collections;
drop table valuation_rulesets;
drop table profiles;
-- Their policies look into one another.
drop policy listings_select on listings;
drop table shares;
drop table listings;
drop function clerk_sync_owns_listing(uuid);
drop function clerk_sync_protect(text, text, text, text);
drop function clerk_sync_is_admin();
drop function clerk_sync_user_id();
drop table admin_proofs;
-- The role `clerk_sync_admin` stays: it is the whole server's, and other databases may know it.
