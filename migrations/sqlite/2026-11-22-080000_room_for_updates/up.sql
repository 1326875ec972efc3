-- PostgreSQL alone changes here: SQLite updates a row where it stands.
select 1;
