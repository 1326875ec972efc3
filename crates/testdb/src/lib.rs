//! Throw-away databases for tests: an own PostgreSQL database or SQLite file each.
