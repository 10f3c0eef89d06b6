-- What the event sources reported. Times are microseconds since 1970, UTC.

-- How many rows some tables have (kept by triggers: a cycle asks each time, and must not count).
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('inbox', 0), ('dead_letters', 0);

-- Events that no run has consumed yet. `seq` is the order of arrival and never used twice; `event` is the decoded event, a JSON object.
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    event TEXT NOT NULL
) STRICT;
CREATE TRIGGER inbox_added AFTER INSERT ON inbox BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'inbox';
END;
CREATE TRIGGER inbox_removed AFTER DELETE ON inbox BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'inbox';
END;

-- What could not be understood, or failed again and again. `raw` is the beginning of what arrived and `raw_bytes` the length of all of it;
-- `event` is there when it had been decoded.
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    raw BLOB NOT NULL,
    raw_bytes INTEGER NOT NULL,
    event TEXT
) STRICT;
CREATE TRIGGER dead_letter_added AFTER INSERT ON dead_letters BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'dead_letters';
END;
CREATE TRIGGER dead_letter_removed AFTER DELETE ON dead_letters BEGIN
    UPDATE counters SET value = value - 1 WHERE name = 'dead_letters';
END;

-- Which events of a feed without a cursor were received. `left_at` is null while the newest answer serves the event.
CREATE TABLE feed_identities (
    hash BLOB NOT NULL,
    occurrence INTEGER NOT NULL,
    left_at INTEGER,
    PRIMARY KEY (hash, occurrence)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_identities_left ON feed_identities (left_at);
