drop index users_external_id;
drop table stream_tickets;
