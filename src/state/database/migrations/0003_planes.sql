-- What events reported of a path's permissions: each field with the time that it was reported for, and the newest observation when it
-- was received.
CREATE TABLE told (
    path TEXT PRIMARY KEY,
    permissions TEXT, permissions_at INTEGER, permissions_look INTEGER,
    owner TEXT, owner_at INTEGER, owner_look INTEGER,
    owner_group TEXT, owner_group_at INTEGER, owner_group_look INTEGER
) STRICT, WITHOUT ROWID;

-- Which file went where, until a sink has it there, or it is no move. `told_at` is empty where no event reported it: two paths were
-- paired by their content.
CREATE TABLE lineage (
    sink INTEGER NOT NULL REFERENCES sinks (id),
    path TEXT NOT NULL,
    origin TEXT NOT NULL,
    told_at INTEGER,
    PRIMARY KEY (sink, path),
    UNIQUE (sink, origin)
) STRICT, WITHOUT ROWID;

-- A tombstone keeps the time that an event reported for it: what was reported of the path until then was of the file that went.
-- `gone_by_event`: it was an event that this tombstone's observation answered.
ALTER TABLE observed ADD COLUMN gone_told_at INTEGER;
ALTER TABLE observed ADD COLUMN gone_by_event INTEGER NOT NULL DEFAULT 0;

-- Permissions and content are two planes, each with an intent of its own; a rename or a move names a second path.
ALTER TABLE intents RENAME TO intents_before;
CREATE TABLE intents (
    sink INTEGER NOT NULL REFERENCES sinks (id),
    path TEXT NOT NULL,
    plane TEXT NOT NULL CHECK (plane IN ('content', 'permissions')),
    new_path TEXT,
    idempotency_key TEXT NOT NULL,
    effect TEXT NOT NULL,
    size INTEGER,
    etag TEXT,
    file_type TEXT,
    metadata TEXT,
    permissions TEXT,
    owner TEXT,
    owner_group TEXT,
    run INTEGER NOT NULL,
    PRIMARY KEY (sink, path, plane)
) STRICT, WITHOUT ROWID;
INSERT INTO intents (sink, path, plane, idempotency_key, effect, size, etag, file_type, metadata, run)
    SELECT sink, path, 'content', idempotency_key, effect, size, etag, file_type, metadata, run FROM intents_before;
DROP TABLE intents_before;
CREATE UNIQUE INDEX intents_new_path ON intents (sink, new_path) WHERE new_path IS NOT NULL;

-- `held`: a delete that the guard holds.
ALTER TABLE pending RENAME TO pending_before;
DROP INDEX pending_due;
DROP INDEX pending_waiting;
CREATE TABLE pending (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    sink INTEGER NOT NULL REFERENCES sinks (id),
    path TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('due', 'parked', 'skipped', 'held')),
    deletion INTEGER NOT NULL,
    large INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER,
    reason TEXT,
    message TEXT,
    UNIQUE (sink, path)
) STRICT;
INSERT INTO pending SELECT * FROM pending_before;
DROP TABLE pending_before;
CREATE INDEX pending_due ON pending (sink, deletion, large, seq) WHERE status = 'due';
CREATE INDEX pending_waiting ON pending (sink, status, next_attempt) WHERE status <> 'due';
