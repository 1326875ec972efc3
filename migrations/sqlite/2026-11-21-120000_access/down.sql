drop table audit_log;
drop table erasures;
drop table usage_reservations;
drop table usage;
drop table invite_attempts;
drop table invite_redemptions;
drop table invites;

drop index users_role_of_plan;
alter table users drop column is_active;
alter table users drop column tokens_valid_after;
alter table users drop column deactivated_at;
alter table users drop column invite_validated_at;
alter table users drop column tier_source;
alter table users drop column tier_override;
alter table users drop column role_source;
alter table users drop column role_override;
alter table users add column is_active boolean not null
    generated always as (deleted_at is null and not banned) virtual;
