-- Several sinks for one source. Facts about a source or a sink move from rows of `meta` into columns of `sources` and `sinks`.
-- Observations are stored per source, what a sink holds per sink.
--
-- This migration adds and removes at once: it drops `told`, renames `applied.internal_id` and moves rows of `meta`. A program of
-- version 7 cannot use the state meanwhile, because it does not hold the lock, nor later, because it refuses a newer schema. (If
-- processes of two versions shared a database, a migration could only add, and a later version would remove what none reads.)

-- One row stands for the whole key space. Its owner is the last process that wrote: each owner has a greater epoch than the one
-- before, and stores observations only under numbers that it reserved.
CREATE TABLE shards (
    id INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    observations_reserved INTEGER NOT NULL
) STRICT;
INSERT INTO shards (id, epoch, observations_reserved)
SELECT 1, 0, ifnull((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'look'), 0);

-- One row: a state describes one source. `address` is null until a run has set it. Flags are 0 or 1.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    address TEXT,
    -- The listing: the last key of the last page; whether all pages are stored; whether any page showed a file.
    listed_up_to TEXT,
    listed_everything INTEGER NOT NULL DEFAULT 0,
    listing_saw_files INTEGER NOT NULL DEFAULT 0,
    -- The run that completed the initial sync; whether a reconcile began and no listing has completed since.
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

-- `policy` is a JSON object: the facts that decisions about the sink depend on.
ALTER TABLE sinks ADD COLUMN source INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sinks ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE sinks ADD COLUMN address TEXT;
ALTER TABLE sinks ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
ALTER TABLE sinks ADD COLUMN open_intents INTEGER NOT NULL DEFAULT 0;
-- The deletes that the guard holds, the row count it compared them with, and whether it holds them because a listing showed no
-- file. Null: it holds none.
ALTER TABLE sinks ADD COLUMN held_deletes INTEGER;
ALTER TABLE sinks ADD COLUMN held_of_rows INTEGER;
ALTER TABLE sinks ADD COLUMN held_as_nothing_was_listed INTEGER NOT NULL DEFAULT 0;
-- The sink's rows when the listing began; whether the guard has yet to judge that listing's deletes.
ALTER TABLE sinks ADD COLUMN rows_before_listing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sinks ADD COLUMN listing_unjudged INTEGER NOT NULL DEFAULT 0;
-- The settings that operations depended on in the last run; the rows outside of the prefix at the last count.
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

-- A state that was never used has no sink: the first run registers the sinks that the settings name.
DELETE FROM sinks WHERE address IS NULL AND applied_rows = 0
    AND NOT EXISTS (SELECT 1 FROM pending) AND NOT EXISTS (SELECT 1 FROM intents) AND NOT EXISTS (SELECT 1 FROM observed);
DELETE FROM waiting WHERE sink NOT IN (SELECT id FROM sinks);
-- A sink's number is never reused: the history refers to it.
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
-- `OR FAIL`, here and below: for a statement that may abort after its first row, SQLite copies each free page that it uses into
-- memory until the statement ends. An error rolls back the whole migration.
INSERT OR FAIL INTO observed (source, path, look, present, size, etag, last_modified, storage_class, version_id, gone_told_at, gone_by_event, gone_look)
SELECT 1, path, look, present, size, etag, last_modified, storage_class, version_id, gone_told_at, gone_by_event, gone_look
FROM observed_before ORDER BY path;
-- Delete the rows first: when SQLite drops a full table, it keeps a copy of every page in memory until the statement ends.
DELETE FROM observed_before;
DROP TABLE observed_before;

-- The sink's own handle for a file; for the file manager, its identifier.
ALTER TABLE applied RENAME COLUMN internal_id TO handle;

-- The permissions that events reported of each path. Each field has the time that the event gave, and the newest observation at
-- its receipt.
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

-- Up to where a sink has outdated a path's reported permissions while another sink still needs them: fields reported for a time
-- up to `until`, and fields received before the observation `before_look`. This sink no longer holds the file that they
-- described.
CREATE TABLE outdated_permissions (
    sink INTEGER NOT NULL,
    path TEXT NOT NULL,
    until INTEGER,
    before_look INTEGER,
    PRIMARY KEY (sink, path)
) STRICT, WITHOUT ROWID;

-- The progress of a resumable transfer, in the sink's own words; the sink of an operation in the history (null for an event).
ALTER TABLE intents ADD COLUMN resume TEXT;
ALTER TABLE history ADD COLUMN sink INTEGER;
