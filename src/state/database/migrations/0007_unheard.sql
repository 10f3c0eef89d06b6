-- When each queue was last polled. `is_left`: the settings named it once and name others now; should they name it again, it still says how
-- long it was not polled.
CREATE TABLE queues (
    address TEXT PRIMARY KEY,
    heard_at INTEGER NOT NULL,
    is_left INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO queues (address, heard_at)
    SELECT a.value, CAST(h.value AS INTEGER) FROM meta a, meta h WHERE a.name = 'queue_address' AND h.name = 'queue_heard_at';
-- An older version did not say which queue it polled: something of it may have been missed.
INSERT OR REPLACE INTO meta (name, value)
    SELECT 'feed_gap', CAST(CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS TEXT) FROM meta
    WHERE name = 'queue_heard_at' AND NOT EXISTS (SELECT 1 FROM queues);
DELETE FROM meta WHERE name IN ('queue_address', 'queue_heard_at');

-- When a failure of an event's replay was last counted: those that follow it at once are the same trouble.
ALTER TABLE inbox ADD COLUMN failed_at INTEGER;

-- How often one of the two paths could not be looked up, since it was reported that a file went from one to the other.
ALTER TABLE lineage ADD COLUMN unseen INTEGER NOT NULL DEFAULT 0;

-- Whether the listing of the run came to its end.
ALTER TABLE runs ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET listed = 1 WHERE kind <> 'incremental' AND outcome IN ('done', 'partial');
