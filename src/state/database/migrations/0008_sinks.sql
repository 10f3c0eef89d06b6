-- Several sinks beside one source. Everything that is known of a source or of a sink is a column of its row, and no longer a row of
-- `meta`; what a source shows is kept for each source, and what a sink holds for each sink.

-- One row: the whole key space. Its owner is the process that wrote last: each has a greater epoch than the one before, and stores
-- observations under the numbers that it reserved.
CREATE TABLE shards (
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    observations_reserved INTEGER NOT NULL
) STRICT;
INSERT INTO shards (id, epoch, observations_reserved)
SELECT 1, 0, ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'look'), 0);

-- One row: a state describes one source. `address` is null until a run has named it. Flags are 0 or 1.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    address TEXT,
    -- The listing: the last key of the last page, whether all pages are stored, whether any showed a file.
    listed_up_to TEXT,
    listed_everything INTEGER NOT NULL DEFAULT 0,
    listing_saw_files INTEGER NOT NULL DEFAULT 0,
    -- The run that completed the initial sync, and whether a reconcile began and none has listed everything since.
    initial_completed_by INTEGER,
    reconcile_unfinished INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO sources (id, name, kind, address, listed_up_to, listed_everything, listing_saw_files, initial_completed_by, reconcile_unfinished)
SELECT 1, 'bucket', 'bucket',
    (SELECT value FROM meta WHERE name = 'source'),
    (SELECT value FROM meta WHERE name = 'listed_up_to'),
    EXISTS (SELECT 1 FROM meta WHERE name = 'listed_everything'),
    EXISTS (SELECT 1 FROM meta WHERE name = 'listing_saw_files'),
    (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'initial_completed_by_run'),
    EXISTS (SELECT 1 FROM meta WHERE name = 'reconcile_unfinished');

-- `policy` is a JSON object: what the decisions about the sink depend on.
ALTER TABLE sinks ADD COLUMN source INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sinks ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE sinks ADD COLUMN address TEXT;
ALTER TABLE sinks ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sinks ADD COLUMN open_intents INTEGER NOT NULL DEFAULT 0;
-- What the guard holds: deletes, of so many rows, and whether because a listing showed nothing at all. Null: it holds nothing.
ALTER TABLE sinks ADD COLUMN held_deletes INTEGER;
ALTER TABLE sinks ADD COLUMN held_of_rows INTEGER;
ALTER TABLE sinks ADD COLUMN held_as_nothing_was_listed INTEGER NOT NULL DEFAULT 0;
-- How many rows the sink had when the listing began, and whether the guard has yet to judge the deletes of what was listed.
ALTER TABLE sinks ADD COLUMN rows_before_listing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sinks ADD COLUMN listing_unjudged INTEGER NOT NULL DEFAULT 0;
-- The settings that operations depended on in the last run, and how many rows lay outside of the prefix when they were counted last.
ALTER TABLE sinks ADD COLUMN settings TEXT;
ALTER TABLE sinks ADD COLUMN outside_prefix INTEGER NOT NULL DEFAULT 0;
UPDATE sinks SET
    kind = 'file_manager',
    address = (SELECT value FROM meta WHERE name = 'sink_file_manager'),
    open_intents = (SELECT count(*) FROM intents i WHERE i.sink = sinks.id),
    held_deletes = (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'held_deletes'),
    held_of_rows = (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'held_of_rows'),
    held_as_nothing_was_listed = EXISTS (SELECT 1 FROM meta WHERE name = 'held_as_nothing_was_listed'),
    rows_before_listing = ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'rows_before_listing'), 0),
    listing_unjudged = EXISTS (SELECT 1 FROM meta WHERE name = 'listing_unjudged'),
    settings = (SELECT value FROM meta WHERE name = 'settings'),
    outside_prefix = ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'outside_prefix'), 0);
DELETE FROM meta WHERE name IN ('look', 'source', 'sink_file_manager', 'listed_up_to', 'listed_everything', 'listing_saw_files',
    'initial_completed_by_run', 'reconcile_unfinished', 'held_deletes', 'held_of_rows', 'held_as_nothing_was_listed',
    'rows_before_listing', 'listing_unjudged', 'settings', 'outside_prefix');

