-- SQLite's INTEGER has 64 bits already, and only an INTEGER PRIMARY KEY can have AUTOINCREMENT: nothing to change. The
-- step is PostgreSQL's, and both histories have the same ones.
SELECT 1;
