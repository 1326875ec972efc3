drop table leases;
drop table checkpoints;
drop table subscription_items;
drop table subscriptions;
drop table organization_memberships;
drop table organizations;
drop index users_tier_until;
alter table users drop column tier_until;