-- A state that was never used has no sink: the first run registers those that the settings name.
DELETE FROM sinks WHERE address IS NULL AND applied_rows = 0
    AND NOT EXISTS (SELECT 1 FROM pending) AND NOT EXISTS (SELECT 1 FROM intents) AND NOT EXISTS (SELECT 1 FROM observed);
DELETE FROM waiting WHERE sink NOT IN (SELECT id FROM sinks);
-- Numbers of sinks are never used twice: the history names them.
INSERT INTO meta (name, value) SELECT 'last_sink', CAST(ifnull(max(id), 0) AS TEXT) FROM sinks;

-- Effects without an outcome are counted for each sink.
DROP TRIGGER intent_added;
DROP TRIGGER intent_removed;
DELETE FROM counters WHERE name = 'intents';
CREATE TRIGGER intent_added AFTER INSERT ON intents BEGIN
    UPDATE OR FAIL sinks SET open_intents = open_intents + 1 WHERE id = NEW.sink;
END;
CREATE TRIGGER intent_removed AFTER DELETE ON intents BEGIN
    UPDATE OR FAIL sinks SET open_intents = open_intents - 1 WHERE id = OLD.sink;
END;

-- What the newest observation of a key showed; `present = 0` is a tombstone.
ALTER TABLE observed RENAME TO observed_before;
CREATE TABLE observed (
    source INTEGER NOT NULL,
    path TEXT NOT NULL,
    look INTEGER NOT NULL,
    present INTEGER NOT NULL,
    size INTEGER,
    etag TEXT,
    last_modified INTEGER,
    storage_class TEXT,
    version_id TEXT,
    gone_told_at INTEGER,
    gone_by_event INTEGER NOT NULL DEFAULT 0,
    gone_look INTEGER,
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;
-- `OR FAIL`, here and below: for a statement that may abort after its first row SQLite keeps a copy of each free page that it uses, in
-- memory, until it ends. What fails takes the whole migration back.
INSERT OR FAIL INTO observed (source, path, look, present, size, etag, last_modified, storage_class, version_id, gone_told_at, gone_by_event, gone_look)
SELECT 1, path, look, present, size, etag, last_modified, storage_class, version_id, gone_told_at, gone_by_event, gone_look
FROM observed_before ORDER BY path;
-- Emptied first: SQLite keeps a copy of every page of a table that it drops full, in memory, until the statement ends.
DELETE FROM observed_before;
DROP TABLE observed_before;

-- A sink's own handle on what it holds: for the file manager its identifier.
ALTER TABLE applied RENAME COLUMN internal_id TO handle;

-- What events reported of a path's permissions: each field with the time that it was reported for, and the newest observation when it was
-- received.
CREATE TABLE permissions (
    source INTEGER NOT NULL,
    path TEXT NOT NULL,
    permissions TEXT, permissions_at INTEGER, permissions_look INTEGER,
    owner TEXT, owner_at INTEGER, owner_look INTEGER,
    owner_group TEXT, owner_group_at INTEGER, owner_group_look INTEGER,
    PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;
INSERT OR FAIL INTO permissions SELECT 1, told.* FROM told ORDER BY path;
DELETE FROM told;
DROP TABLE told;

-- Up to where a sink has outdated the permissions reported of a path, while another sink still needs them: fields reported for a time up to
-- `until`, and fields received before the observation `before_look`. The file that they were reported of is gone from this sink.
CREATE TABLE outdated_permissions (
    sink INTEGER NOT NULL,
    path TEXT NOT NULL,
    until INTEGER,
    before_look INTEGER,
    PRIMARY KEY (sink, path)
) STRICT, WITHOUT ROWID;

-- How far a resumable transfer has come, in the sink's own words; and which sink an operation of the history was for (null for an event).
ALTER TABLE intents ADD COLUMN resume TEXT;
ALTER TABLE history ADD COLUMN sink INTEGER;
