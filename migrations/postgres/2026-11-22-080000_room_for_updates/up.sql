-- A user's row is updated again and again, and hardly ever in a column that an index holds. Where its page has room for the
-- new version, no index has to learn of it: new pages leave three tenths free. Full ones get room as their rows move out.

alter table users set (fillfactor = 70);
