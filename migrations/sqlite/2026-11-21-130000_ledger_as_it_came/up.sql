-- PostgreSQL alone changes here: SQLite has always kept a payload as the text that came.
select 1;
