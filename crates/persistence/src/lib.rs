//! Turns port calls into SQL, on PostgreSQL and on SQLite.
