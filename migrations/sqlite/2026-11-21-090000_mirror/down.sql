drop table changes;
drop table webhook_deliveries;
drop table clerk_objects;
drop table sessions;
drop table user_emails;
drop table users;
