-- What happened to a path and is over: one row for each event that was consumed and for each operation that ended, in the order
-- in which it happened. `run` is the run in which it did; `what` is a JSON object. Rows are only ever added at one end and removed
-- at the other: an index by path would cost every event a page of its own, and a person who asks can wait for a scan.
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    new_path TEXT,
    what TEXT NOT NULL
) STRICT;

-- When the sink confirmed the row, and in which run: all that is remembered of a file that the initial sync brought without trouble.
ALTER TABLE applied ADD COLUMN run INTEGER;
ALTER TABLE applied ADD COLUMN applied_at INTEGER;
