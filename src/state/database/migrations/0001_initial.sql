-- Times are microseconds since 1970, UTC. Paths are object keys, byte for byte.

-- What this state describes, and its counters. `look` is the high-water mark of the numbers that looks were stored under.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- A sink and how many rows it has (kept by the triggers below: a count of millions of rows is no quick question).
CREATE TABLE sinks (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied_rows INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO sinks (id, name) VALUES (1, 'file_manager');

-- What the newest look at a key showed; `present = 0` is a tombstone.
CREATE TABLE observed (
    path TEXT PRIMARY KEY,
    look INTEGER NOT NULL,
    present INTEGER NOT NULL,
    size INTEGER,
    etag TEXT,
    last_modified INTEGER,
    storage_class TEXT,
    version_id TEXT
) STRICT, WITHOUT ROWID;

-- What a sink confirmed; `confirmed = 0`: there is a row, but it no longer says what the sink holds.
CREATE TABLE applied (
    sink INTEGER NOT NULL REFERENCES sinks (id),
    path TEXT NOT NULL,
    confirmed INTEGER NOT NULL,
    size INTEGER,
    etag TEXT,
    last_modified INTEGER,
    storage_class TEXT,
    version_id TEXT,
    file_type TEXT,
    internal_id TEXT,
    permissions TEXT,
    owner TEXT,
    owner_group TEXT,
    PRIMARY KEY (sink, path)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER applied_added AFTER INSERT ON applied BEGIN
    UPDATE sinks SET applied_rows = applied_rows + 1 WHERE id = NEW.sink;
END;
CREATE TRIGGER applied_removed AFTER DELETE ON applied BEGIN
    UPDATE sinks SET applied_rows = applied_rows - 1 WHERE id = OLD.sink;
END;

-- What we were about to do and have no outcome of: at most one effect for each path and sink.
-- Everything that makes the call identical when it is sent again.
CREATE TABLE intents (
    sink INTEGER NOT NULL REFERENCES sinks (id),
    path TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    effect TEXT NOT NULL,
    size INTEGER,
    etag TEXT,
    file_type TEXT,
    metadata TEXT,
    run INTEGER NOT NULL,
    PRIMARY KEY (sink, path)
) STRICT, WITHOUT ROWID;

-- The paths with something to do. `deletion = 1`: a page should show the key and does not, or a look found it gone:
-- waits for the end of a listing. `seq` grows whenever a path is queued anew.
CREATE TABLE pending (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    sink INTEGER NOT NULL REFERENCES sinks (id),
    path TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('due', 'parked', 'skipped')),
    deletion INTEGER NOT NULL,
    large INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER,
    reason TEXT,
    message TEXT,
    UNIQUE (sink, path)
) STRICT;
CREATE INDEX pending_due ON pending (sink, deletion, large, seq) WHERE status = 'due';
CREATE INDEX pending_waiting ON pending (sink, status, next_attempt) WHERE status <> 'due';

CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    summary TEXT
) STRICT;
